import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import Decision, decide
from ragops.quality.judges.rows import Judgment, State
from ragops.quality.statistics.agreement import Agreement, agreement
from ragops.usecase.evaluation import Evaluation, JudgeName, Release


def rows(supported: float, count: int = 40, failed: int = 0, seconds: float = 1.0) -> list[Row]:
    """Answers to as many questions: a share of them supported, the first ones; some failed."""
    made = []
    for number in range(count):
        values = dict.fromkeys(CHECKS, math.nan) | {"answered": 1.0, "supported": float(number < supported * count)}
        error = "down" if number < failed else None
        made.append(Row(f"q{number}", f"t{number}", "?", "!", (), values, seconds, error))
    return made


def with_value(row: Row, name: str, value: float) -> Row:
    return replace(row, values={**row.values, name: value})


def decided(
    own: list[Row], champion: list[Row] | None = None, figures: dict[str, float] | None = None, **gate: object
) -> Decision:
    theirs = None if champion is None else Evaluated(champion)
    return decide(Release.model_validate(gate), Evaluation(), Evaluated(own, figures=figures or {}), theirs)


def failed(decision: Decision) -> list[str]:
    return [one.name for one in decision.conditions if one.stops]


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
    assert "not better" in decision.reason and "40 questions in 40 topics show differences of 0.15" in decision.reason
    assert decision.outcome == "undecided"


def test_a_better_chain_is_promoted_and_a_worse_one_is_not() -> None:
    assert decided(rows(0.9), rows(0.3)).promotes
    worse = decided(rows(0.3), rows(0.9))
    assert failed(worse) == ["supported - champion's"] and worse.outcome == "blocked"


def test_a_check_that_only_the_champion_has_is_missing_and_not_met() -> None:
    own, champion = rows(0.9), [with_value(row, "citation_validity", 1.0) for row in rows(0.3)]
    assert failed(decided(own, champion)) == ["citation_validity"]
    assert "citation_validity missing, required because" in decided(own, champion).reason
    assert decided(champion, own).passes is False and "citation" not in decided(champion, own).reason


def test_a_gain_over_too_few_topics_does_not_promote() -> None:
    few = decided(rows(1, count=5), rows(0, count=5))
    assert few.passes and not few.better and few.outcome == "undecided"
    assert decided(rows(1, count=6), rows(0, count=6)).promotes


def test_an_insignificant_gain_does_not_promote() -> None:
    assert not decided(rows(0.525), rows(0.5)).better


def test_a_champion_that_answered_other_questions_cannot_be_compared_with() -> None:
    assert failed(decided(rows(0.5), rows(0.5, failed=30))) == ["questions that both answered"]
    assert failed(decided(rows(0.5), [])) == ["questions that both answered"]


def test_a_loss_that_may_be_chance_is_inconclusive_and_says_what_could_be_seen() -> None:
    own, champion = rows(0.5), rows(0.5)
    for number in (0, 1, 2, 30, 31):
        own[number] = with_value(own[number], "supported", 1.0 - own[number].values["supported"])
    decision = decided(own, champion)
    [condition] = [one for one in decision.conditions if one.stops]
    assert (condition.name, condition.verdict, condition.conclusive) == ("supported - champion's", "not met", False)
    assert "inconclusive: 40 questions in 40 topics show differences of" in decision.reason
    assert decision.outcome == "undecided" and not decision.promotes
    assert decided(own, champion, margin=0.2).passes


def test_each_further_check_is_one_more_chance_to_be_better_by_accident() -> None:
    """Six questions of 40 are better in one check: significant alone, but not if the other check differs too."""
    own, champion = rows(0.65), rows(0.5)
    assert decided(own, champion).promotes
    own[0] = with_value(own[0], "answered", 0.0)
    found = decided(own, champion, margin=0.2)
    p_values = {one.name: (one.paired.p_value, one.adjusted) for one in found.comparisons}
    assert p_values == {"answered": (1, 1), "supported": (2 / 64, 4 / 64)}
    assert found.passes and not found.better


def test_a_champion_measured_on_other_questions_is_not_compared() -> None:
    found = decide(
        Release(), Evaluation(), Evaluated(rows(0.9), question_set="b"), Evaluated(rows(0.3), question_set="a")
    )
    assert failed(found) == ["questions of the champion"] and found.comparisons == () and not found.promotes
    assert "version a; measure the champion again, required version b" in found.reason


LABELS = [number % 2 == 0 for number in range(40)]
TOPICS = [str(number) for number in range(40)]
GOOD = agreement([good != (number < 4) for number, good in enumerate(LABELS)], LABELS, TOPICS)
POOR = agreement([good != (number < 14) for number, good in enumerate(LABELS)], LABELS, TOPICS)
LIMITS = Evaluation(judge="judge")


