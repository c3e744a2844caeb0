"""Answers and verdicts as files on the ledger volume, one each, which the job collect_calls moves to tables.

A file is whole or it does not count: volumes have no rename, so a process that is killed in mid-write leaves a
beginning, which is never valid JSON, and neither are blocks of zeros after a loss of power. The sender of such a
verdict got no confirmation, and sending it again replaces the file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from ragops.errors import RequestError
from ragops.platform.collected import parsed
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.rows import AnswerRow, Verdict

ANSWERS_FOLDER = "answers"
FEEDBACK_FOLDER = "feedback"

# A row that is sent twice at the same time must not be written twice at the same time.
_LOCKS = tuple(threading.Lock() for _ in range(64))

Row = TypeVar("Row", bound=BaseModel)


class IdReused(RequestError):
    """Another verdict or label was saved under the same id."""


def record_answer(volume: Path, row: AnswerRow, files: VolumeFiles | None = None) -> None:
    """Saves an answer; it is on disk, or in the volume's storage, when this returns.

    Args:
        volume: the ledger volume: `workspace.volume(LEDGER)`.
        row: the answer.
        files: access to the volume, for a server, which opens it once.

    Raises:
        VolumeError: it could not be saved; VolumeFull if there is no space.
    """
    path = answer_file(volume, row.answer_id)
    files = files or volume_files(path)
    if not files.create(path, _content(row)):
        files.write(path, _content(row))
        files.sync(path)


def record_verdict(volume: Path, verdict: Verdict, files: VolumeFiles | None = None) -> Verdict:
    """Saves a verdict; it is on disk, or in the volume's storage, when this returns. To repeat it changes nothing.

    Args:
        volume: the ledger volume: `workspace.volume(LEDGER)`.
        verdict: the verdict.
        files: as in `record_answer`.

    Returns:
        The verdict as saved: with the time at which it first arrived.

    Raises:
        IdReused: another verdict was saved under this id; that one stays.
        VolumeError: it could not be saved; VolumeFull if there is no space.
    """
    return save_once(volume / FEEDBACK_FOLDER, "verdict", verdict.verdict_id, verdict, Verdict.says_the_same, files)


def save_once(
    folder: Path, what: str, row_id: str, row: Row, same: Callable[[Row, Row], bool], files: VolumeFiles | None = None
) -> Row:
    """Saves a row in a file named after its id, durably. To repeat it changes nothing.

    Args:
        folder: on the ledger volume.
        what: the row's kind, for errors.
        row_id: made by the client.
        row: what is saved.
        same: whether two rows say the same, so that one is a repetition of the other.
        files: as in `record_answer`.

    Returns:
        The row as saved first.

    Raises:
        IdReused: another row was saved under this id; that one stays.
        VolumeError: it could not be saved; VolumeFull if there is no space.
    """
    path = folder / f"{row_id}.json"
    files = files or volume_files(path)
    with _LOCKS[hash(row_id) % len(_LOCKS)]:
        if files.create(path, _content(row)):
            return row
        saved = _saved(files, path, type(row))
        if saved is None:  # the beginning that a killed process left, or the job has just collected it
            files.write(path, _content(row))
        elif not same(saved, row):
            raise IdReused(f"{what} {row_id}: another one has this id; make a new id for each {what}")
        with suppress(PathNotFound):  # collected meanwhile
            files.sync(path)
        return saved or row


def answer_is_recorded(volume: Path, answer_id: str, files: VolumeFiles | None = None) -> bool:
    """Whether an answer's file is there. It is not any more once the job has collected it.

    Raises:
        VolumeError: the volume cannot be read.
    """
    path = answer_file(volume, answer_id)
    try:
        return parsed(AnswerRow, (files or volume_files(path)).read(path)) is not None
    except PathNotFound:
        return False


def answer_file(volume: Path, answer_id: str) -> Path:
    """Where an answer is saved."""
    return volume / ANSWERS_FOLDER / f"{answer_id}.json"


def _content(row: BaseModel) -> bytes:
    return f"{row.model_dump_json()}\n".encode()


def _saved(files: VolumeFiles, path: Path, kind: type[Row]) -> Row | None:
    try:
        return parsed(kind, files.read(path))
    except PathNotFound:
        return None
