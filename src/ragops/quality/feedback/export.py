"""Verdicts as files: a question set to be completed by a person, or a table for a spreadsheet."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from ragops.errors import UserError
from ragops.platform.console import plain_text
from ragops.quality.feedback.review import Passage, Reviewed
from ragops.quality.questions import Question

KIND = "feedback"
"""The kind of a question that comes from a verdict."""
# What a spreadsheet would run as a formula, also after white space and in full width.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def check_format(file: Path) -> None:
    """Raises UserError if the file's name does not say its format."""
    if file.suffix not in (".jsonl", ".csv"):
        raise UserError(f"{file}: the format is not known; end the name in .jsonl for a question set, or in .csv")


def export_verdicts(found: Iterable[Reviewed], file: Path) -> int:
    """Writes verdicts to a file: .jsonl is a question set to be completed, .csv a table for a spreadsheet.

    Returns:
        Their number. A question set has only those whose question is known.

    Raises:
        UserError: the file's name ends otherwise, or it cannot be written.
    """
    check_format(file)
    # With a byte order mark, without which Excel reads a CSV file in a code page.
    write, encoding = (_cells, "utf-8-sig") if file.suffix == ".csv" else (_lines, "utf-8")
    try:
        with file.open("w", encoding=encoding, newline="") as out:
            return write(found, out)
    except OSError as error:
        raise UserError(f"{file}: cannot be written ({error.strerror}); give another path") from error


def as_question(one: Reviewed) -> Question:
    """The verdict as a question to be completed: what answers it is for a person to say."""
    return Question(
        question_id=one.verdict_id,
        question=one.question or "",
        kind=KIND,
        topic=None,
        anchor=None,
        answer=None,
        to_review=True,
        feedback={name: value for name, value in one.as_json().items() if name not in ("verdict_id", "question")},
    )


def _lines(found: Iterable[Reviewed], out: TextIO) -> int:
    count = 0
    for one in found:
        if one.question:
            out.write(f"{json.dumps(as_question(one).model_dump(mode='json'), ensure_ascii=False)}\n")
            count += 1
    return count


def _cells(found: Iterable[Reviewed], out: TextIO) -> int:
    writer = csv.writer(out)
    names = list(Reviewed.__dataclass_fields__)
    writer.writerow(names)
    count = 0
    for one in found:
        count += 1
        values = one.as_json() | {"passages": "\n".join(_source(passage) for passage in one.passages)}
        writer.writerow([_cell(values[name]) for name in names])
    return count


def _source(passage: Passage) -> str:
    return f"{passage.path or '(removed)'} {passage.chunk_id}{' (cited)' if passage.cited else ''}"


def _cell(value: object) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    text = plain_text("" if value is None else str(value))
    return f"'{text}" if _FORMULA.match(text) else text
