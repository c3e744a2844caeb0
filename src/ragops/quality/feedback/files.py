"""Answers and verdicts as files on the ledger volume, one each, which the job collect_calls moves to tables.

A file is whole or it does not count: volumes have no rename, so a process that is killed in mid-write leaves a
beginning, which is never valid JSON, and neither are blocks of zeros after a loss of power. The sender of such a
verdict got no confirmation, and sending it again replaces the file.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ragops.errors import RequestError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.rows import AnswerRow, Verdict

ANSWERS_FOLDER = "answers"
FEEDBACK_FOLDER = "feedback"

# A verdict that is sent twice at the same time must not be written twice at the same time.
_LOCKS = tuple(threading.Lock() for _ in range(64))

Row = TypeVar("Row", bound=BaseModel)


class VerdictConflict(RequestError):
    """Another verdict was saved under the same id."""


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
        VerdictConflict: another verdict was saved under this id; that one stays.
        VolumeError: it could not be saved; VolumeFull if there is no space.
    """
    path = volume / FEEDBACK_FOLDER / f"{verdict.verdict_id}.json"
    with _LOCKS[hash(verdict.verdict_id) % len(_LOCKS)]:
        return _save(files or volume_files(path), path, verdict)


def _save(files: VolumeFiles, path: Path, verdict: Verdict) -> Verdict:
    if files.create(path, _content(verdict)):
        return verdict
    saved = _saved(files, path)
    if saved is None:  # the beginning that a killed process left, or the job has just collected it
        files.write(path, _content(verdict))
    elif not saved.says_the_same(verdict):
        raise VerdictConflict(f"verdict {verdict.verdict_id}: another one has this id; make a new id for each verdict")
    with suppress(PathNotFound):  # collected meanwhile
        files.sync(path)
    return saved or verdict


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


def parsed(kind: type[Row], content: bytes) -> Row | None:
    """The row in a file; None if the file is not whole, or is none of this kind."""
    try:
        return kind.model_validate_json(content)
    except ValidationError:
        return None


def _content(row: BaseModel) -> bytes:
    return f"{row.model_dump_json()}\n".encode()


def _saved(files: VolumeFiles, path: Path) -> Verdict | None:
    try:
        return parsed(Verdict, files.read(path))
    except PathNotFound:
        return None
