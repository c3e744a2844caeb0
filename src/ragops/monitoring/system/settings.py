"""The use case's settings from run to run, so that a change of a price, a prompt or a judge gets a time.

Only what rows of other tables do not tell when it changes: the settings are not written with each answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ragops.answers.llms.settings import AnyModel
from ragops.answers.prompts.template_files import load_templates
from ragops.corpus.documents.parsing import PARSER_VERSION
from ragops.monitoring.finding import Change, ChangeKind
from ragops.monitoring.system.rows import moment
from ragops.platform.merge import merge
from ragops.platform.tables import Table
from ragops.platform.workspace import Workspace
from ragops.text import digest
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DIGITS = 8
# Of a model everything but its prices, which are a kind of their own, and limits of our own calls.
_PRICES = ("price_per_million_input", "price_per_million_output", "price_per_second")
_NO_CAUSE = {"name", "problem", "users", "success", "sla", "evaluation", "release", "monitoring"}
"""Sections of usecase.yml that no answer depends on."""
_IDENTITY = ("provider", "served_name", "source", "base_url", "replies")


class MonitoredSetting(BaseModel):
    """A row of the table `monitored_settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting_id: str = Field(description="Hash of kind, subject and the time at which it was first seen.")
    kind: str = Field(description="The kind of change that another value is: price, prompt, judge ...")
    subject: str = Field(description="Which setting: a model, a prompt, a file.")
    value: str = Field(description="Its value, or the first digits of a hash of it.")
    first_seen_at: datetime = Field(description="The first run that saw this value.")
    last_seen_at: datetime = Field(description="The last one.")


SETTINGS = Table.of(
    MonitoredSetting,
    name="monitored_settings",
    comment="Settings of the use case as the runs of the job monitor saw them: when each value began and ended.",
    key="setting_id",
    cluster_by="first_seen_at",
)


class Setting(NamedTuple):
    """A setting now."""

    kind: ChangeKind
    subject: str
    value: str


@dataclass(frozen=True)
class SettingsNow:
    """The settings, and when the file that they are in was last written; None if that is not known."""

    settings: tuple[Setting, ...]
    written_at: datetime | None = None


def current_settings(use_case: UseCase, written_at: datetime | None, question_set: str, champion: str) -> SettingsNow:
    """The settings of a use case that can cause findings.

    Args:
        use_case: with the models that are used now.
        written_at: when its file was last written.
        question_set: version of the evaluation questions; "" without any.
        champion: version of the chain that serves; "" without any.

    Raises:
        UserError: a prompt template is invalid.
    """
    models, judge = use_case.models, use_case.evaluation.judge
    # What is written there: another version of ragops may have other defaults, which is a change of its own.
    written = use_case.model_dump(mode="json", exclude=_NO_CAUSE, exclude_unset=True)
    found = [
        Setting("deployment", "usecase.yml", digest(written)[:_DIGITS]),
        Setting("deployment", "ragops", version("ragops")),
        Setting("model", "models.answer", ", ".join((models.answer.primary, *models.answer.fallback))),
        Setting("judge", "evaluation.judge", judge or "none"),
        Setting("parser", "parsers", PARSER_VERSION),
        Setting("encoder", "embedding", f"{use_case.embedding.name} ({_source(use_case)})"),
        Setting("question_set", "evaluation.questions", question_set or "none"),
        Setting("champion", "chain", champion or "none"),
    ]
    for one in models.known:
        found.append(Setting("judge" if one.name == judge else "model", one.name, _identity(one)))
        found.append(Setting("price", one.name, " / ".join(f"{getattr(one, name):g}" for name in _PRICES)))
    return SettingsNow((*found, *_prompts(use_case)), written_at)


def changes_of(rows: Iterable[MonitoredSetting], now: SettingsNow, at: datetime) -> list[Change]:
    """What has changed from run to run, up to this one.

    A change is dated when its file was written, if that is between the two runs; else at the run that saw the old value
    last, so that nothing it caused can be older.

    Args:
        rows: what earlier runs saw.
        now: what this run sees.
        at: the time of this run.
    """
    known: dict[tuple[str, str], list[MonitoredSetting]] = {}
    for row in sorted(rows, key=lambda row: row.first_seen_at):
        known.setdefault((row.kind, row.subject), []).append(row)
    changes = []
    for one in now.settings:
        seen = known.get((one.kind, one.subject), [])
        for old, new in zip(seen, seen[1:], strict=False):
            changes.append(Change(old.last_seen_at, one.kind, one.subject, old.value, new.value))
        if seen and seen[-1].value != one.value:
            last = seen[-1].last_seen_at
            written = now.written_at
            exact = written if written is not None and last < written <= at else last
            changes.append(Change(exact, one.kind, one.subject, seen[-1].value, one.value))
    return changes


def seen_rows(rows: Iterable[MonitoredSetting], now: SettingsNow, at: datetime) -> list[MonitoredSetting]:
    """The rows that this run writes: those that are still so, and new ones for what has changed."""
    latest: dict[tuple[str, str], MonitoredSetting] = {}
    for row in sorted(rows, key=lambda row: row.first_seen_at):
        latest[row.kind, row.subject] = row
    written = []
    for one in now.settings:
        old = latest.get((one.kind, one.subject))
        if old is not None and old.value == one.value:
            written.append(old.model_copy(update={"last_seen_at": at}))
            continue
        if old is not None and now.written_at is not None and old.last_seen_at < now.written_at <= at:
            # So that the next run dates the change as this one does.
            written.append(old.model_copy(update={"last_seen_at": now.written_at}))
        key = digest([one.kind, one.subject, at.isoformat()])[:32]
        written.append(
            MonitoredSetting(
                setting_id=key, kind=one.kind, subject=one.subject, value=one.value, first_seen_at=at, last_seen_at=at
            )
        )
    return written


def read_settings(workspace: Workspace) -> list[MonitoredSetting]:
    """What earlier runs saw; [] before the first one. Raises NotPermitted if the table may not be read."""
    if not workspace.spark.catalog.tableExists(workspace.table(SETTINGS.name)):
        return []
    return [_row(one.asDict()) for one in _in_microseconds(SETTINGS.read(workspace)).collect()]


def remember(workspace: Workspace, rows: Sequence[MonitoredSetting]) -> None:
    """Writes the rows. Raises UserError if the table cannot be written."""
    SETTINGS.create(workspace)
    frame = workspace.spark.createDataFrame([tuple(one.model_dump().values()) for one in rows], SETTINGS.schema)
    merge(workspace, SETTINGS, frame)


def _source(use_case: UseCase) -> str:
    return digest(use_case.embedding.model_dump(mode="json", exclude={"source"}))[:_DIGITS]


def _identity(model: AnyModel) -> str:
    values = model.model_dump(mode="json")
    known = [str(values[name]) for name in _IDENTITY if values.get(name)]
    others = {name: value for name, value in values.items() if name not in (*_IDENTITY, *_PRICES, "name")}
    return f"{' '.join(known)} ({digest(others)[:_DIGITS]})"


def _prompts(use_case: UseCase) -> list[Setting]:
    templates = load_templates(use_case.prompts, use_case.folder)
    judges = use_case.evaluation.judges if use_case.evaluation.judge else ()
    used: list[tuple[ChangeKind, str, str]] = [
        ("prompt", "answer", use_case.prompts.answer),
        ("prompt", "rewrite", use_case.prompts.rewrite),
        *(("judge", name, name) for name in judges),
    ]
    return [
        Setting(kind, task, f"{name}@{templates[name].content_hash[:_DIGITS]}")
        for kind, task, name in used
        if name in templates
    ]


def _in_microseconds(rows: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    return rows.select(
        *(F.unix_micros(name).alias(name) if kind == "timestamp" else name for name, kind in rows.dtypes)
    )


def _row(row: Mapping[str, object]) -> MonitoredSetting:
    values = {name: row[name] for name in MonitoredSetting.model_fields}
    times = {name: moment(int(str(values[name]))) for name in ("first_seen_at", "last_seen_at")}
    return MonitoredSetting.model_validate(values | times)
