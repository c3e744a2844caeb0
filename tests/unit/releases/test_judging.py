"""The judges of a release or an evaluation: opened where they can be reached, and checked for what they left out."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.quality.judges.asking import Judges
from ragops.quality.judges.bill import Bill
from ragops.quality.review.agreement import Person
from ragops.releases import judging
from ragops.releases.judging import Judging, open_judging
from ragops.usecase import UseCase, load_usecase
from tests.support.judged import answer, asked, judgment

OWN = load_usecase(Path(__file__).parents[3] / "usecase.yml")
WORKSPACE = Workspace("spark_catalog", "rag")


def with_judge(name: str | None) -> UseCase:
    return OWN.model_copy(update={"evaluation": OWN.evaluation.model_copy(update={"judge": name})})


def test_without_a_judge_nothing_is_judged_and_nothing_fails() -> None:
    found = open_judging(WORKSPACE, with_judge(None), asked("a"))
    bill = found([answer("a")], "run")
    assert bill.judgments == () and found.name == "none" and "no model is set" in found.without
    assert found.forecast([answer("a")]) == f"judges do not run: {found.without}"
    assert found.trusted(bill.judgments) == {} and found.agreements(bill.judgments) == {}
    found.check(bill)


def test_a_judge_that_cannot_be_reached_is_named_after_all_else_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = open_judging(WORKSPACE, with_judge("judge"), asked("a"))
    assert found.without == "model judge is not available here (OPENAI_BASE_URL is not set)"
    bill = found([answer("a")], "run")
    with pytest.raises(UserError, match="judges: model judge is not available here .*everything else was measured"):
        found.check(bill)


def test_a_judge_that_answers_itself_is_refused() -> None:
    with pytest.raises(UserError, match="served is the model that answers"):
        open_judging(WORKSPACE, with_judge("served"), asked("a"))


@pytest.mark.parametrize(("failed", "refused"), [(0, False), (1, False), (2, True), (3, True)])
def test_too_many_judgments_without_a_verdict_fail_the_run(failed: int, refused: bool) -> None:
    said = tuple(judgment(str(number), None if number < failed else 1.0) for number in range(10))
    found = Judging(WORKSPACE, with_judge(None), (), None)
    bill = Bill(said, {"groundedness": 10})
    if not refused:
        found.check(bill)
        return
    with pytest.raises(
        UserError, match=f"{failed}0% of the judgments have no verdict .*{failed} unparsed.*at most 10%"
    ):
        found.check(bill)


def test_an_answer_is_judged_with_all_passages_its_reference_and_without_those_that_failed() -> None:
    found = Judging(WORKSPACE, with_judge(None), asked(["a", "b"]), None)
    declined = replace(answer("b"), values=answer("b").values | {"answered": 0.0})
    one, other = found._items([answer("a"), answer("c", error="down"), declined])
    assert (one.answer_id, one.question, one.reference, one.abstained) == ("id a", "a?", "the a one", False)
    assert one.passages == ("Title: \nSource: a.md\n\nfrom the passage itself",) and other.abstained


@pytest.mark.parametrize(
    ("budget", "share", "table", "left"),
    [(None, 0.1, True, None), (1.0, 0.1, True, 0.9), (0.05, 0.1, True, "none"), (1.0, 0.0, True, "none"),
     (1.0, 0.1, False, "none")],
)  # fmt: skip
def test_answers_to_people_are_judged_with_what_is_left_of_the_budget(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, budget: float | None, share: float, table: bool, left: object
) -> None:
    given: list[object] = []

    def judge_all(items: object, judges: object, *, budget: float | None, **more: object) -> Bill:
        given.append(budget)
        return Bill((judgment("live", 1.0),), {})

    monkeypatch.setattr(judging, "judge_all", judge_all)
    monkeypatch.setattr(judging, "live_answers", lambda workspace, share, since: SimpleNamespace(items=()))
    monkeypatch.setattr(judging, "known_judgments", lambda workspace, judges: {})
    monkeypatch.setattr(Workspace, "volume", lambda self, name: tmp_path / name)
    workspace = Workspace("spark_catalog", "rag")
    workspace.__dict__["spark"] = SimpleNamespace(catalog=SimpleNamespace(tableExists=lambda name: table))
    settings = OWN.evaluation.model_copy(update={"budget": budget, "judge_sample": share})
    use_case = OWN.model_copy(update={"evaluation": settings})
    found = Judging(workspace, use_case, (), cast(Judges, SimpleNamespace(judges=())))
    bill = found.live("run", Bill(tuple(judgment(str(number), 1.0) for number in range(10)), {}))
    if left == "none":
        assert given == [] and bill.judgments == ()
    else:
        assert given == [left if left is None else pytest.approx(left)] and bill.judgments


def test_labels_count_for_the_judge_that_made_the_judgments(monkeypatch: pytest.MonkeyPatch) -> None:
    """And they correct the rate of the answers that were judged now, not of all that were ever judged."""
    names = [f"q{number}" for number in range(20)]
    earlier = {f"id {name}": judgment(name, float(number % 2)) for number, name in enumerate(names)}
    monkeypatch.setattr(judging, "read_labels", lambda workspace: [])
    monkeypatch.setattr(judging, "counted", lambda labels, reviewers: labels)
    people = {"groundedness": {key: Person(bool(one.good), (bool(one.good),)) for key, one in earlier.items()}}
    monkeypatch.setattr(judging, "opinions", lambda labels: people)
    monkeypatch.setattr(judging, "drawn_strata", lambda workspace: dict.fromkeys(earlier, "random"))
    monkeypatch.setattr(judging, "judged_by_version", lambda workspace: {"groundedness": [earlier]})
    found = Judging(WORKSPACE, OWN, (), None)
    made = [judgment(f"new {number}", 1.0) for number in range(30)]
    same = found.trusted(made)["groundedness"]
    assert same.agreement and same.agreement.n == 20 and same.agreement.kappa.mean == 1
    assert same.corrected and same.corrected.mean > 0.7
    other = found.trusted([judgment("new", 1.0, version="v2")])["groundedness"]
    assert other.agreement and other.agreement.n == 0 and other.corrected is None
    assert not other.agreement.decides(0.6)
