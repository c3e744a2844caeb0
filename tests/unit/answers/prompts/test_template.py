"""What makes a template valid, its content hash, and the answer in a reply."""

from pathlib import Path
from typing import Any

import pytest

from ragops.answers.prompts.template_files import PromptSettings, load_template, load_templates
from ragops.errors import UserError
from tests.support.template_files import VALID, valid_template, write_template

SHIPPED = load_templates(PromptSettings(), Path())


def test_the_content_hash_covers_every_field() -> None:
    plain = valid_template()
    assert plain.content_hash == valid_template().content_hash
    changes: list[dict[str, Any]] = [
        {"name": "other"},
        {"description": "Other."},
        {"system": "Be long."},
        {"model_family": "llama"},
        {"variables": {"question": "other", "passages": "found"}},
        {"examples": [{"question": "q", "sources": [], "answer": "a"}]},
    ]
    assert len({plain.content_hash, *(valid_template(**change).content_hash for change in changes)}) == len(changes) + 1


def test_the_answer_is_the_text_after_the_reasoning() -> None:
    steps = SHIPPED["step_by_step"]
    assert steps.answer_in("[1] says Final answer: no\nFinal answer:\n It is so [1].\n") == "It is so [1]."
    assert steps.answer_in(" It is so [1].") == "It is so [1]."
    assert valid_template().answer_in(" Final answer: x ") == "Final answer: x"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"technique": "chain"}, r"technique is 'chain': .*'zero_shot'"),
        ({"task": "chat"}, "task is 'chat'"),
        ({"temperature": 0}, "temperature is 0: Extra inputs are not permitted"),
        ({"description": ""}, "description is '': .*at least 1"),
        ({"name": "Plain Name"}, "name is 'Plain Name'"),
        ({"variables": ["question"]}, "variables: .*dictionary"),
        (
            {"user": "{{ passages }}"},
            r"variables.question: neither system nor user uses \{\{ question \}\}; use it, or",
        ),
        ({"user": "{{ passages }} {{ question }} {{ tone }}"}, r"user: uses \{\{ tone \}\}, .*declare it in variables"),
        ({"system": "{{ tone }}"}, r"system: uses \{\{ tone \}\}, which is not declared; declare it"),
        ({"system": "{{ range(3) }}"}, r"system: uses \{\{ range \}\}, which is not declared"),
        ({"system": "{{ abstention }}"}, "set the template's field abstention, or correct the name"),
        ({"abstention": "No."}, r"abstention: neither system nor user uses \{\{ abstention \}\}; use it, or remove it"),
        ({"variables": VALID["variables"] | {"abstention": "x"}}, "variables.abstention: is a field of the template"),
        ({"system": "{{ question }}"}, r"system: uses \{\{ question \}\}, untrusted text, .*; move it to user"),
        ({"system": "{% if passages %}x{% endif %}"}, r"system: uses \{\{ passages \}\}, untrusted text"),
        ({"system": "{{ question"}, r"system: is not valid Jinja \(line 1: .*\); correct it"),
        ({"user": "a\n{% if %}"}, r"user: is not valid Jinja \(line 2: "),
        ({"task": "rewrite"}, "variables: task rewrite needs history; declare and use it"),
        ({"variables": {"question": "q"}, "user": "{{ question }}"}, "variables: task answer needs passages"),
        ({"technique": "few_shot"}, "examples: is missing, and technique few_shot needs it"),
        ({"technique": "abstain"}, "abstention: .* technique abstain needs it"),
        ({"technique": "structured"}, "response_schema: .* technique structured needs it"),
        ({"technique": "step_by_step"}, "answer_after: .* technique step_by_step needs it"),
        ({"answer_after": "So:"}, "answer_after: neither system nor user asks for 'So:'"),
        ({"response_schema": {"type": "object", "properties": {"a": {}}}}, "technique zero_shot does not use one"),
        ({"technique": "structured", "response_schema": {"type": "array"}}, "does not describe an object"),
        (
            {
                "technique": "structured",
                "response_schema": {"type": "object", "properties": {"a": {}}, "required": ["b"]},
            },
            "response_schema.required: b is not among the properties",
        ),
        ({"examples": [{"question": "q", "answer": "a"}]}, "examples.0.sources: .*passages is a variable; add it"),
        (
            {"examples": [{"question": "q", "answer": "a", "sources": [], "history": []}]},
            "examples.0.history: history is not a variable .*; remove it",
        ),
        (
            {
                "examples": [
                    {"question": "q", "answer": "a", "sources": [{"number": 2, "title": "", "path": "", "text": ""}]}
                ]
            },
            r"examples.0.sources: are numbered \[2\]; number them from 1",
        ),
        (
            {"examples": [{"question": "q", "answer": "a", "sources": [{"number": 1, "titel": ""}]}]},
            "examples.0.sources.0.title: .*required",
        ),
        (
            {"examples": [{"question": "q", "answer": "a", "sources": [], "why": 1}]},
            "examples.0.why is 1: Extra inputs",
        ),
    ],
)
def test_a_fault_names_file_field_and_fix(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    path = write_template(tmp_path, VALID | changes)
    with pytest.raises(UserError, match=line) as raised:
        load_template(path)
    assert str(raised.value).startswith(f"prompt template {path}: ")
    assert "\n" not in str(raised.value) and "Value error" not in str(raised.value)
