"""What a question must be before it joins a set: new, in no prompt's examples, and answered by the documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ragops.errors import UserError
from ragops.quality.datasets.leakage import Shown, refuse_leaks
from ragops.quality.datasets.wordings import Wordings
from ragops.quality.gold import in_no_passage
from ragops.quality.questions import Question


def check_new(
    question: Question, known: Sequence[Question], shown: Iterable[Shown], passages: Iterable[tuple[str, str]]
) -> None:
    """Refuses a question that would spoil a set.

    Args:
        question: the new one.
        known: the questions of the set; the same one does not count.
        shown: examples that models are shown.
        passages: text and path of all passages of the index.

    Raises:
        UserError: one of the set asks nearly the same, an example does, or what answers it is in no passage.
    """
    others = Wordings((one.question_id, one.question) for one in known if one.question_id != question.question_id)
    if near := others.near(question.question):
        raise UserError(
            f"question {question.question_id}: {near[0]} of the set asks nearly the same ({near[1]!r}); ask something "
            "else, or reject it"
        )
    refuse_leaks([question], shown)
    if in_no_passage([question], passages):
        raise UserError(
            f"question {question.question_id}: what answers it is in no passage of the index; copy the quote word for "
            "word from a document, or name the document"
        )
