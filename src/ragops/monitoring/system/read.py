"""Reads a running system: each source on its own, so that one that cannot be read hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pandas as pd

from ragops.corpus.embeddings.interface import CPU, Encoder, EncoderSource, Vectors
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.monitoring.finding import Change, Unreadable
from ragops.monitoring.system import changes
from ragops.monitoring.system.answers import no_answers, read_answers
from ragops.monitoring.system.coverage import read_coverage
from ragops.monitoring.system.document_history import DocumentHistory, read_history
from ragops.monitoring.system.documents import read_documents
from ragops.monitoring.system.index import read_index
from ragops.monitoring.system.instructing import read_instructing
from ragops.monitoring.system.metrics import read_metrics
from ragops.monitoring.system.records import read_traces, read_waiting
from ragops.monitoring.system.rejudged import no_rejudged, read_rejudged
from ragops.monitoring.system.rows import Rows, TableState, attempt
from ragops.monitoring.system.runs import read_runs
from ragops.monitoring.system.settings import (
    MonitoredSetting,
    SettingsNow,
    changes_of,
    current_settings,
    read_settings,
)
from ragops.monitoring.system.system import Frame, System
from ragops.monitoring.system.use import read_calls, read_feedback, read_judgments
from ragops.platform.mlflow_store import store_exists, use_mlflow
from ragops.platform.workspace import Workspace
from ragops.quality.datasets.question_set import QuestionSet, open_set
from ragops.serving.model.registered import CHAIN, CHAMPION, by_alias
from ragops.usecase import UseCase

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where a system is.

    Attributes:
        workspace: with its tables and volumes.
        use_case: with the models that are used now.
        landing: the folder of files.
        files: the folder of the deployed bundle's files.
        target: the bundle's target, for MLflow's store of a laptop.
        encoder: loads the use case's encoder; None to leave out what needs it.
    """

    workspace: Workspace
    use_case: UseCase
    landing: Path
    files: Path
    target: str = "dev"
    encoder: EncoderSource | None = None


@dataclass(frozen=True)
class Seen:
    """What was read, and the settings that this run saw beside those of earlier runs."""

    system: System
    earlier: tuple[MonitoredSetting, ...]
    settings: SettingsNow | None


def read_system(place: Place, now: datetime | None = None) -> Seen:
    """Reads everything. Raises nothing: what could not be read is in `System.problems`.

    Args:
        place: where the system is.
        now: the time that counts as now, with a time zone; by default the clock's.
    """
    reader = _Reader(place, now or datetime.now(UTC))
    system, earlier, settings = reader.read()
    return Seen(system, earlier, settings)


