"""Request to messages: roles, examples, determinism, and every way in which variables do not fit."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.prompts.catalogue import PromptSettings, load_templates
from ragops.answers.prompts.delimiters import Request
from ragops.answers.prompts.example import specimen
from ragops.answers.prompts.messages import Message
from ragops.answers.prompts.render import render
from ragops.answers.prompts.sources import Source
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from tests.support.template_files import SOUND, sound

KEY = b"a key of sixteen bytes or more"
SOURCES = [Source(1, "Ferry", "ferry.md", "It leaves at eight."), Source(2, "Pier", "pier.md", "North.")]
REQUEST = Request("When does it leave?", SOURCES)
PACKAGED = load_templates(PromptSettings(), Path()).values()
TONED: dict[str, Any] = {"variables": SOUND["variables"] | {"tone": "of the answer"}, "system": "Be {{ tone }}."}


def user(messages: list[Message]) -> str:
    assert messages[-1].role == "user"
    return messages[-1].content


def test_texts_are_filled_in() -> None:
    system, asked = render(sound(), REQUEST, KEY)
    assert system == Message("system", "Be brief.")
    assert asked.content.endswith("\n\nQuestion: When does it leave?")
    for words in ('number="1">\nTitle: Ferry\nSource: ferry.md\n\nIt leaves at eight.\n</passage-', 'number="2">'):
        assert words in asked.content


def test_no_system_text_no_system_message() -> None:
    assert [message.role for message in render(sound(system=""), REQUEST)] == ["user"]


@pytest.mark.parametrize("template", PACKAGED, ids=lambda template: template.name)
def test_what_is_packaged_renders_and_asks_last(template: Template) -> None:
    request = specimen(template, {})
    messages = render(template, request, KEY)
    roles = [message.role for message in messages]
    assert roles == ["system", *["user", "assistant"] * len(template.examples), "user"]
    assert request.question in messages[-1].content
    assert not any("{{" in message.content or "{%" in message.content for message in messages)
    other = Request(request.question and "?", request.sources and (), request.history and (), request.values)
    assert messages[0].content == render(template, other)[0].content


@pytest.mark.parametrize("template", PACKAGED, ids=lambda template: template.name)
def test_equal_requests_make_equal_prompts(template: Template) -> None:
    assert render(template, specimen(template, {}), KEY) == render(template, specimen(template, {}), KEY)


def test_examples_are_turns_under_the_requests_own_code() -> None:
    shot = sound(
        technique="few_shot",
        examples=[
            {
                "question": "Who?",
                "sources": [{"number": 1, "title": "T", "path": "p", "text": "He."}],
                "answer": "He [1].",
            }
        ],
    )
    _, asked, answered, last = render(shot, REQUEST, KEY)
    assert asked.role == "user" and asked.content.endswith("Question: Who?") and "He." in asked.content
    assert answered == Message("assistant", "He [1].")
    codes = [message.content.split("<passage-")[1][:10] for message in (asked, last)]
    assert codes[0] == codes[1]


def test_what_the_team_sets_may_stand_in_system() -> None:
    messages = render(sound(**TONED), Request("q", SOURCES, values={"tone": "dry"}))
    assert messages[0].content == "Be dry."


@given(st.text(min_size=1), st.text(), st.text(), st.text())
def test_text_of_others_stands_in_the_users_turn_alone(question: str, title: str, path: str, text: str) -> None:
    plain = render(sound(), Request("q", SOURCES), KEY)
    system, asked = render(sound(), Request(question, [Source(1, title, path, text)]), KEY)
    assert system == plain[0] and asked.role == "user"


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% for x in [1] %}y{% endfor %}", "{# gone #}", "{{ abstention }}"])
def test_text_of_others_is_never_read_as_a_template(text: str) -> None:
    asked = user(render(sound(), Request(text, [Source(1, text, text, text)])))
    assert asked.count(text) == 4


def test_the_models_own_tokens_are_broken_too() -> None:
    asked = user(
        render(sound(), Request("a ▁EOT▁ b", [Source(1, "▁EOT▁", "▁EOT▁", "▁EOT▁")]), special_tokens=["▁EOT▁"])
    )
    assert "▁EOT▁" not in asked


def test_no_passages_is_a_request_like_any_other() -> None:
    assert "No passages were found" in user(render(sound(), Request("q", [])))


@pytest.mark.parametrize(
    ("changes", "request_", "line"),
    [
        ({}, Request("q"), "plain: variable passages is missing; pass it"),
        ({}, Request("q", SOURCES, history=[]), "plain: it has no variable history; leave it out, or declare it"),
        ({}, Request("q", SOURCES, values={"tone": "dry"}), "plain: it has no variable tone; leave it out"),
        (TONED, Request("q", SOURCES), "plain: variable tone is missing; set prompts.values.tone in usecase.yml"),
        (TONED, Request("q", values={"tone": "dry", "passages": "x"}), "passages is not the team's to set; rename"),
        (
            TONED,
            Request("q", SOURCES, values={"tone": "dry", "abstention": "x"}),
            "abstention is not the team's to set",
        ),
        ({"system": "{{ 1 / 0 }}"}, REQUEST, "ZeroDivisionError: division by zero; correct the template"),
        ({"user": "{{ passages }}{{ question.x }}"}, REQUEST, "UndefinedError: .*; correct the template"),
        ({"user": "{{ passages }}{{ question.__class__ }}"}, REQUEST, "SecurityError: .*unsafe; correct the template"),
    ],
)
def test_what_does_not_fit_is_one_line(changes: dict[str, Any], request_: Request, line: str) -> None:
    with pytest.raises(UserError, match=line):
        render(sound(**changes), request_)
