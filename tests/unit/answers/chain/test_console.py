"""Answers and abstentions on the terminal and as JSON."""

import json
from dataclasses import replace

import pytest
from rich.console import Console

from ragops.answers.chain.console import as_outputs, show_answer
from ragops.answers.chain.types import Answer
from ragops.answers.retrieval.context import Packed
from ragops.answers.retrieval.pipeline import Found
from tests.support.chains import passage

SOURCES = tuple(
    Packed(number, Found(passage(number, text), 0.5, 1, None, 0.6, ("copies/p.md",)), (passage(number, text),), text, 9)
    for number, text in enumerate(["The ferry leaves at eight.", "Painters close the crane."], start=1)
)
ANSWER = Answer(
    text="At **eight** [1].",
    cited=SOURCES[:1],
    sources=SOURCES,
    abstained=None,
    standalone="When does the ferry leave?",
    evidence=0.613,
    prompt="cite@0123abcd",
    generation="000001-aa",
    model="script",
    prompt_tokens=1234,
    completion_tokens=5,
    seconds=0.44,
)
NOTHING = replace(ANSWER, text="I cannot find it.", cited=(), model="")


def shown(answer: Answer) -> list[str]:
    console = Console(width=100)
    with console.capture() as printed:
        show_answer(console, answer)
    return [line.rstrip() for line in printed.get().splitlines() if line.strip()]


def test_an_answer_is_shown_with_sources_and_figures() -> None:
    assert shown(ANSWER) == [
        "At eight [1].",
        "[1] Title 1  p1.md",
        "    also in copies/p.md",
        "script; prompt cite@0123abcd; index 000001-aa; evidence 0.61; 1,234 tokens read, 5 written; 0.4 s",
    ]


def test_removed_citations_and_quotes_are_reported() -> None:
    story = shown(replace(ANSWER, removed_citations=2, quoted=True))[-1]
    assert "2 made-up citations removed; quoted from the passages, because the model cited nothing;" in story


def test_a_fallback_is_reported_with_the_reason() -> None:
    *_, result, story = shown(replace(ANSWER, model="quotes", failed={"served": "HTTP\x1b 500"}))
    assert result == "served did not answer (HTTP 500); fell back to quotes"
    assert story.startswith("quotes;")


def test_a_failed_rewriting_is_reported_with_the_reason() -> None:
    result = shown(replace(ANSWER, not_rewritten={"served": "HTTP 400 no"}))[-2]
    assert result == "served did not rewrite the question (HTTP 400 no); searched for: When does the ferry leave?"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (replace(NOTHING, abstained="no evidence"), "No evidence: no passage is similar enough"),
        (replace(NOTHING, abstained="no evidence", sources=()), "No evidence: nothing was found; the index is empty"),
        (replace(NOTHING, abstained="the model", model="script"), "The model found no answer in 2 passages."),
        (
            replace(NOTHING, abstained="the model", model="script", sources=SOURCES[:1]),
            "The model found no answer in 1 passage.",
        ),
    ],
)
def test_an_abstention_is_shown_with_its_reason(answer: Answer, why: str) -> None:
    text, reason, story = shown(answer)
    assert text == "I cannot find it."
    assert reason.startswith(why)
    assert story.startswith(answer.model or "no model; prompt")


def test_a_models_text_cannot_control_the_terminal_or_hide_a_link_target() -> None:
    lines = shown(replace(ANSWER, text="See ![map](https://collect.invalid/x) and [this](https://a.b)\x1b[31m [1]."))
    assert "\x1b" not in "".join(lines)
    assert "https://a.b" in lines[0]


def test_json_output_is_complete() -> None:
    result = json.loads(
        json.dumps(as_outputs(replace(ANSWER, failed={"served": "down"}, not_rewritten={"served": "no"})))
    )
    assert (result["failed"], result["not_rewritten"]) == ({"served": "down"}, {"served": "no"})
    assert (result["model"], result["evidence"], result["abstained"]) == ("script", 0.613, None)
    assert [(source["number"], source["cited"], source["path"]) for source in result["sources"]] == [
        (1, True, "p1.md"),
        (2, False, "p2.md"),
    ]
    for shown_source, source in zip(result["sources"], SOURCES, strict=True):
        assert shown_source["also_in"] == ["copies/p.md"]
        assert shown_source["chunk_id"] == source.passage.chunk_id
        assert (shown_source["score"], shown_source["similarity"]) == (source.found.score, source.found.similarity)
