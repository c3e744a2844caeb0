"""A chain is promoted by its stored answers; a champion whose answers are missing or failed is evaluated again."""

import math
from collections.abc import Sequence

import pytest

from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.gate import Condition, Decision
from ragops.quality.questions import Question
from ragops.releases.promote import Promotion, answered, promote, show_promotion
from ragops.releases.registry import StoredAnswers, Version
from ragops.serving.model.log_model import Logged
from ragops.usecase import Release


def row(name: str, **values: float) -> Row:
    return Row(name, name, f"{name}?", "", (), dict.fromkeys(CHECKS, math.nan) | values, 1.0, None)


FAILED = Row("a", "a", "a?", "", (), dict.fromkeys(CHECKS, math.nan), math.nan, "it is down")


def test_the_endpoint_is_asked_a_question_that_was_answered_before() -> None:
    refused, unanswerable = row("refused", answered=0.0), row("unanswerable", abstained=0.0)
    assert answered([refused, unanswerable, row("first", answered=1.0), row("second", answered=1.0)]) == "first?"
    assert answered([refused, unanswerable]) == "refused?"


class Stored:
    """Answers by run, instead of those in MLflow."""

    def __init__(self, **rows: list[Row]) -> None:
        self._rows = rows

    def load(self, run_id: str) -> list[Row] | None:
        return self._rows.get(run_id)

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


class Evaluation:
    """Evaluates every version with one good answer; `runs` are those it was asked for."""

    def __init__(self) -> None:
        self.runs: list[str] = []

    def __call__(self, version: Version, stored: StoredAnswers, questions: Sequence[Question]) -> list[Row]:
        self.runs.append(version.run_id)
        return [row("a", answered=1.0)]


def promoted(registry: Registry, stored: Stored, evaluation: Evaluation) -> Promotion:
    return promote(
        registry,  # type: ignore[arg-type]
        Release(),
        Logged("u", "new", "d"),
        stored,  # type: ignore[arg-type]
        [],
        evaluation,
    )


@pytest.mark.parametrize(
    ("champions", "evaluated"),
    [([row("a", answered=1.0)], []), ([FAILED], ["old"]), ([row("b"), FAILED], ["old"])],
)
def test_a_champion_with_too_many_errors_is_evaluated_again(champions: list[Row], evaluated: list[str]) -> None:
    registry, evaluation = Registry(Version("m", "3", "old", "d")), Evaluation()
    found = promoted(registry, Stored(old=champions, new=[row("a", answered=1.0)]), evaluation)
    assert evaluation.runs == evaluated and found.decision.passes and not found.decision.promotes
    assert found.question == "a?"
    assert registry.calls == ["challenger", "note not promoted"]


def test_a_champion_without_stored_answers_is_evaluated() -> None:
    evaluation = Evaluation()
    promoted(Registry(Version("m", "3", "old", "d")), Stored(new=[row("a", answered=1.0)]), evaluation)
    assert evaluation.runs == ["old"]


def test_the_reason_is_tagged_before_the_champion_changes() -> None:
    """The endpoint follows the alias: an error between the two would leave them apart."""
    registry = Registry(champion=None)
    found = promoted(registry, Stored(new=[row("a", answered=1.0)]), Evaluation())
    assert found.decision.promotes
    assert registry.calls == ["challenger", "note promoted", "champion"]


def test_the_outcome_is_one_last_line_however_many_conditions_failed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(Condition(name, "at least 0.5", "0.1 [0.0, 0.2]", "not met") for name in CHECKS)
    made = Promotion(Version("m", "4", "r", "d"), Version("m", "3", "r", "d"), Decision(failed, better=False), "a?")
    show_promotion(made)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == str(made) and last.startswith("version 4 not promoted: ") and last.endswith("is version 3")
