"""The templates that come along are sound; one that is not is refused in one line: file, field, fix."""

import tempfile
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.prompts.catalogue import PromptSettings, find, load_template, load_templates, save_template
from ragops.answers.prompts.template import Technique, Template
from ragops.errors import UserError
from tests.support.template_files import SOUND, sound, written

PACKAGED = load_templates(PromptSettings(), Path())


def test_every_technique_has_a_template() -> None:
    assert {template.technique for template in PACKAGED.values()} == set(get_args(Technique))
    assert len([template for template in PACKAGED.values() if template.task == "answer"]) >= 6


def test_the_defaults_are_there() -> None:
    settings = PromptSettings()
    assert find(PACKAGED, settings.answer, "answer").abstention
    assert find(PACKAGED, settings.rewrite, "rewrite").name == "standalone_question"


def test_one_sentence_abstains_in_all_of_them() -> None:
    sentences = {template.abstention for template in PACKAGED.values() if template.abstention}
    assert len(sentences) == 1


def test_the_schema_is_one_and_takes_an_abstention() -> None:
    schema = PACKAGED["structured"].response_schema
    assert schema is not None
    jsonschema.Draft202012Validator.check_schema(schema)
    abstaining = {"answerable": False, "answer": PACKAGED["structured"].abstention, "citations": []}
    jsonschema.validate(abstaining, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**abstaining, "citations": ["1"]}, schema)


def test_a_hash_is_of_everything() -> None:
    plain = sound()
    assert plain.content_hash == sound().content_hash
    changes: list[dict[str, Any]] = [
        {"name": "other"},
        {"description": "Other."},
        {"system": "Be long."},
        {"model_family": "llama"},
        {"variables": {"question": "other", "passages": "found"}},
        {"examples": [{"question": "q", "sources": [], "answer": "a"}]},
    ]
    assert len({plain.content_hash, *(sound(**change).content_hash for change in changes)}) == len(changes) + 1


def test_hashes_do_not_depend_on_the_order_in_the_file(tmp_path: Path) -> None:
    turned = dict(reversed(SOUND.items()))
    assert (
        load_template(written(tmp_path, yaml.safe_dump(turned, sort_keys=False))).content_hash == sound().content_hash
    )


