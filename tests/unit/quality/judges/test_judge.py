"""A judge's version, inputs and requests, and what it has nothing to say about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.judges.answer import AnswerToJudge, shown
from ragops.quality.judges.judge import Example, Judge, statements
from ragops.quality.judges.replies import Verdicts
from ragops.usecase import JUDGES, JudgeName
from tests.support.judging import KEY, item, judges_at

URL = "http://127.0.0.1:9"
ALL = {judge.name: judge for judge in judges_at(URL).judges}
GROUNDEDNESS = ALL["groundedness"]


@dataclass(frozen=True)
class _Shown:
    examples: tuple[Example, ...]
    version: str = "v1"

    def near(self, item: AnswerToJudge) -> Sequence[Example]:
        return self.examples


EXAMPLE = Example(item(7), ("yes", "no"), "Nobody says what children pay.")


def test_each_dimension_has_a_prompt() -> None:
    assert set(ALL) == set(JUDGES)


def test_the_version_changes_with_all_that_changes_verdicts() -> None:
    def version(**settings: Any) -> str:
        return judges_at(URL, "groundedness", **settings).judges[0].version

    same = version()
    assert len(same) == 12
    changed = replace(GROUNDEDNESS, template=GROUNDEDNESS.template.model_copy(update={"system": "Be strict."}))
    others = [
        version(served_name="other"),
        version(max_tokens=100),
        changed.version,
        replace(GROUNDEDNESS, examples=_Shown((EXAMPLE,))).version,
        ALL["correctness"].version,
    ]
    assert len({same, *others}) == 6


def test_the_version_does_not_change_with_prices_limits_and_addresses() -> None:
    one = judges_at(URL, "groundedness", price_per_million_input=9.0, requests_per_minute=7, concurrency=2)
    other = judges_at("http://127.0.0.1:10", "groundedness", timeout_s=3.0)
    assert one.judges[0].version == other.judges[0].version == GROUNDEDNESS.version


@pytest.mark.parametrize(
    ("judge", "changed", "same"),
    [
        ("context_relevance", {"passages": ("other",)}, {"answer": "other", "reference": "other"}),
        ("groundedness", {"passages": ("other",)}, {"reference": "other"}),
        ("answer_relevance", {"answer": "other"}, {"passages": ("other",), "reference": "other"}),
        ("correctness", {"reference": "other"}, {"passages": ("other",)}),
    ],
)
def test_inputs_are_what_a_judge_sees(judge: JudgeName, changed: dict[str, object], same: dict[str, object]) -> None:
    own = ALL[judge]
    assert own.inputs(item(1)) == own.inputs(item(1, answer_id="x", question_id=None, cluster="y", cost=None, **same))
    assert len({own.inputs(one) for one in (item(1), item(2), item(1, **changed))}) == 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        (
            {"abstained": True},
            {"groundedness": "abstained", "answer_relevance": "abstained", "correctness": "abstained"},
        ),
        ({"reference": None}, {"correctness": "no reference"}),
        ({"reference": ""}, {"correctness": "no reference"}),
        ({"passages": ()}, {"context_relevance": "no passages", "groundedness": "no passages"}),
        ({"answer": "[1] ..."}, {"groundedness": "no statement"}),
        ({"model": "judge"}, dict.fromkeys(JUDGES, "written by the judge itself")),
    ],
)
def test_what_a_judge_has_nothing_to_say_about(changes: dict[str, object], expected: dict[str, str]) -> None:
    reasons = {name: judge.why_not(item(1, **changes)) for name, judge in ALL.items()}
    assert {name: reason for name, reason in reasons.items() if reason} == expected


def test_examples_are_turns_before_the_case_in_the_form_of_a_reply() -> None:
    judge = replace(GROUNDEDNESS, examples=_Shown((EXAMPLE,)))
    request = judge.request(item(1), KEY)
    roles = [message.role for message in request.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert '"reason": "Nobody says what children pay.", "v1": "yes", "v2": "no"' in request.messages[2].content
    assert "Ferry 7" in request.messages[1].content and "Ferry 1 leaves" in request.messages[3].content


def test_scores_of_passages_and_of_statements() -> None:
    said = Verdicts(("no", "partly", "yes"), "")
    assert ALL["context_relevance"].score(said) == ("yes", 1.0)
    assert GROUNDEDNESS.score(said) == ("no", 0.5)
    assert ALL["correctness"].score(Verdicts(("partly",), "")) == ("partly", 0.5)


def test_the_reply_has_room_for_all_verdicts() -> None:
    many = item(1, passages=tuple(shown("T", "t.md", f"Text {n}.") for n in range(30)))
    few, more = (ALL["context_relevance"].request(one, KEY).max_tokens for one in (item(1), many))
    assert more - few == 27 * 9


@pytest.mark.parametrize("passages", [1, 3, 12, 20])
def test_a_reason_leaves_room_for_the_verdicts_of_a_small_model(passages: int) -> None:
    judge = judges_at(URL, "context_relevance", max_tokens=256).judges[0]
    request = judge.request(item(1, passages=("text",) * passages), KEY)
    longest = (request.response_schema or {})["properties"]["reason"]["maxLength"]
    assert longest + 9 * passages < request.max_tokens <= 256
    assert 20 <= longest <= 160


def test_statements_are_sentences_with_their_citations() -> None:
    answer = (
        "It leaves at eight [1]. Each pays 42 [2].\n\n- Children pay nothing [2].\n[3]\n```\nx = 1\ny = 2\n```\nSo."
    )
    assert statements(answer) == (
        "It leaves at eight [1].",
        "Each pays 42 [2].",
        "- Children pay nothing [2].",
        "x = 1\ny = 2",
        "So.",
    )


@given(st.text(max_size=200))
def test_statements_are_parts_of_the_answer(answer: str) -> None:
    assert all(one in answer and one.strip() for one in statements(answer))


def test_a_judge_is_its_own_value() -> None:
    assert Judge("groundedness", GROUNDEDNESS.template, GROUNDEDNESS.model) == GROUNDEDNESS
