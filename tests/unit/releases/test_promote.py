"""A chain is promoted by its stored results; a champion whose results are missing or outdated is measured again."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.gate import Condition, Decision
from ragops.quality.judges.rows import Judgment
from ragops.releases.promote import Promotion, answered, promote, show_promotion
from ragops.releases.registry import Version
from ragops.releases.stored_results import Results
from ragops.serving.model.log_model import Logged
from ragops.usecase import Release, load_usecase
from ragops.usecase.evaluation import Evaluation

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml").model_copy(
    update={"success": (), "release": Release(), "evaluation": Evaluation()}
)


def row(name: str, **values: float) -> Row:
    return Row(name, name, f"{name}?", "", (), dict.fromkeys(CHECKS, math.nan) | values, 1.0, None)


FAILED = Row("a", "a", "a?", "", (), dict.fromkeys(CHECKS, math.nan), math.nan, "it is down")


def test_the_endpoint_is_asked_a_question_that_was_answered_before() -> None:
    refused, unanswerable = row("refused", answered=0.0), row("unanswerable", abstained=0.0)
    assert answered([refused, unanswerable, row("first", answered=1.0), row("second", answered=1.0)]) == "first?"
    assert answered([refused, unanswerable]) == "refused?"


class Stored:
    """Results by run, instead of those in MLflow."""

    question_set = "1234"

    def __init__(self, **results: Results) -> None:
        self.results = results

    def load(self, run_id: str) -> Results | None:
        return self.results.get(run_id)

    def store(self, run_id: str, results: Results) -> None:
        self.results[run_id] = results

    def figures(self, run_id: str) -> dict[str, float]:
        return {}


class Registry:
    """A registry with at most one champion; `calls` are the changes in order."""

    def __init__(self, champion: Version | None) -> None:
        self._champion = champion
        self.calls: list[str] = []

    def by_alias(self, alias: str) -> Version | None:
        return self._champion

    def register(self, logged: Logged) -> Version:
        return Version("m", "4", logged.run_id, "d")

    def point(self, alias: str, version: Version) -> None:
        self.calls.append(alias)

    def note(self, version: Version, **tags: str) -> None:
        self.calls.append(f"note {tags['gate']}")


class Measure:
    """Measures every version with one good answer; `runs` are those it was asked for."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def __call__(self, version: Version) -> Results:
        self.runs.append(version.run_id)
        return OWN


def judgment(version: str) -> Judgment:
    known = {"judgment_id": "j", "inputs": "i", "answer_id": "a", "question_id": "a", "question": "?", "cluster": "a"}
    rest = {"model": "m", "state": "scored", "verdict": "yes", "score": 1.0, "reason": None, "details": None}
    return Judgment(**known, **rest, judge="groundedness", judge_version=version, judged_at=datetime.now(UTC))


OWN = Results([row("a", answered=1.0)])
JUDGED = replace(OWN, judgments=[judgment("v2")])


def promoted(registry: Registry, stored: Stored, measure: Measure) -> Promotion:
    def report(promotion: Promotion, own: Evaluated, champion: Evaluated | None) -> None:
        assert "champion" not in registry.calls
        registry.calls.append("page")

    return promote(
        registry,  # type: ignore[arg-type]
        USE_CASE,
        Logged("u", "new", "d"),
        stored,  # type: ignore[arg-type]
        measure,
        lambda judgments: {},
        report,
    )


@pytest.mark.parametrize(
    ("own", "champions", "measured"),
    [
        (OWN, OWN, []),
        (OWN, Results([FAILED]), ["old"]),
        (OWN, Results([row("b"), FAILED]), ["old"]),
        (JUDGED, OWN, ["old"]),
        (JUDGED, replace(OWN, judgments=[judgment("v1")]), ["old"]),
        (JUDGED, JUDGED, []),
    ],
)
def test_a_champion_that_failed_or_was_judged_by_others_is_measured_again(
    own: Results, champions: Results, measured: list[str]
) -> None:
    registry, measure = Registry(Version("m", "3", "old", "d")), Measure()
    stored = Stored(old=champions, new=own)
    found = promoted(registry, stored, measure)
    assert measure.runs == measured and not found.decision.promotes
    assert stored.results["old"] is (OWN if measured else champions)
    assert found.question == "a?"
    assert registry.calls == ["challenger", "page", "note not promoted"]


def test_a_champion_measured_on_other_questions_is_measured_again() -> None:
    """Results are found by the version of the questions, so those on another version are missing."""
    measure = Measure()
    promoted(Registry(Version("m", "3", "old", "d")), Stored(new=OWN), measure)
    assert measure.runs == ["old"]


def test_a_chain_that_was_not_measured_is_refused_before_it_is_registered() -> None:
    registry = Registry(None)
    with pytest.raises(UserError, match="release: run new has no answers to these questions"):
        promoted(registry, Stored(), Measure())
    assert registry.calls == []


def test_the_reason_is_tagged_before_the_champion_changes() -> None:
    """The endpoint follows the alias: an error between the two would leave them apart."""
    registry = Registry(champion=None)
    found = promoted(registry, Stored(new=OWN), Measure())
    assert found.decision.promotes
    assert registry.calls == ["challenger", "page", "note promoted", "champion"]


def test_the_outcome_is_one_last_line_however_many_conditions_failed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(Condition(name, "at least 0.5", "0.1 [0.0, 0.2]", "not met") for name in CHECKS)
    decision = Decision(failed, (), is_first=False)
    made = Promotion(Version("m", "4", "r", "d"), Version("m", "3", "r", "d"), decision, "a?")
    show_promotion(made)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == str(made) and last.startswith("version 4 not promoted: ") and last.endswith("is version 3")
