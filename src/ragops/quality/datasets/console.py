"""Terminal output on question sets: what was measured, and what a set contains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from ragops.quality.datasets.question_set import QuestionSet

_SHOWN_IDS = 5


def about(found: QuestionSet) -> dict[str, Any]:
    """Source, version and size of a set, as JSON."""
    questions = found.questions
    return {
        "source": found.source,
        "version": found.version,
        "questions": len(questions),
        "answerable": sum(one.answerable for one in questions),
        "with_gold": sum(one.has_gold for one in questions),
        "to_review": found.to_review,
        "kinds": dict(found.kinds),
        "notes": list(found.notes),
    }


def show_measured(
    console: Console, found: QuestionSet, measured: int, in_no_passage: Sequence[str] | None = None
) -> None:
    """Prints which set was measured, in which version, and what to know of it.

    Args:
        console: where to.
        found: the set.
        measured: how many of its questions were.
        in_no_passage: ids of those that no search can answer; None if that is not known.
    """
    for line in _lines(found, measured, in_no_passage or ()):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _lines(found: QuestionSet, measured: int, in_no_passage: Sequence[str]) -> Iterator[str]:
    yield f"{found}, {measured:,} of them measured"
    if found.to_review:
        yield f"{found.to_review:,} questions are to be reviewed and are not measured"
    yield from found.notes
    if in_no_passage:
        shown = ", ".join(in_no_passage[:_SHOWN_IDS])
        more = f" and {len(in_no_passage) - _SHOWN_IDS:,} more" if len(in_no_passage) > _SHOWN_IDS else ""
        yield (
            f"{len(in_no_passage):,} questions cannot be answered: what answers them is in no passage of the index "
            f"({shown}{more}); correct the set, or refresh the index"
        )
