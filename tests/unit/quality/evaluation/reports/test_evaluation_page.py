"""The page of an evaluation: its verdict follows from the use case's criteria, and from judges that did not answer."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragops.quality.criteria.rows import Metric, Origin
from ragops.quality.evaluation.figures import answer_costs, answer_metrics, judged_metrics
from ragops.quality.evaluation.reports.evaluation_page import Findings, evaluation_page, measured_criteria
from ragops.quality.evaluation.reports.evaluation_pictures import evaluation_pictures
from ragops.quality.evaluation.reports.page import render
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.rows import Judgment
from ragops.usecase import Criterion, load_usecase
from tests.support.judged import MODEL, answer, asked, judgment

OWN = load_usecase(Path(__file__).parents[5] / "usecase.yml")
ORIGIN = Origin("evaluate", "m/3", "000001", "1234", datetime(2026, 11, 30, tzinfo=UTC))
SUPPORTED = Criterion(measure="supported", at_least=0.5, why="answers have a source")
GROUNDED = Criterion(measure="groundedness", at_least=0.5, why="answers say what passages say")
USE_CASE = OWN.model_copy(update={"success": (SUPPORTED, GROUNDED), "sla": OWN.sla.model_copy()})
NAMES = [f"q{number}" for number in range(8)]
PRICED = USE_CASE.models.named(MODEL)


def findings(supported: float, judgments: tuple[Judgment, ...] = (), without: str = "none is set") -> Findings:
    rows = [answer(name, supported) for name in NAMES]
    costs = answer_costs(rows, PRICED)
    search = ORIGIN.metric("search_p95_ms", 20.0, 8)
    measured = [search, *answer_metrics(ORIGIN, rows, costs), *judged_metrics(ORIGIN, judgments)]
    bill, live = Bill(judgments, {"groundedness": len(judgments)}), Bill(judgments[:3], {})
    return Findings(asked(NAMES), rows, costs, measured, bill, live, {}, "" if judgments else without)


JUDGED = tuple(judgment(name, 1.0) for name in NAMES)


@pytest.mark.parametrize(
    ("found", "verdict", "state", "sentence"),
    [
        (findings(1.0, JUDGED), "All criteria met", "good", "Everything that the use case requires"),
        (findings(0.0, JUDGED), "1 of 3 criteria not met", "bad", "supported is 0.000 [0.000, "),
        (findings(1.0), "1 of 3 criteria not measured", "open", "not measured: groundedness."),
        (findings(1.0, (judgment("q0", 1.0), *(judgment(name, None) for name in NAMES[1:]))), "Judges failed", "bad",
         "judgments without a verdict: 88%, at most 10%"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_criteria(found: Findings, verdict: str, state: str, sentence: str) -> None:
    page = evaluation_page(USE_CASE, "version 3", {}, found)
    assert (page.verdict, page.state) == (verdict, state) and page.sentence.startswith(sentence)
    html = render(page)
    assert ("No judge ran: none is set." in html) == bool(found.without_judges)


def test_judging_answers_to_people_is_on_the_bill() -> None:
    *_, last = evaluation_page(USE_CASE, "version 3", {}, findings(1.0, JUDGED)).spent
    assert (last.what, last.calls, last.note) == ("judging answers to people", 3, "a sample of 3")
    assert [one.what for one in evaluation_page(USE_CASE, "version 3", {}, findings(1.0)).spent] == ["answering"]


def test_lexical_support_is_never_called_groundedness() -> None:
    names = {one.name for one in evaluation_page(USE_CASE, "version 3", {}, findings(1.0)).measured}
    assert "groundedness" not in names and "supported" in names


def test_figures_have_their_origin_and_intervals() -> None:
    found = {one.name: one for one in findings(1.0, JUDGED).metrics}
    supported = found["supported"]
    assert (supported.value, supported.n, supported.clusters) == (1.0, 8, 8)
    assert supported.low is not None and supported.low < 1
    assert (supported.source, supported.chain, supported.question_set) == ("evaluate", "m/3", "1234")
    assert (found["questions"].value, found["errors"].value, found["groundedness"].value) == (8, 0, 1)
    price = 1000 * PRICED.price_per_million_input + 100 * PRICED.price_per_million_output
    assert found["answer_cost"].value == pytest.approx(price / 1e6)


def test_an_answer_without_a_model_costs_nothing_and_errors_leave_no_mean() -> None:
    rows = [answer("a"), answer("b", error="it is down")]
    costs = answer_costs(rows, PRICED)
    assert costs[0] > 0 and costs[1] == 0
    found = {one.name: one for one in answer_metrics(ORIGIN, rows, costs)}
    assert (found["errors"].value, found["answer_cost"].n, found["answered"].n) == (1, 1, 1)
    only = {one.name for one in answer_metrics(ORIGIN, rows[1:], [0.0])}
    assert only == {"questions", "errors", "fallbacks"}


def test_criteria_on_answers_to_users_are_not_this_job_s() -> None:
    live = Criterion(measure="live_groundedness", at_least=0.5, why="as they are used")
    both = USE_CASE.model_copy(update={"success": (SUPPORTED, live)})
    metrics: list[Metric] = []
    assert [one.criterion.measure for one in measured_criteria(both, metrics)] == ["supported", "search_p95_ms"]


def test_there_is_a_picture_of_judges_and_of_the_bill_only_where_judges_ran() -> None:
    def names(found: Findings) -> list[str]:
        page = evaluation_page(USE_CASE, "version 3", {}, found)
        return [one.name for one in evaluation_pictures(page.measured, page.judged, page.spent) if one.png]

    assert names(findings(1.0)) == ["measures"]
    assert names(findings(1.0, JUDGED)) == ["measures", "judged", "bill"]


def test_a_page_about_confidential_documents_has_ids_instead_of_texts() -> None:
    corpus = USE_CASE.corpus.model_copy(update={"classification": "confidential"})
    html = render(evaluation_page(USE_CASE.model_copy(update={"corpus": corpus}), "version 3", {}, findings(0.0)))
    assert "q0, q1, " in html and "confidential" in html
    assert not [text for text in ("q0!", "passage itself", "the q0 one", "q0?") if text in html]
