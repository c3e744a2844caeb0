"""Question sets in files: JSON Lines, JSON, or CSV; one file, or all of a folder, also on a volume."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import is_mounted
from ragops.quality.datasets.plain_format import PlainFormat
from ragops.quality.datasets.sections import FILE, Sections
from ragops.quality.questions import Question
from ragops.text import one_line, words

SAMPLES: Mapping[str, str] = {"sample": "questions.jsonl", "sample_same_words": "questions_same_words.jsonl"}
"""The files of questions about the sample corpus by their names in usecase.yml: those that avoid its words, as people
ask who do not know the documents, and those that use them, as people ask who do."""
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")


@dataclass(frozen=True)
class Loaded:
    """The questions of files, in their order, and what a reader should know of them, a line each."""

    questions: tuple[Question, ...]
    notes: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where a record is: the file, and its line or number from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}"

    def and_(self, other: Place) -> str:
        """Two places."""
        same = f"{self.file}: lines {self.line} and {other.line}"
        return same if self.file == other.file else f"{self}, and {other}"


def load_questions(file: Path | Traversable | None = None) -> list[Question]:
    """The questions of a file or a folder, in their order; by default those of "sample".

    Raises:
        UserError: as `load`.
    """
    return list(load(file or sample_file("sample")).questions)


def sample_file(name: str) -> Traversable:
    """The file with the questions of one of the `SAMPLES`."""
    return files("ragops.demo").joinpath(SAMPLES[name])


def load(source: Path | Traversable) -> Loaded:
    """Reads a file or all files of a folder, which are one set. Blank lines and a byte order mark are ignored.

    Raises:
        UserError: there is no such file or it cannot be read, it is not UTF-8, a record is not a question, two have
            the same id, by which answers are compared, or two ask the same and disagree on what is right; names the
            file and the line.
    """
    chosen, beside = _contents(source) if isinstance(source, Path) else ({str(source): source.read_bytes()}, {})
    reader = PlainFormat(_read_sections(beside))
    found = [
        (place, _question(reader, place, values))
        for name, content in chosen.items()
        for place, values in _records(name, _decoded(name, content))
    ]
    notes = check_duplicates(found)
    if reader.ignored:
        notes.append(f"fields that are not read: {', '.join(sorted(reader.ignored))}")
    return Loaded(tuple(question for _, question in found), tuple(notes))


def check_duplicates(found: Sequence[tuple[Place, Question]]) -> list[str]:
    """Returns a note if questions are asked twice. Raises UserError as `load`."""
    ids: dict[str, Place] = {}
    asked: dict[tuple[str, ...], tuple[Place, Question]] = {}
    twice = 0
    for place, one in found:
        if (first := ids.setdefault(one.question_id, place)) is not place:
            raise UserError(
                f"{first.and_(place)} have the same question_id {one.question_id!r}; give each question its own"
            )
        if one.to_review:
            continue
        before, same = asked.setdefault(tuple(words(one.question)), (place, one))
        if before is place:
            continue
        twice += 1
        if right(same) != right(one):
            raise UserError(f"{before.and_(place)} ask the same, and differ in what answers it; keep one of them")
    return [f"{twice} questions are asked again with the same words"] if twice else []


def right(one: Question) -> tuple[object, ...]:
    """What makes an answer to the question right."""
    return (one.topic, one.anchor, one.answer, one.quotes, one.passages, one.documents, one.facts)


def _contents(source: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The set's files with their contents, and the file with the sections beside them, if there is one."""
    access = volume_files(source)
    is_file = source.suffix in SUFFIXES or (is_mounted(source) and source.is_file())
    try:
        chosen = [source]
        if not is_file:
            names = [one.name for one in access.list(source) if not one.is_folder]
            chosen = [source / one for one in names if Path(one).suffix in SUFFIXES and one != FILE]
            if not chosen:
                raise UserError(f"{source}: the folder has no question set ({', '.join(SUFFIXES)}); add one")
        contents = {str(path): access.read(path) for path in chosen}
    except PathNotFound as error:
        raise UserError(f"no file {source} ({error}); correct usecase.yml") from error
    beside = (source.parent if is_file else source) / FILE
    try:
        return contents, {str(beside): access.read(beside)}
    except PathNotFound:
        return contents, {}


def _read_sections(beside: Mapping[str, bytes]) -> Sections:
    for name, content in beside.items():
        try:
            return Sections.of(content, name)
        except ValueError as error:
            raise UserError(str(error)) from error
    return Sections()


def _decoded(name: str, content: bytes) -> str:
    """The text without the byte order mark that some editors write."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{name}, line {number}: not UTF-8; save the file as UTF-8") from error


def _records(name: str, text: str) -> Iterator[tuple[Place, object]]:
    if name.endswith(".csv"):
        rows = csv.DictReader(io.StringIO(text, newline=""))
        yield from ((Place(name, rows.line_num), _filled(row)) for row in rows)
    elif text.lstrip().startswith("["):
        whole = _parsed(Place(name, 1), text)
        assert isinstance(whole, list)
        yield from ((Place(name, number), one) for number, one in enumerate(whole, start=1))
    else:
        # Not splitlines: JSON strings may contain Unicode line separators.
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                yield Place(name, number), _parsed(Place(name, number), line)


def _filled(row: Mapping[str | None, Any]) -> dict[str, Any]:
    """A table's row without its empty cells, which say nothing."""
    return {str(name): value for name, value in row.items() if value not in ("", None)}


def _parsed(place: Place, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UserError(f"{place}: Invalid JSON ({error}); each line is one question as a JSON object") from error


def _question(reader: PlainFormat, place: Place, values: object) -> Question:
    if not isinstance(values, Mapping):
        raise UserError(f"{place}: it is {one_line(json.dumps(values), 60)}, and must be a JSON object; correct it")
    try:
        return reader.question(values)
    except ValueError as error:
        raise UserError(f"{place}: {error}") from error
