"""Figures beside their costs: all states are counted, nothing leaves a mean silently."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from ragops.quality.judges.bill import Bill
from ragops.quality.judges.console import money, print_forecast, print_judging
from ragops.quality.judges.forecast import Forecast
from ragops.quality.judges.report import JudgingReport, judging_report, label_cost
from ragops.quality.judges.rows import Judgment, State
from ragops.usecase import Evaluation
from tests.support.judging import item

RATED = Evaluation(hourly_rate=60.0, label_seconds=30.0, max_error_share=0.1)


def judgment(number: int, score: float | None = 1.0, state: State = "scored", cached: bool = False) -> Judgment:
    return Judgment(
        judgment_id=f"j{number}",
        inputs=f"i{number}",
        answer_id=item(number).answer_id,
        question_id=f"q{number}",
        question="Why?",
        cluster=f"topic{number % 7}",
        judge="groundedness",
        judge_version="v1",
        model="judge",
        state=state,
        verdict="yes" if state == "scored" else None,
        score=score if state == "scored" else None,
        reason="so" if state == "scored" else f"Model judge: {state}",
        details=None,
        input_tokens=0 if cached else 1000,
        output_tokens=0 if cached else 20,
        cost=0.0 if cached else 0.002,
        seconds=1.0,
        cached=cached,
        judged_at=datetime(2026, 11, 30, tzinfo=UTC),
    )


def report(*judgments: Judgment, planned: int = 0, stopped: str = "", evaluation: Evaluation = RATED) -> JudgingReport:
    bill = Bill(
        judgments,
        {"groundedness": planned or len(judgments)},
        {"groundedness": {"abstained": 3}},
        stopped,
        {"groundedness": 0.004},
    )
    return judging_report(bill, [item(one) for one in range(1, 21)], evaluation)


def printed(found: JudgingReport) -> list[str]:
    out = StringIO()
    print_judging(Console(file=out, width=80), found)
    return out.getvalue().splitlines()


def test_a_figure_stands_beside_what_it_cost() -> None:
    judged = [judgment(n, score=float(n % 2)) for n in range(1, 16)] + [judgment(16, cached=True)]
    (figure,) = report(*judged).figures
    assert figure.score.mean == pytest.approx(9 / 16)
    assert figure.score.low < figure.score.mean < figure.score.high
    assert figure.judging_cost == pytest.approx(15 * 0.002 + 0.004), "also what an earlier run has paid"
    assert figure.answering_cost == pytest.approx(16 * 0.001)
    assert figure.people_cost == pytest.approx(16 * 0.5), "half a minute each, at 60 an hour"


def test_what_is_not_known_is_not_called_free() -> None:
    (figure,) = report(judgment(1), evaluation=Evaluation()).figures
    assert figure.people_cost is None
    bill = Bill((judgment(1),), {"groundedness": 1}, {"groundedness": {}})
    (unknown,) = judging_report(bill, [item(1, cost=None)], RATED).figures
    assert unknown.answering_cost is None
    assert (money(None), money(0.0), money(0.00123), money(1234.5)) == ("-", "0.00", "0.0012", "1,234.50")
    assert label_cost(120, RATED) == pytest.approx(60.0)


def test_all_states_are_counted_and_only_scored_ones_make_the_mean() -> None:
    states: list[State] = ["refused", "error", "unparsed"]
    judged = [judgment(n) for n in range(1, 10)] + [judgment(10 + n, state=one) for n, one in enumerate(states)]
    found = report(*judged, planned=15, stopped="the budget of 0.02 is used up")
    (figure,) = found.figures
    assert dict(figure.states) == {"scored": 9, "refused": 1, "error": 1, "unparsed": 1}
    assert (figure.scored, figure.score.mean, figure.not_judged) == (9, 1.0, 3)
    lines = "\n".join(printed(found))
    assert "9 scored, 1 refused, 1 error, 1 unparsed; 25% without a verdict" in lines
    assert "stopped: the budget of 0.02 is used up; 3 of 15 judgments are missing" in lines
    assert "not judged by groundedness: 3 abstained" in lines


@pytest.mark.parametrize(("failed", "fails"), [(0, False), (2, False), (3, True), (20, True)])
def test_too_many_judgments_without_a_verdict_fail_the_run(failed: int, fails: bool) -> None:
    judged = [judgment(n, state="error" if n <= failed else "scored") for n in range(1, 21)]
    line = report(*judged).failure
    assert bool(line) is fails
    assert "\n" not in line
    if fails:
        assert f"{failed} error" in line and "evaluation.max_error_share" in line and "Model judge: error" in line


def test_a_run_that_judged_nothing_of_what_was_planned_fails() -> None:
    assert "nothing was judged" in report(planned=5, stopped="the judge gave no reply").failure
    assert judging_report(Bill((), {}), [], RATED).failure == ""


def test_the_terminal_output_fits_80_columns() -> None:
    judged = [judgment(n, score=float(n % 2)) for n in range(1, 16)]
    table = [line for line in printed(report(*judged)) if "groundedness" in line or "judging" in line][:2]
    assert len(table) == 2 and all(len(line) <= 80 for line in table)
    assert "0.0340" in table[1] and "7.50" in table[1]


def test_a_report_is_json() -> None:
    found = report(judgment(1)).as_json()
    assert found["bill"]["calls"] == 1 and found["states"] == {"scored": 1}
    assert found["figures"][0]["score"]["mean"] == 1.0
    empty = judging_report(Bill((), {}, {"groundedness": {}}), [], RATED).as_json()
    assert empty["figures"][0]["score"]["mean"] is None


def test_a_forecast_says_what_it_rests_on() -> None:
    out = StringIO()
    console = Console(file=out, width=80)
    print_forecast(console, Forecast(64, 3, 100_000, 4_000, 0.056, 20, learned=True))
    print_forecast(console, Forecast(1, 0, 100, 40, None, 1, learned=False))
    lines = out.getvalue()
    assert "64 calls for 20 answers, 3 judgments without a call" in lines
    assert "as the model has counted before" in lines and "cost: 0.0560" in lines
    assert "the model has not judged yet" in lines and "paid by the second" in lines
