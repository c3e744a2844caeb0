"""Collects the files of answers and verdicts into the tables `answers` and `feedback`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from ragops.platform.merge import StageReport, ids_frame, merge
from ragops.platform.slices import portions
from ragops.platform.tables import Table
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.files import ANSWERS_FOLDER, FEEDBACK_FOLDER, parsed
from ragops.quality.feedback.rows import ANSWERS, FEEDBACK, AnswerRow, FeedbackRow, Verdict

UNREADABLE = "unreadable"
# A MERGE's rows come from this process: Spark's client takes messages of at most 128 MB.
_FILES_PER_MERGE, _BYTES_PER_MERGE = 2_000, 16_000_000

Kind = TypeVar("Kind", bound=BaseModel)


class _File(NamedTuple):
    name: str
    content: bytes


def merge_answers(workspace: Workspace) -> StageReport:
    """Merges the files of answers into the table and removes them; a run that is killed in between adds nothing twice.

    The beginning of a file, which a killed server left, stays where it is. A file with anything else than an answer
    moves to the folder `unreadable`.

    Raises:
        UserError: the volume cannot be read or written, or another run changed the table at the same time.
    """
    report = StageReport("answers")
    with report.timed():
        ANSWERS.create(workspace)
        for rows in _collected(workspace, ANSWERS_FOLDER, AnswerRow, report):
            _add(workspace, ANSWERS, list(rows.values()), report)
    return report


def merge_feedback(workspace: Workspace) -> StageReport:
    """Merges the files of verdicts into the table, as `merge_answers` does, and joins them with their answers.

    Of two verdicts with one id the first counts; the other file moves to `unreadable`. A verdict on an answer that is
    not in the table `answers` is kept, and joined by a later run once it is.

    Raises:
        UserError: as `merge_answers`.
    """
    report = StageReport("feedback")
    with report.timed():
        FEEDBACK.create(workspace)
        for verdicts in _collected(workspace, FEEDBACK_FOLDER, Verdict, report):
            known = _merged(workspace, list(verdicts))
            _add(workspace, FEEDBACK, [_bare(one) for key, one in verdicts.items() if key not in known], report)
            _set_aside_others(workspace, [one for key, one in verdicts.items() if key in known], known, report)
        report.changed += _join_answers(workspace)
    return report


def _collected(workspace: Workspace, folder: str, kind: type[Kind], report: StageReport) -> Iterator[dict[str, Kind]]:
    """The rows of files by id, in portions; a portion's files are removed when the next one is asked for."""
    volume = workspace.volume(LEDGER)
    files = volume_files(volume)
    unfinished = 0
    for portion in portions(
        _written(files, volume / folder), _FILES_PER_MERGE, lambda file: len(file.content), _BYTES_PER_MERGE
    ):
        rows: dict[str, Kind] = {}
        for name, content in portion:
            row = parsed(kind, content)
            if row is not None and f"{_key(row)}.json" == name:
                rows[_key(row)] = row
            elif _is_whole(content):
                _set_aside(files, volume, folder, name, content, report)
            else:
                unfinished += 1
        report.read += len(rows)
        yield rows
        for key in rows:
            files.remove(volume / folder / f"{key}.json")
    notes = []
    if report.failed:
        notes.append(f"{report.failed} files moved to {volume / UNREADABLE / folder}")
    if unfinished:
        notes.append(f"{unfinished} files unfinished: their senders got no confirmation")
    report.note = "; ".join(notes)


def _written(files: VolumeFiles, folder: Path) -> Iterator[_File]:
    with suppress(PathNotFound):  # nothing was saved yet
        for entry in files.list(folder):
            if entry.is_folder or not entry.name.endswith(".json"):
                continue
            with suppress(PathNotFound):  # another run has merged it
                yield _File(entry.name, files.read(folder / entry.name))


def _key(row: BaseModel) -> str:
    key: str = getattr(row, "answer_id" if isinstance(row, AnswerRow) else "verdict_id")
    return key


def _is_whole(content: bytes) -> bool:
    """Whether a file is JSON: its beginning never is."""
    try:
        return isinstance(json.loads(content), dict)
    except ValueError:
        return False


def _set_aside(files: VolumeFiles, volume: Path, folder: str, name: str, content: bytes, report: StageReport) -> None:
    files.write(volume / UNREADABLE / folder / name, content)
    files.remove(volume / folder / name)
    report.failed += 1


def _merged(workspace: Workspace, ids: Sequence[str]) -> dict[str, Verdict]:
    """Those of the verdicts that an earlier run has merged."""
    names = list(Verdict.model_fields)
    wanted = ids_frame(workspace, "verdict_id", ids)
    found = FEEDBACK.read(workspace).join(wanted, "verdict_id", "left_semi").select(*names).collect()
    return {row["verdict_id"]: Verdict.model_construct(**row.asDict()) for row in found}


def _set_aside_others(
    workspace: Workspace, again: Sequence[Verdict], known: dict[str, Verdict], report: StageReport
) -> None:
    """Moves the verdicts that say something else than the one that was merged under their id."""
    volume = workspace.volume(LEDGER)
    for one in again:
        if not known[one.verdict_id].says_the_same(one):
            name = f"{one.verdict_id}.json"
            content = one.model_dump_json().encode()
            _set_aside(volume_files(volume), volume, FEEDBACK_FOLDER, name, content, report)


def _bare(verdict: Verdict) -> FeedbackRow:
    """The row of a verdict whose answer is not looked up yet."""
    unknown: dict[str, Any] = dict.fromkeys(set(FEEDBACK.names) - set(Verdict.model_fields))
    return FeedbackRow(**(unknown | verdict.model_dump() | {"known_answer": False}))


def _add(workspace: Workspace, table: Table, rows: Sequence[BaseModel], report: StageReport) -> None:
    if rows:
        values = [tuple(row.model_dump()[name] for name in table.names) for row in rows]
        report.count(merge(workspace, table, workspace.spark.createDataFrame(values, table.schema)))


def _join_answers(workspace: Workspace) -> int:
    """Completes the verdicts whose answers have come; returns how many rows changed."""
    from pyspark.sql import functions as F

    unknown = FEEDBACK.read(workspace).where("NOT known_answer")
    if not unknown.take(1):
        return 0
    answers = ANSWERS.read(workspace)
    taken = ["question", "chain_name", "chain_version", "generation", "passages", "cited", "trace_id"]
    kept = [name for name in FEEDBACK.names if name not in (*taken, "known_answer")]
    rows = unknown.select(*kept).join(answers.select("answer_id", *taken), "answer_id")
    return merge(workspace, FEEDBACK, rows.withColumn("known_answer", F.lit(True))).updated