class _Reader:
    def __init__(self, place: Place, now: datetime) -> None:
        self._place, self._workspace, self._use_case, self._now = place, place.workspace, place.use_case, now
        monitoring = place.use_case.monitoring
        self._recent = now - timedelta(hours=monitoring.recent_hours)
        self._since = self._recent - timedelta(days=monitoring.baseline_days)
        self._tables: list[TableState] = []
        self._unreadable: list[Unreadable] = []

    def read(self) -> tuple[System, tuple[MonitoredSetting, ...], SettingsNow | None]:
        place, workspace, since, now = self._place, self._workspace, self._since, self._now
        questions = self._or_noted("evaluation set", lambda: open_set(self._use_case), QuestionSet())
        golden = questions.questions[: self._use_case.monitoring.golden_questions]
        answers = self._frame(
            "answers",
            lambda: read_answers(
                workspace, since, now, self._recent, self._use_case.monitoring.sampled_questions, self._encode
            ),
        )
        known = no_answers() if isinstance(answers, Unreadable) else answers
        calls = self._frame("calls", lambda: read_calls(workspace, since, now))
        judgments = self._frame("judgments", lambda: read_judgments(workspace, since, now, known))
        metrics = self._frame("metrics", lambda: read_metrics(workspace, now))
        history = attempt("history", lambda: read_history(workspace, since))
        earlier: tuple[MonitoredSetting, ...] = self._or_noted(
            "earlier settings", lambda: tuple(read_settings(workspace)), ()
        )
        settings = self._or_noted("settings", lambda: self._settings(questions), None)
        found = [*self._changes(history, known, calls, judgments, metrics)]
        if settings is not None:
            found += changes_of(earlier, settings, now)
        system = System(
            now=now,
            use_case=self._use_case,
            documents=attempt("documents", lambda: read_documents(workspace, place.landing, now, self._recent)),
            history=history,
            index=attempt("index", lambda: read_index(workspace, self._use_case, golden, self._encoder)),
            runs=attempt("runs", lambda: read_runs(place.files)),
            answers=answers,
            calls=calls,
            feedback=self._frame("feedback", lambda: read_feedback(workspace, since, now)),
            judgments=judgments,
            metrics=metrics,
            traces=attempt("traces", lambda: read_traces(known, self._recent, place.target)),
            waiting=attempt("waiting", lambda: read_waiting(workspace)),
            rejudged=attempt("rejudged", lambda: self._rejudged(judgments)),
            instructing=attempt("instructing", lambda: read_instructing(workspace)),
            coverage=attempt("coverage", lambda: read_coverage(workspace, since, now)),
            changes=changes.sorted_changes(one for one in found if one.at <= now),
            tables=tuple(self._tables),
            unreadable=tuple(self._unreadable),
        )
        return system, earlier, settings

    def _rejudged(self, judgments: Frame) -> pd.DataFrame:
        known = no_rejudged() if isinstance(judgments, Unreadable) else judgments
        return read_rejudged(self._workspace, self._use_case, known)

    def _frame(self, source: str, read: Callable[[], Rows]) -> Frame:
        rows = attempt(source, read)
        if isinstance(rows, Unreadable):
            return rows
        self._tables.append(rows.state)
        return rows.frame

    def _or_noted(self, source: str, read: Callable[[], T], otherwise: T) -> T:
        found = attempt(source, read)
        if isinstance(found, Unreadable):
            self._unreadable.append(found)
            return otherwise
        return found

    @cached_property
    def _encoder(self) -> Encoder | Unreadable | None:
        """Loaded once; one that cannot be loaded hides no answers."""
        source = self._place.encoder
        return attempt("encoder", lambda: source.load(CPU)) if source else None

    @property
    def _encode(self) -> Callable[[Sequence[str]], Vectors] | None:
        encoder = self._encoder
        return None if encoder is None or isinstance(encoder, Unreadable) else encoder.encode_queries

    def _settings(self, questions: QuestionSet) -> SettingsNow:
        file = self._place.files / "usecase.yml"
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.is_file() else None
        return current_settings(self._use_case, written, questions.version, self._champion())

    def _champion(self) -> str:
        if not store_exists(self._place.target):
            return ""
        use_mlflow(self._place.target)
        from mlflow import MlflowClient

        version = by_alias(MlflowClient(), self._workspace.registered(CHAIN), CHAMPION)
        return f"version {version.version}" if version else ""

    def _changes(
        self,
        history: DocumentHistory | Unreadable,
        answers: pd.DataFrame,
        calls: Frame,
        judgments: Frame,
        metrics: Frame,
    ) -> Iterator[Change]:
        """From all sources that could be read."""
        yield from self._noted_changes("generations", self._index_changes)
        if isinstance(history, DocumentHistory):
            yield from changes.document_changes(history)
        yield from self._noted_changes("changes of answers", lambda: changes.answer_changes(answers))
        if isinstance(calls, pd.DataFrame):
            models = self._use_case.models.known
            yield from self._noted_changes("changes of calls", lambda: changes.call_changes(calls, models))
        if isinstance(judgments, pd.DataFrame):
            yield from self._noted_changes("changes of judges", lambda: changes.judge_changes(judgments))
        if isinstance(metrics, pd.DataFrame):
            yield from changes.question_set_changes(metrics)

    def _index_changes(self) -> Iterable[Change]:
        index, pointer = PublishedIndex(index_root(self._workspace)), None
        with suppress(UserError):  # a damaged one is a finding about the index
            pointer = index.find_pointer()
        return changes.index_changes(index.manifests(), pointer)

    def _noted_changes(self, source: str, read: Callable[[], Iterable[Change]]) -> list[Change]:
        return self._or_noted(source, lambda: list(read()), [])
