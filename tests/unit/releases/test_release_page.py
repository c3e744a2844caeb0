"""The page of a release says why: what was not met, what may be chance, what only informs."""

from pathlib import Path

import pytest

from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import decide
from ragops.quality.evaluation.reports.page import render
from ragops.quality.evaluation.reports.page_content import Changed, Page
from ragops.quality.judges.rows import Judgment
from ragops.releases.release_page import Released, release_page
from ragops.usecase import Release, UseCase, load_usecase
from ragops.usecase.evaluation import Evaluation
from tests.support.judged import answer, asked, judgment

OWN = load_usecase(Path(__file__).parents[3] / "usecase.yml")
USE_CASE = OWN.model_copy(update={"success": (), "release": Release(margin=0.05), "evaluation": Evaluation()})
NAMES = [f"q{number}" for number in range(20)]
CHANGED = (Changed("prompt", "brief", "cite_or_abstain"),)


def evaluated(supported: float, judgments: tuple[Judgment, ...] = ()) -> Evaluated:
    return Evaluated([answer(name, supported) for name in NAMES], judgments, {}, "1234")


def page(own: Evaluated, champion: Evaluated | None, use_case: UseCase = USE_CASE) -> Page:
    decision = decide(use_case.gate, use_case.evaluation, own, champion)
    changed = CHANGED if champion else None
    costs = [0.5] * len(own.rows)
    return release_page(
        use_case, {}, Released("version 4", decision, asked(NAMES), own, champion, changed, costs, {}, "")
    )


@pytest.mark.parametrize(
    ("own", "champion", "verdict", "state", "sentence"),
    [
        (1.0, None, "Promoted", "good", "every condition is met."),
        (1.0, 0.0, "Promoted", "good", "every condition is met."),
        (0.0, 1.0, "Blocked", "bad", "supported - champion's -1.000 "),
        (1.0, 1.0, "Not promoted: not shown to be better", "open", "it is not better than the champion"),
    ],
)
def test_the_verdict_and_why(own: float, champion: float | None, verdict: str, state: str, sentence: str) -> None:
    found = page(evaluated(own), None if champion is None else evaluated(champion))
    assert (found.verdict, found.state) == (verdict, state) and found.sentence.startswith(sentence)
    assert ("What changed" in render(found)) == (champion is not None)


def test_what_improved_and_what_got_worse() -> None:
    better, worse = page(evaluated(1.0), evaluated(0.0)), page(evaluated(0.0), evaluated(1.0))
    assert [one.name for one in better.improved] == ["supported"] and not better.got_worse
    assert [one.name for one in worse.got_worse] == ["supported"] and not worse.improved
    assert len(worse.worst) == 10 and not better.worst
    assert worse.worst[0].champion and worse.worst[0].champion.values["supported"] == 1


def test_a_failing_judge_blocks_and_an_unconfirmed_one_informs() -> None:
    said = tuple(judgment(name, None if number % 3 == 0 else 1.0) for number, name in enumerate(NAMES))
    judged = USE_CASE.model_copy(update={"evaluation": Evaluation(judge="judge", judges=("groundedness",))})
    floors = judged.model_copy(update={"release": Release(floors={"groundedness": 0.5, "correctness": 0.5})})
    found = page(evaluated(1.0, said), None, floors)
    shown = {one.name: (one.outcome, one.state) for one in found.required}
    assert shown["groundedness: calls without a verdict"] == ("not met", "bad") and found.state == "bad"
    assert shown["groundedness"] == ("met, informs only", "good")
    assert shown["correctness"] == ("missing, informs only", "open")
    assert found.errors == {"judge groundedness: unparsed": 7}
    assert any("groundedness informs only: no labels of people" in note for note in found.notes)


def test_a_missing_figure_blocks() -> None:
    missing = USE_CASE.model_copy(update={"release": Release(floors={"recall_at_5": 0.5})})
    found = page(evaluated(1.0), None, missing)
    assert (found.verdict, found.required[0].outcome, found.required[0].state) == ("Blocked", "missing", "bad")
    assert found.sentence.startswith("recall_at_5 missing, required at least 0.5")


def test_a_page_about_confidential_documents_has_no_texts() -> None:
    corpus = USE_CASE.corpus.model_copy(update={"classification": "confidential"})
    html = render(page(evaluated(0.0), evaluated(1.0), USE_CASE.model_copy(update={"corpus": corpus})))
    assert "q0, q1, " in html and "q0!" not in html and "passage itself" not in html
