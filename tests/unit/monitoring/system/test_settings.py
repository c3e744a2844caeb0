"""Settings from run to run, and when they changed."""

from datetime import datetime, timedelta

from ragops.monitoring.finding import Change
from ragops.monitoring.system.settings import (
    MonitoredSetting,
    Setting,
    SettingsNow,
    changes_of,
    current_settings,
    seen_rows,
)
from tests.support.monitored import NOW, USE_CASE

HOUR = timedelta(hours=1)


def price(value: str, written_at: datetime | None = None) -> SettingsNow:
    return SettingsNow((Setting("price", "served", value),), written_at)


class Runs:
    """Runs of the monitor, an hour apart, and the rows that they leave."""

    def __init__(self) -> None:
        self.rows: dict[str, MonitoredSetting] = {}
        self.number = -1

    def run(self, now: SettingsNow) -> list[Change]:
        self.number += 1
        at = NOW + self.number * HOUR
        changes = changes_of(self.rows.values(), now, at)
        self.rows |= {one.setting_id: one for one in seen_rows(self.rows.values(), now, at)}
        return changes


def test_the_first_run_knows_no_change() -> None:
    runs = Runs()
    assert not runs.run(price("1")) and not runs.run(price("1"))
    assert len(runs.rows) == 1
    assert next(iter(runs.rows.values())).last_seen_at == NOW + HOUR


def test_a_change_is_dated_when_the_old_value_was_seen_last() -> None:
    runs = Runs()
    runs.run(price("1"))
    runs.run(price("1"))
    changed = Change(NOW + HOUR, "price", "served", "1", "3")
    assert runs.run(price("3")) == [changed]
    assert runs.run(price("3")) == [changed], "later runs still know it"


def test_a_change_is_dated_when_its_file_was_written_if_that_fits() -> None:
    written = NOW + 0.5 * HOUR
    for given, dated in ((written, written), (NOW - HOUR, NOW), (NOW + 9 * HOUR, NOW)):
        runs = Runs()
        runs.run(price("1"))
        assert [one.at for one in runs.run(price("3", given))] == [dated]
        assert [one.at for one in runs.run(price("3", given))] == [dated]


def test_a_value_that_comes_back_is_a_change() -> None:
    runs = Runs()
    for value in ("1", "2", "1"):
        found = runs.run(price(value))
    assert [(one.before, one.after) for one in found] == [("1", "2"), ("2", "1")]
    assert len(runs.rows) == 3


def test_each_kind_of_change_of_a_use_case_is_seen() -> None:
    def kinds(use_case: object, question_set: str = "a", champion: str = "1") -> set[str]:
        before = dict.fromkeys(current_settings(USE_CASE, None, "a", "1").settings)
        assert isinstance(use_case, type(USE_CASE))
        after = current_settings(use_case, None, question_set, champion).settings
        return {one.kind for one in after if one not in before}

    models = USE_CASE.models
    dearer = [
        one.model_copy(update={"price_per_million_input": 9.0}) if one.name == "served" else one for one in models.known
    ]
    swapped = [one.model_copy(update={"served_name": "x"}) if one.name == "served" else one for one in models.known]
    judge = [one.model_copy(update={"served_name": "x"}) if one.name == "judge" else one for one in models.known]

    def with_models(known: list[object]) -> object:
        return USE_CASE.model_copy(update={"models": models.model_copy(update={"known": tuple(known)})})

    assert kinds(USE_CASE) == set()
    assert kinds(with_models(list(dearer))) == {"deployment", "price"}
    assert kinds(with_models(list(swapped))) == {"deployment", "model"}
    assert kinds(with_models(list(judge))) == {"deployment", "judge"}
    assert kinds(USE_CASE, question_set="b") == {"question_set"}
    assert kinds(USE_CASE, champion="2") == {"champion"}
    other = USE_CASE.model_copy(update={"prompts": USE_CASE.prompts.model_copy(update={"answer": "brief"})})
    assert kinds(other) == {"deployment", "prompt"}
