import math
from dataclasses import replace

import pytest

from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.gate import Decision, decide
from ragops.usecase import Release


def rows(supported: float, count: int = 40, failed: int = 0, seconds: float = 1.0) -> list[Row]:
    """Answers to as many questions: a share of them supported, the first ones; some failed."""
    made = []
    for number in range(count):
        values = dict.fromkeys(CHECKS, math.nan) | {"answered": 1.0, "supported": float(number < supported * count)}
        error = "down" if number < failed else None
        made.append(Row(f"q{number}", f"t{number}", "?", "!", (), values, seconds, error))
    return made


def decided(
    own: list[Row], champion: list[Row] | None = None, figures: dict[str, float] | None = None, **gate: object
) -> Decision:
    return decide(Release.model_validate(gate), figures or {}, own, champion)


def failed(decision: Decision) -> list[str]:
    return [one.name for one in decision.conditions if one.verdict != "met"]


def test_the_first_chain_only_has_to_reach_the_floors() -> None:
    decision = decided(rows(0.5), floors={"supported": 0.4, "recall_at_5": 0.45}, figures={"recall_at_5": 0.5})
    assert decision.promotes
    assert failed(decided(rows(0.3), floors={"supported": 0.4})) == ["supported"]


@pytest.mark.parametrize("figures", [{}, {"recall_at_5": math.nan}])
def test_a_missing_figure_is_not_met(figures: dict[str, float]) -> None:
    decision = decided(rows(0.5), floors={"recall_at_5": 0.1}, figures=figures)
    assert not decision.promotes
    assert "recall_at_5 missing" in decision.reason
    assert failed(decided(rows(0.5), ceilings={"cost": 1})) == ["cost"]


def test_a_figure_above_its_ceiling_fails() -> None:
    assert failed(decided(rows(0.5, seconds=3), ceilings={"seconds_p95": 2})) == ["seconds_p95"]
    assert decided(rows(0.5, seconds=1), ceilings={"seconds_p95": 2}).promotes


def test_errors_up_to_the_allowed_share_pass() -> None:
    assert decided(rows(0.5, failed=2), max_error_share=0.05).passes
    assert failed(decided(rows(0.5, failed=3), max_error_share=0.05)) == ["errors"]
    assert failed(decided([])) == ["questions"]
    assert failed(decided(rows(0.5, failed=40), max_error_share=1)) == ["questions"]


FALLBACK = "served fell back to quotes: HTTP 400 no"


def fallen(count: int, own_words: float = 1.0) -> list[Row]:
    return [
        replace(
            row,
            values={**row.values, "own_words": own_words},
            error=FALLBACK if number < count else None,
            fallback="quotes" if number < count else "",
        )
        for number, row in enumerate(rows(0.5))
    ]


@pytest.mark.parametrize("count", [10, 40])
def test_many_fallback_answers_fail_the_gate_and_are_named_in_the_reason(count: int) -> None:
    decision = decided(fallen(count))
    assert not decision.promotes
    assert failed(decision) == [["errors"], ["questions"]][count == 40]
    assert f"{count} of 40 answers by a fallback: {FALLBACK}" in decision.reason


def test_a_few_fallback_answers_pass_with_a_note() -> None:
    decision = decided(fallen(1), max_error_share=0.05)
    assert decision.promotes
    assert decision.reason == f"every condition is met; 1 of 40 answers by a fallback: {FALLBACK}"


def test_many_quoted_answers_pass_with_a_note() -> None:
    decision = decided(fallen(0, own_words=0.0))
    assert decision.promotes
    assert decision.reason.endswith(
        "; 100% of the answers are sentences quoted from the passages, because the model cited nothing"
    )
    assert decided(fallen(0)).reason == "every condition is met"


def test_the_same_chain_again_is_not_promoted() -> None:
    decision = decided(rows(0.5), rows(0.5))
    assert decision.passes and not decision.promotes
    assert "not better" in decision.reason


def test_a_better_chain_is_promoted_and_a_worse_one_is_not() -> None:
    assert decided(rows(0.9), rows(0.3)).promotes
    worse = decided(rows(0.3), rows(0.9))
    assert failed(worse) == ["supported - champion's"]


def test_a_check_that_only_the_champion_has_is_missing_and_not_met() -> None:
    own, champion = rows(0.9), rows(0.3)
    for row in champion:
        row.values["citation_validity"] = 1.0  # type: ignore[index]
    assert failed(decided(own, champion)) == ["citation_validity"]
    assert "citation_validity missing, required because" in decided(own, champion).reason
    assert decided(champion, own).passes is False and "citation" not in decided(champion, own).reason


def test_a_gain_over_too_few_topics_does_not_promote() -> None:
    few = decided(rows(1, count=5), rows(0, count=5))
    assert few.passes and not few.better and "on any check with 6 topics or more" in few.reason
    assert decided(rows(1, count=6), rows(0, count=6)).promotes


def test_an_insignificant_gain_does_not_promote() -> None:
    assert not decided(rows(0.525), rows(0.5)).better


def test_a_champion_that_answered_other_questions_cannot_be_compared_with() -> None:
    assert failed(decided(rows(0.5), rows(0.5, failed=30))) == ["questions that both answered"]
    assert failed(decided(rows(0.5), [])) == ["questions that both answered"]
