"""The server's parts from the use case, the workspace and the command's options."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ragops.corpus.index.generations.manifest import Manifest
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.files import record_answer
from ragops.quality.feedback.rows import answer_row
from ragops.serving.server.answers import Answers, Run
from ragops.serving.server.app import Parts
from ragops.serving.server.chains import Chains, Source
from ragops.serving.server.guard import Rules
from ragops.serving.server.identity import Identify
from ragops.serving.server.limits import Slots
from ragops.serving.server.metrics import Metrics, Watched
from ragops.serving.server.status_files import read_summary
from ragops.serving.server.telemetry import Telemetry
from ragops.serving.server.traces import Traces
from ragops.serving.server.types import Answered
from ragops.usecase import UseCase


def assemble(
    use_case: UseCase,
    volume: Path,
    indexes: Path,
    source: Source,
    traces: Traces,
    identify: Identify,
    rules: Rules,
) -> Parts:
    """The parts; the chain is opened when `chains.start` is called. `volume` is the ledger's, `indexes` the index's."""
    serving = use_case.serving
    slots = Slots(serving.concurrent_requests, serving.queue_length)
    chains = Chains(source, serving.follow_seconds)
    deadline = use_case.models.answer.deadline_s

    def manifest() -> Manifest:
        with chains.use() as backend:
            return backend.searcher.live_generation().manifest

    watched = Watched(
        active=lambda: slots.admitted - slots.waiting,
        waiting=lambda: slots.waiting,
        unrecorded=lambda: answers.unrecorded,
        missing=lambda: traces.missing,
        manifest=manifest,
        status=lambda: read_summary(indexes),
    )
    metrics = Metrics(Telemetry(), use_case.models, watched)
    answers = Answers(chains.use, slots, deadline, recorder(volume), metrics.answer)

    def health() -> dict[str, Any]:
        return {
            "answers_in_progress": answers.in_progress,
            "answers_not_recorded": answers.unrecorded,
            "traces_missing": traces.missing,
        }

    return Parts(use_case, volume, indexes, chains, answers, traces, identify, rules, health, metrics)


def recorder(volume: Path) -> Callable[[Run, Answered], None]:
    """Makes answers durable: a file each on the ledger volume."""
    files = volume_files(volume)

    def record(run: Run, answered: Answered) -> None:
        assert run.version is not None  # it has begun
        row = answer_row(
            run.answer_id,
            run.query.text,
            answered.text,
            answered.outputs,
            who=run.query.who,
            asked_at=datetime.fromtimestamp(run.created_at, UTC),
            chain=(run.version.name, run.version.version),
            groups=run.query.groups,
            queue_seconds=run.queue_seconds,
        )
        record_answer(volume, row, files)

    return record
