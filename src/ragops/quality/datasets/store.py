"""Writes question sets: to a file, a folder or an MLflow dataset. A question sent twice is added once."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import on_volume, volume_files
from ragops.quality.datasets.files import SAMPLES, SUFFIXES, load, right
from ragops.quality.datasets.question_set import DATASET, is_dataset, location
from ragops.quality.questions import Question

FORMAT = ".jsonl"


def export(questions: Sequence[Question], named: str, folder: Path) -> None:
    """Writes a new set: "dataset:NAME", or a file that does not exist and ends in .jsonl, relative to `folder`.

    Raises:
        UserError: the file exists, is of another format or cannot be written; or as `merge_questions`.
    """
    if is_dataset(named):
        _merge(named, questions)
        return
    check_export(named, folder)
    path = location(named, folder)
    if not volume_files(path).create(path, _lines(questions)):
        raise UserError(f"{named}: exists; give another name, or remove it")


def check_export(named: str, folder: Path) -> None:
    """Raises UserError as `export` for a file that exists or whose format is not known, before work is done for it."""
    path = location(named, folder)
    if is_dataset(named):
        return
    if path.suffix != FORMAT:
        raise UserError(f"{named}: the format is not known; end the name in {FORMAT}, or give {DATASET}NAME")
    if _content(path):
        raise UserError(f"{named}: exists; give another name, or remove it")


def add(question: Question, named: str | None, folder: Path) -> bool:
    """Adds a question to the set that `evaluation.questions` names.

    A folder gets a file for each question, so that people can add to one at the same time, also on a volume.

    Returns:
        False if it was there already.

    Raises:
        UserError: the set cannot be added to, cannot be written, or has another question with this id.
    """
    path = check_growing(named, folder)
    if path is None:
        _merge(str(named), [question])
        return True
    if not _is_file(path):
        if volume_files(path).create(path / f"{question.question_id}{FORMAT}", _lines([question])):
            return True
        _check_same(question, load(path).questions, str(named))
        return False
    before = _content(path)
    known = load(path).questions if before.strip() else ()
    if _check_same(question, known, str(named)):
        return False
    _replace(path, before + (b"\n" if before and not before.endswith(b"\n") else b"") + _lines([question]))
    return True


def check_growing(named: str | None, folder: Path) -> Path | None:
    """The file or folder of a set that questions can be added to; None for a dataset.

    Raises:
        UserError: there is no set, it is part of ragops, or it is of a format that is not added to.
    """
    if named is None or named in SAMPLES:
        raise UserError(
            f"evaluation.questions: {'nothing' if named is None else named} cannot be added to; copy it with: ragops "
            f"questions export questions{FORMAT}, and name that file"
        )
    if is_dataset(named):
        return None
    path = location(named, folder)
    if path.suffix in SUFFIXES and path.suffix != FORMAT:
        raise UserError(f"evaluation.questions: {named} cannot be added to; export it to a file that ends in {FORMAT}")
    return path


def growing_set(named: str | None, folder: Path) -> tuple[Question, ...]:
    """The questions of a set that can be added to; none if its file does not exist yet. Raises as `check_growing`."""
    path = check_growing(named, folder)
    if path is None:
        from ragops.quality.datasets.mlflow_dataset import load_dataset

        return load_dataset(str(named).removeprefix(DATASET)).questions
    return load(path).questions if path.is_dir() or _content(path).strip() else ()


def _merge(named: str, questions: Sequence[Question]) -> None:
    from ragops.quality.datasets.mlflow_dataset import merge_questions

    merge_questions(named.removeprefix(DATASET), questions)


def _check_same(question: Question, known: Sequence[Question], named: str) -> bool:
    """Whether the set has the question. Raises UserError if it has another one with the id."""
    same = next((one for one in known if one.question_id == question.question_id), None)
    if same is not None and (same.question, right(same)) != (question.question, right(question)):
        raise UserError(f"{named}: has another question with the id {question.question_id}; correct that one by hand")
    return same is not None


def _replace(path: Path, content: bytes) -> None:
    """Writes a whole file; where the file system can rename, a reader sees the old content or the new one."""
    access = volume_files(path)
    if on_volume(path):
        access.write(path, content)
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    access.write(draft, content)
    access.sync(draft)
    os.replace(draft, path)


def _content(path: Path) -> bytes:
    """What the file has; nothing if there is none."""
    try:
        return volume_files(path).read(path)
    except PathNotFound:
        return b""


def _is_file(path: Path) -> bool:
    return path.suffix == FORMAT or path.is_file()


def _lines(questions: Sequence[Question]) -> bytes:
    rows = (one.model_dump(mode="json", exclude_defaults=True) | _mark(one) for one in questions)
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in rows).encode()


def _mark(one: Question) -> dict[str, bool]:
    return {} if one.answerable or one.to_review else {"answerable": False}
