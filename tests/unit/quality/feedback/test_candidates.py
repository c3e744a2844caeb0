"""Candidates from verdicts: thumbs down with a comment, of each question one."""

from dataclasses import replace

from ragops.quality.feedback.candidates import candidates_of
from ragops.quality.feedback.review import Passage, Reviewed
from tests.support.feedback import reviewed

NEWEST = reviewed(verdict_id="v1", comment="Wrong.", passages=(Passage("c1", True, "io.md", "open() opens"),))


def ids(found: list[Reviewed]) -> list[tuple[str, ...]]:
    return [one.verdict_ids for one in candidates_of(found)]


def test_only_a_thumbs_down_with_a_comment_on_a_known_answer_is_a_candidate() -> None:
    others = [
        replace(NEWEST, verdict="up"),
        replace(NEWEST, comment=None),
        replace(NEWEST, question=None),
        replace(NEWEST, question=" "),
    ]
    assert ids([NEWEST, *others]) == [("v1",)]


def test_verdicts_on_one_question_are_one_candidate() -> None:
    older = replace(
        NEWEST,
        verdict_id="v0",
        question="how do i open a FILE",
        comment="Still wrong.",
        answer="With close.",
        passages=(Passage("c2", False, None, None), Passage("c1", True, "io.md", "open() opens")),
    )
    other = replace(NEWEST, verdict_id="v2", question="Who are you?")
    first, second = candidates_of([NEWEST, other, older])
    assert first.verdict_ids == ("v1", "v0") and second.verdict_ids == ("v2",)
    assert first.question == "how do i open a FILE"
    assert first.comments == ("Wrong.", "Still wrong.")
    assert first.answers == (NEWEST.answer, "With close.")
    assert [one.chunk_id for one in first.passages] == ["c2", "c1"]