def judgments(
    good: float, judge: JudgeName = "groundedness", states: Mapping[State, int] | None = None, version: str = "v1"
) -> list[Judgment]:
    """Of 40 answers: a share of them good, the first ones; of the last ones, as many in other states as given."""
    others = [state for state, count in (states or {}).items() for _ in range(count)]
    return [
        Judgment(
            judgment_id=f"{judge}{number}",
            inputs="",
            answer_id=f"a{number}",
            question_id=f"q{number}",
            question="?",
            cluster=f"t{number}",
            judge=judge,
            judge_version=version,
            model="judge",
            state=state,
            verdict="yes" if state == "scored" else None,
            score=float(number < good * 40) if state == "scored" else None,
            reason=None,
            details=None,
            judged_at=datetime(2026, 11, 30, tzinfo=UTC),
        )
        for number, state in enumerate([*(["scored"] * (40 - len(others))), *others])
    ]


def judged(
    own: list[Judgment],
    champion: list[Judgment] | None = None,
    known: Mapping[str, Agreement] | None = None,
    **gate: object,
) -> Decision:
    """A decision between chains that differ in their judgments only."""
    theirs = None if champion is None else Evaluated(rows(0.5), champion)
    return decide(Release.model_validate(gate), LIMITS, Evaluated(rows(0.5), own), theirs, known)


def test_a_trusted_judge_decides() -> None:
    trusted = {"groundedness": GOOD}
    assert judged(judgments(0.9), judgments(0.4), trusted).promotes
    assert failed(judged(judgments(0.4), judgments(0.9), trusted)) == ["groundedness - champion's"]
    assert failed(judged(judgments(0.4), None, trusted, floors={"groundedness": 0.5})) == ["groundedness"]


@pytest.mark.parametrize(
    ("known", "why"), [({}, "no labels"), ({"groundedness": POOR}, "kappa 0.300"), ({"correctness": GOOD}, "no labels")]
)
def test_a_judge_that_people_do_not_confirm_informs_but_does_not_decide(
    known: Mapping[str, Agreement], why: str
) -> None:
    better = judged(judgments(0.9), judgments(0.4), known)
    assert better.passes and not better.better
    assert f"groundedness informs only: {why}" in better.reason
    [shown] = [one for one in better.comparisons if one.name == "groundedness"]
    assert (shown.decides, shown.verdict) == (False, "better")
    worse = judged(judgments(0.4), judgments(0.9), known, floors={"groundedness": 0.5})
    assert worse.passes and [one.verdict for one in worse.conditions if not one.decides] == ["not met", "not met"]


def test_a_judge_that_only_informs_does_not_make_it_harder_for_those_that_decide() -> None:
    one = judged(judgments(0.9), judgments(0.7), {"groundedness": GOOD})
    more = [*judgments(0.9), *judgments(0.5, "answer_relevance")]
    two = judged(more, [*judgments(0.7), *judgments(0.5, "answer_relevance")], {"groundedness": GOOD})
    [alone], [together] = ([x.adjusted for x in d.comparisons if x.name == "groundedness"] for d in (one, two))
    assert alone == together


@pytest.mark.parametrize("known", [{}, {"groundedness": GOOD}])
@pytest.mark.parametrize(("unscored", "blocked"), [(0, False), (4, False), (5, True), (12, True), (40, True)])
def test_judge_calls_without_a_verdict_are_counted_and_block(
    known: Mapping[str, Agreement], unscored: int, blocked: bool
) -> None:
    half = unscored // 2
    found = judged(judgments(0.9, states={"error": half, "unparsed": unscored - half}), None, known)
    [condition] = [one for one in found.conditions if one.name == "groundedness: calls without a verdict"]
    assert (condition.verdict == "not met") is blocked is not found.passes
    assert condition.measured.startswith(f"{unscored / 40:.0%} of 40")
    assert half == 0 or f"(error {half}, unparsed {unscored - half})" in condition.measured


def test_no_verdict_at_all_is_missing() -> None:
    assert failed(judged([])) == ["judges"]
    nothing = judged(judgments(0.5, states={"refused": 40}), None, {"groundedness": GOOD}, floors={"groundedness": 0.1})
    assert failed(nothing) == ["groundedness", "groundedness: calls without a verdict"]
    assert decide(Release(), Evaluation(), Evaluated(rows(0.5)), None).promotes  # no judge, nothing to miss


@pytest.mark.parametrize("champion", [judgments(0.4, version="v2"), []])
def test_a_champion_judged_by_another_version_is_not_compared(champion: list[Judgment]) -> None:
    found = judged(judgments(0.9), champion, {"groundedness": GOOD})
    assert failed(found) == ["groundedness - champion's"] and "measure the champion again" in found.reason
    assert [one.name for one in found.comparisons] == ["answered", "supported"]


def test_a_judge_that_only_the_champion_has_is_missing() -> None:
    found = judged(judgments(0.5, "correctness"), judgments(0.5), {"groundedness": GOOD})
    assert "groundedness" in failed(found)


def test_answers_with_an_error_are_not_compared() -> None:
    found = Evaluated(rows(1, failed=10)), Evaluated(rows(1, failed=5))
    decision = decide(Release(max_error_share=1), Evaluation(), *found)
    assert {one.paired.n for one in decision.comparisons} == {30}
