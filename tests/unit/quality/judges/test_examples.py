"""Corrected cases as examples: the file, the version, and which of them a case sees."""

import json
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.quality.judges.examples import (
    SHOWN,
    CorrectedCases,
    check_examples,
    corrected,
    examples_file,
    keep_examples,
    kept_examples,
)
from ragops.quality.judges.judge import NO_EXAMPLES, Example, Judge
from tests.support.judging import item, judges_at
from tests.support.reviews import a_judgment

ALL: dict[str, Judge] = {judge.name: judge for judge in judges_at("http://127.0.0.1:9").judges}
EXAMPLES = tuple(
    Example(item(number, question=f"What about {word}?", cluster=word), ("no", "no"), "It is not said.")
    for number, word in enumerate(("zebras", "yachts", "violins", "umbrellas", "tractors"))
)


def test_what_is_kept_is_read_again_as_the_same_version(tmp_path: Path) -> None:
    cases = CorrectedCases(EXAMPLES)
    file = keep_examples(tmp_path, "groundedness", cases)
    assert file == examples_file(tmp_path, "groundedness")
    again = kept_examples(tmp_path, "groundedness")
    assert again.version == cases.version
    case = item(9, question="What about violas?", cluster="other")
    assert [one.item.question for one in again.near(case)] == [one.item.question for one in cases.near(case)]
    assert kept_examples(tmp_path, "correctness") == NO_EXAMPLES


def test_the_nearest_cases_are_shown_the_nearest_last() -> None:
    found = CorrectedCases(EXAMPLES).near(item(9, question="What about violins and violas?", cluster="other"))
    assert len(found) == SHOWN and found[-1].item.cluster == "violins"


def test_a_case_of_the_same_cluster_or_question_is_not_shown() -> None:
    cases = CorrectedCases(EXAMPLES)
    same_cluster = cases.near(item(9, question="Anything else?", cluster="zebras"))
    same_question = cases.near(item(9, question="What about zebras", cluster="other"))
    assert "zebras" not in {one.item.cluster for one in (*same_cluster, *same_question)}


@pytest.mark.parametrize(
    ("judge", "good", "details", "verdicts"),
    [
        ("context_relevance", False, ["yes", "no", "no"], ("no", "no", "no")),
        ("context_relevance", True, ["no", "no", "partly"], ("yes", "yes", "partly")),  # it cites 1 and 2
        ("groundedness", True, ["no", "no"], ("yes", "yes")),
        ("groundedness", False, ["yes", "partly"], ("no", "no")),
        ("answer_relevance", False, None, ("no",)),
        ("correctness", True, None, ("yes",)),
    ],
)
def test_a_corrected_case_has_the_verdicts_of_people(
    judge: str, good: bool, details: list[str] | None, verdicts: tuple[str, ...]
) -> None:
    said = a_judgment("resp_1", not good, details=json.dumps(details) if details else None)
    found = corrected(ALL[judge], item(1), said, good, None)
    assert found.verdicts == verdicts
    assert found.reason


def test_a_comment_is_the_reason_in_one_line() -> None:
    found = corrected(ALL["correctness"], item(1), a_judgment("resp_1"), False, f"It says\nnine. {'x' * 300}")
    assert found.reason.startswith("It says nine. ") and len(found.reason) == 160


@pytest.mark.parametrize("content", ["{", '{"question": "q"}', "[]", b"\xff"])
def test_a_wrong_file_is_an_error_in_one_line(tmp_path: Path, content: str | bytes) -> None:
    file = keep_examples(tmp_path, "groundedness", CorrectedCases(EXAMPLES))
    more = content if isinstance(content, bytes) else content.encode()
    file.write_bytes(file.read_bytes() + more)
    with pytest.raises(UserError, match="ragops judges align groundedness") as raised:
        kept_examples(tmp_path, "groundedness")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("verdicts", [["no"], ["no", "no", "no"], ["no", "never"]])
def test_verdicts_that_the_judge_does_not_give_are_an_error(tmp_path: Path, verdicts: list[str]) -> None:
    file = keep_examples(tmp_path, "groundedness", CorrectedCases(EXAMPLES[:1]))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"verdicts": verdicts}))
    judge = judges_at("http://127.0.0.1:9", "groundedness", examples=kept_examples(tmp_path, "groundedness")).judges[0]
    with pytest.raises(UserError, match="line 1: verdicts must be 2 of yes, partly, no"):
        check_examples(judge, tmp_path)