def test_the_answer_follows_the_reasoning() -> None:
    steps = PACKAGED["step_by_step"]
    assert steps.answer_in("[1] says Final answer: no\nFinal answer:\n It is so [1].\n") == "It is so [1]."
    assert steps.answer_in(" It is so [1].") == "It is so [1]."
    assert sound().answer_in(" Final answer: x ") == "Final answer: x"


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
        ({"system": "{{ abstention }}"}, "give the template an abstention, or correct the name"),
        ({"abstention": "No."}, r"abstention: neither system nor user uses \{\{ abstention \}\}; use it, or remove it"),
        ({"variables": SOUND["variables"] | {"abstention": "x"}}, "variables.abstention: is a field of the template"),
        ({"system": "{{ question }}"}, r"system: uses \{\{ question \}\}, text of others, .*; move it to user"),
        ({"system": "{% if passages %}x{% endif %}"}, r"system: uses \{\{ passages \}\}, text of others"),
        ({"system": "{{ question"}, r"system: is not Jinja \(line 1: .*\); correct it"),
        ({"user": "a\n{% if %}"}, r"user: is not Jinja \(line 2: "),
        ({"task": "rewrite"}, "variables: task rewrite needs history; declare and use it"),
        ({"variables": {"question": "q"}, "user": "{{ question }}"}, "variables: task answer needs passages"),
        ({"technique": "few_shot"}, "examples: technique few_shot needs it; add it, or choose another"),
        ({"technique": "abstain"}, "abstention: technique abstain needs it"),
        ({"technique": "structured"}, "response_schema: technique structured needs it"),
        ({"technique": "step_by_step"}, "answer_after: technique step_by_step needs it"),
        ({"answer_after": "So:"}, "answer_after: neither system nor user tells the model to write 'So:'"),
        ({"response_schema": {"type": "object", "properties": {"a": {}}}}, "technique zero_shot takes none"),
        ({"technique": "structured", "response_schema": {"type": "array"}}, "is not the schema of an object"),
        (
            {
                "technique": "structured",
                "response_schema": {"type": "object", "properties": {"a": {}}, "required": ["b"]},
            },
            "response_schema.required: b is not among the properties",
        ),
        ({"examples": [{"question": "q", "answer": "a"}]}, "examples.0.sources: passages is among .*; add it"),
        (
            {"examples": [{"question": "q", "answer": "a", "sources": [], "history": []}]},
            "examples.0.history: history is not among the variables; remove it",
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
def test_a_fault_is_one_line(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    path = written(tmp_path, SOUND | changes)
    with pytest.raises(UserError, match=line) as raised:
        load_template(path)
    assert str(raised.value).startswith(f"prompt template {path}: ")
    assert "\n" not in str(raised.value) and "Value error" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("name: [plain", "is not YAML: line 1, expected"),
        ("a: b\n  c: d", "is not YAML: line 2, mapping values"),
        (b"name: caf\xe9", "byte 9 is not UTF-8; save the file as UTF-8"),
        ("\0", "is not YAML: .*not allowed"),
        ("", "Input should be a valid dictionary"),
        ("- plain", "Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path: Path, content: str | bytes, line: str) -> None:
    with pytest.raises(UserError, match=line) as raised:
        load_template(written(tmp_path, content))
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none.yml: cannot be read .No such file or directory.; correct the path"):
        load_template(tmp_path / "none.yml")


def test_file_and_field_have_one_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="other.yml: name is plain; give field and file one name"):
        load_template(written(tmp_path, SOUND, "other.yml"))


def test_a_teams_own_come_on_top_and_replace_ours(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    written(own, SOUND)
    written(own, SOUND | {"name": "brief"}, "brief.yaml")
    (own / "README.md").write_text("not a template")
    found = load_templates(PromptSettings(templates="own"), tmp_path)
    assert found.keys() == PACKAGED.keys() | {"plain"}
    assert found["brief"].description == SOUND["description"]
    assert list(found) == sorted(found)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    written(tmp_path, SOUND)
    written(tmp_path, SOUND, "plain.yaml")
    with pytest.raises(UserError, match="plain: two files .* have that name; remove one"):
        load_templates(PromptSettings(templates="."), tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="prompts.templates: no folder .*nowhere; correct the use case"):
        load_templates(PromptSettings(templates="nowhere"), tmp_path)


def test_unknown_templates_and_wrong_tasks_are_refused() -> None:
    with pytest.raises(UserError, match=r"cite_or_abstian: there is none .*; did you mean cite_or_abstain\?"):
        find(PACKAGED, "cite_or_abstian")
    with pytest.raises(UserError, match="xyz: there is none of that name; there are: brief, "):
        find(PACKAGED, "xyz")
    with pytest.raises(UserError, match="brief: its task is answer, not rewrite; choose one of: standalone_question"):
        find(PACKAGED, "brief", "rewrite")


def test_values_are_those_that_the_template_takes() -> None:
    settings = PromptSettings(values={"tone": "dry", "other": "x"})
    template = sound(variables=SOUND["variables"] | {"tone": "of the answer"}, system="Be {{ tone }}.")
    assert settings.values_for(template) == {"tone": "dry"}
    assert settings.values_for(sound()) == {}


@pytest.mark.parametrize("template", PACKAGED.values(), ids=lambda template: template.name)
def test_a_template_that_is_written_is_read_as_it_was(template: Template, tmp_path: Path) -> None:
    path = save_template(template, tmp_path / "prompts")
    assert load_template(path) == template
    assert "\\n" not in path.read_text()  # a person reads lines


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n\t"), min_size=1))
def test_any_text_is_read_as_it_was_written(text: str) -> None:
    template = sound(system="s", description=text, model_family=text)
    with tempfile.TemporaryDirectory() as folder:
        assert load_template(save_template(template, Path(folder))) == template


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written .*name another folder"):
        save_template(sound(), tmp_path / "file")
