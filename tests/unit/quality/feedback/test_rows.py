"""What clients may send as a verdict, and an answer's row from what the chain returned."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ragops.quality.feedback.rows import MAX_COMMENT_CHARACTERS, REASONS, GivenVerdict, answer_row
from tests.support.feedback import a_verdict

VERDICT_ID = "671a2f32-959c-4b6f-b153-8afb58666741"
SENT = {"verdict_id": VERDICT_ID, "answer_id": f"resp_{'0a' * 16}", "verdict": "up"}


@pytest.mark.parametrize("reason", [None, *REASONS])
def test_a_verdict_needs_no_more_than_ids_and_a_thumb(reason: str | None) -> None:
    verdict = GivenVerdict.model_validate(SENT | {"reason": reason})
    assert (verdict.reason, verdict.comment) == (reason, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("verdict_id", "../../etc/passwd"),
        ("verdict_id", f"{VERDICT_ID}\n"),
        ("verdict_id", VERDICT_ID.replace("-", "")),
        ("answer_id", "resp_" + "0" * 31),
        ("answer_id", "resp_" + "A" * 32),
        ("answer_id", f"resp_{'0a' * 16}/"),
        ("verdict", "sideways"),
        ("verdict", True),
        ("reason", "because"),
        ("reason", ""),
        ("comment", "x" * (MAX_COMMENT_CHARACTERS + 1)),
        ("comment", "a\x1b[2Jb"),
        ("comment", "\x00"),
        ("comment", "\ud800"),
        ("comment", 3),
        ("who", "somebody else"),
        ("given_at", "2026-01-01T00:00:00Z"),
    ],
)
def test_anything_else_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        GivenVerdict.model_validate(SENT | {field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    ("sent", "kept"), [(" a\r\n\tb \n", "a\n\tb"), (" \n ", None), ("", None), ("x" * 2000, "x" * 2000)]
)
def test_a_comment_loses_nothing_but_the_white_space_around_it(sent: str, kept: str | None) -> None:
    assert GivenVerdict.model_validate(SENT | {"comment": sent}).comment == kept


def test_an_id_is_the_same_in_capitals() -> None:
    assert (
        GivenVerdict.model_validate(SENT | {"verdict_id": SENT["verdict_id"].upper()}).verdict_id == SENT["verdict_id"]
    )


def test_two_verdicts_say_the_same_whenever_they_came() -> None:
    verdict = a_verdict()
    assert verdict.says_the_same(verdict.model_copy(update={"given_at": datetime(2026, 1, 1, tzinfo=UTC)}))
    for field, value in {"verdict": "up", "reason": None, "comment": "other", "who": "other", "answer_id": "x"}.items():
        assert not verdict.says_the_same(verdict.model_copy(update={field: value}))


@given(cut=st.floats(0, 1, exclude_max=True), comment=st.text(max_size=100))
def test_the_beginning_of_a_file_is_never_json(cut: float, comment: str) -> None:
    content = a_verdict().model_copy(update={"comment": comment.encode(errors="replace").decode()}).model_dump_json()
    with pytest.raises(ValueError):
        json.loads(content[: int(cut * len(content))])


def test_an_answers_row_has_the_passages_it_was_given_and_those_it_cites() -> None:
    outputs = {
        "standalone": "How do I open a file in Python?",
        "abstained": None,
        "model": "quotes",
        "prompt": "answer-01",
        "generation": "g-1",
        "trace_id": "tr-1",
        "seconds": 0.25,
        "evidence": 0.9,
        "sources": [
            {"number": 1, "chunk_ids": ["a", "b"], "cited": False},
            {"number": 2, "chunk_ids": ["c"], "cited": True},
        ],
    }
    asked = datetime(2026, 11, 30, 12, tzinfo=UTC)
    row = answer_row(
        f"resp_{'0a' * 16}", "And in Python?", "So [2].", outputs, who="me", asked_at=asked, chain=("help", "3")
    )
    assert (row.passages, row.numbers, row.cited) == (["a", "b", "c"], [1, 1, 2], ["c"])
    assert (row.question, row.standalone) == ("And in Python?", "How do I open a file in Python?")
    assert (row.chain_name, row.chain_version, row.generation, row.trace_id) == ("help", "3", "g-1", "tr-1")
    assert (row.support, row.evidence, row.groups, row.queue_seconds) == (0.0, 0.9, None, None)  # it has no texts
    assert (row.similarities, row.valid_citations, row.retrieve_seconds, row.failed) == ([], None, None, [])


def test_an_answers_row_has_what_is_monitored() -> None:
    passages = [
        {"number": 1, "chunk_ids": ["a"], "cited": True, "similarity": 0.8, "text": "A file is opened with open."},
        {"number": 2, "chunk_ids": ["b"], "cited": False, "similarity": None, "text": "Sockets are closed."},
    ]
    known = {"standalone": "q", "abstained": None, "model": "m", "prompt": "p", "generation": "g", "trace_id": None}
    outputs = known | {
        "seconds": 3.0,
        "step_seconds": {"retrieve": 0.5, "prompt": 0.1, "generate": 2.0, "check": 0.25},
        "evidence": 0.8,
        "valid_citations": 2,
        "removed_citations": 1,
        "quoted": False,
        "failed": {"served": "timeout"},
        "sources": passages,
    }
    chain, now = ("help", "3"), datetime(2026, 11, 30, 12, tzinfo=UTC)
    given = {"who": "me", "asked_at": now, "chain": chain, "groups": ("docs",), "queue_seconds": 0.75}
    row = answer_row(f"resp_{'0a' * 16}", "q", "Open sockets [1].", outputs, **given)
    assert (row.groups, row.evidence, row.similarities, row.support) == (["docs"], 0.8, [0.8], 0.5)
    assert (row.valid_citations, row.removed_citations, row.quoted, row.failed) == (2, 1, False, ["served"])
    steps = (row.queue_seconds, row.rewrite_seconds, row.retrieve_seconds, row.generate_seconds, row.check_seconds)
    assert steps == (0.75, None, 0.5, 2.0, 0.25)
    abstained = answer_row(f"resp_{'0a' * 16}", "q", "No.", outputs | {"abstained": "the model"}, **given)
    assert abstained.support is None
