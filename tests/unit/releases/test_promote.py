import math

import pytest

from ragops.quality.evaluation.answers import CHECKS, Row
from ragops.quality.evaluation.gate import Condition, Decision
from ragops.releases import promote
from ragops.releases.promote import Promotion, answered, show
from ragops.releases.registry import Version
from ragops.serving.model.log_model import Logged
from ragops.usecase import Release


def row(name: str, **values: float) -> Row:
    return Row(name, name, f"{name}?", "", (), dict.fromkeys(CHECKS, math.nan) | values, 1.0, None)


def test_the_endpoint_is_asked_what_was_answered_before() -> None:
    refused, unanswerable = row("refused", answered=0.0), row("unanswerable", abstained=0.0)
    assert answered([refused, unanswerable, row("first", answered=1.0), row("second", answered=1.0)]) == "first?"
    assert answered([refused, unanswerable]) == "refused?"


class Kept:
    """Answers by run, in place of the registry's, and who was judged anew."""

    def __init__(self, **rows: list[Row]) -> None:
        self._rows, self.anew = rows, list[str]()

    def known(self, run_id: str) -> list[Row] | None:
        return self._rows.get(run_id)

    def figures(self, run_id: str) -> dict[str, float]:
        return {}

    def judge(self, chain: object, judged: object, run_id: str, questions: object) -> list[Row]:
        self.anew.append(run_id)
        return [row("a", answered=1.0)]


class Registry:
    """One champion or none, and whatever is registered besides; what was done to it, in order."""

    def __init__(self, champion: Version | None) -> None:
        self._champion, self.done = champion, list[str]()

    def by_alias(self, alias: str) -> Version | None:
        return self._champion

    def register(self, logged: Logged) -> Version:
        return Version("m", "4", logged.run_id, "d")

    def point(self, alias: str, version: Version) -> None:
        self.done.append(alias)

    def note(self, version: Version, **tags: str) -> None:
        self.done.append(f"note {tags['gate']}")


FAILED = Row("a", "a", "a?", "", (), dict.fromkeys(CHECKS, math.nan), math.nan, "it is down")


@pytest.mark.parametrize(
    ("kept", "anew"), [([row("a", answered=1.0)], []), ([FAILED], ["old"]), ([row("b"), FAILED], ["old"])]
)
def test_a_champion_that_failed_when_it_was_judged_is_asked_again(
    kept: list[Row], anew: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = Kept(old=kept, new=[row("a", answered=1.0)])
    monkeypatch.setattr(promote, "judge", judged.judge)
    monkeypatch.setattr(promote, "LoadedChain", lambda uri: uri)
    registry = Registry(Version("m", "3", "old", "d"))
    found = promote.promote(registry, Release(), Logged("u", "new", "d"), judged, [])  # type: ignore[arg-type]
    assert judged.anew == anew and found.decision.passes and not found.decision.promotes
    assert found.question == "a?"
    assert registry.done == ["challenger", "note not promoted"]


def test_the_reason_is_noted_before_the_champion_changes() -> None:
    """Behind that comes the endpoint: what is refused in between would leave the two apart."""
    registry, judged = Registry(champion=None), Kept(new=[row("a", answered=1.0)])
    found = promote.promote(registry, Release(), Logged("u", "new", "d"), judged, [])  # type: ignore[arg-type]
    assert found.decision.promotes
    assert registry.done == ["challenger", "note promoted", "champion"]


def test_the_last_line_says_all_however_many_conditions_failed(capsys: pytest.CaptureFixture[str]) -> None:
    failed = tuple(Condition(name, "at least 0.5", "0.1 [0.0, 0.2]", "not met") for name in CHECKS)
    made = Promotion(Version("m", "4", "r", "d"), Version("m", "3", "r", "d"), Decision(failed, better=False), "a?")
    show(made)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == str(made) and last.startswith("version 4 not promoted: ") and last.endswith("is version 3")
