"""Candidates: accepted once, rejected for good, whichever reviewer is first and wherever a process was killed."""

import json
import threading
from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.quality.datasets.acceptance import check_new
from ragops.quality.datasets.candidates import (
    Candidate,
    Decision,
    Decisions,
    Seen,
    accept,
    candidate_id,
    drafted,
    find,
    reject,
)
from ragops.quality.datasets.files import load_questions
from ragops.quality.datasets.leakage import Shown
from ragops.quality.questions import Question

ASKED = "How do I open a file?"
CANDIDATE = Candidate(
    candidate_id(ASKED),
    ASKED,
    ("It is wrong.",),
    ("With close.",),
    (Seen("c1", True, "io.md", "open() opens."),),
    ("v1",),
)
FIELDS = {"answer": "With open.", "quotes": ["open() opens a file"]}


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return Decisions(tmp_path / "ledger")


def test_a_candidate_is_its_words() -> None:
    assert candidate_id("how do i OPEN a file") == candidate_id(ASKED) != candidate_id("How do I close a file?")
    assert candidate_id("?") != candidate_id("!")


def test_an_accepted_candidate_is_in_the_set_once(decisions: Decisions, tmp_path: Path) -> None:
    question = drafted(CANDIDATE, FIELDS)
    assert question.question_id == f"feedback-{CANDIDATE.candidate_id}" and question.kind == "feedback"
    assert accept(CANDIDATE, question, decisions, "set.jsonl", tmp_path, "me")
    assert not accept(CANDIDATE, question, decisions, "set.jsonl", tmp_path, "other")
    assert load_questions(tmp_path / "set.jsonl") == [question]
    decision = decisions.all()[CANDIDATE.candidate_id]
    assert (decision.decision, decision.who, decision.question) == ("accepted", "me", question)
    with pytest.raises(UserError, match="was accepted by me on .*; remove feedback-"):
        reject(CANDIDATE, decisions, "other")
    with pytest.raises(UserError, match="was accepted by me on .* with other words"):
        accept(CANDIDATE, drafted(CANDIDATE, FIELDS | {"answer": "Not so."}), decisions, "set.jsonl", tmp_path, "other")
    assert load_questions(tmp_path / "set.jsonl") == [question]


def test_a_rejected_candidate_does_not_come_back(decisions: Decisions, tmp_path: Path) -> None:
    reject(CANDIDATE, decisions, "me")
    reject(CANDIDATE, decisions, "me")
    with pytest.raises(UserError, match="was rejected by me on .*; a rejected one does not come back"):
        accept(CANDIDATE, drafted(CANDIDATE, FIELDS), decisions, "set.jsonl", tmp_path, "me")
    assert not (tmp_path / "set.jsonl").exists()
    assert decisions.all()[CANDIDATE.candidate_id].question is None


def test_to_accept_again_completes_what_a_killed_process_left(decisions: Decisions, tmp_path: Path) -> None:
    question = drafted(CANDIDATE, FIELDS)
    accept(CANDIDATE, question, decisions, "set.jsonl", tmp_path, "me")
    (tmp_path / "set.jsonl").unlink()  # as if killed between decision and set
    assert accept(CANDIDATE, question, decisions, "set.jsonl", tmp_path, "me")
    assert load_questions(tmp_path / "set.jsonl") == [question]


@pytest.mark.parametrize("left", [b"", b'{"candidate_id": "', b"\0\0\0"])
def test_the_beginning_of_a_decision_does_not_count(decisions: Decisions, tmp_path: Path, left: bytes) -> None:
    folder = tmp_path / "ledger" / "candidates"
    folder.mkdir(parents=True)
    (folder / f"{CANDIDATE.candidate_id}.json").write_bytes(left)
    assert decisions.all() == {}
    reject(CANDIDATE, decisions, "me")
    assert decisions.all()[CANDIDATE.candidate_id].decision == "rejected"


def test_of_two_at_the_same_time_one_decides(decisions: Decisions, tmp_path: Path) -> None:
    question = drafted(CANDIDATE, FIELDS)
    start = threading.Barrier(8)

    def decide(number: int) -> None:
        start.wait()
        try:
            if number % 2:
                accept(CANDIDATE, question, decisions, "sets", tmp_path, f"{number}")
            else:
                reject(CANDIDATE, decisions, f"{number}")
        except UserError:
            pass

    (tmp_path / "sets").mkdir()
    threads = [threading.Thread(target=decide, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (decision,) = decisions.all().values()
    assert len(list((tmp_path / "sets").iterdir())) == (decision.decision == "accepted")


def test_a_set_that_cannot_be_added_to_leaves_no_decision(decisions: Decisions, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sample cannot be added to"):
        accept(CANDIDATE, drafted(CANDIDATE, FIELDS), decisions, "sample", tmp_path, "me")
    assert decisions.all() == {}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "says neither what answers it"),
        ({"answer": "a", "facts": ["b"]}, "both"),
        ({"answer": "a", "answerable": False}, "marked as having no answer"),
        ({"answr": "a"}, "did you mean answer"),
    ],
)
def test_a_draft_that_says_too_little_or_too_much_is_refused(fields: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=f"candidate {CANDIDATE.candidate_id}: .*{line}"):
        drafted(CANDIDATE, fields)


def test_better_words_and_no_answer_are_possible() -> None:
    question = drafted(CANDIDATE, {"question": "How is a file opened?", "answerable": False})
    assert (question.question, question.answerable) == ("How is a file opened?", False)


def test_candidates_are_found_by_the_first_digits() -> None:
    other = Candidate("f" * 12, "Q?", (), (), (), ())
    assert find([CANDIDATE, other], CANDIDATE.candidate_id[:5]) is CANDIDATE
    with pytest.raises(UserError, match="2 candidates begin so"):
        find([CANDIDATE, other], "")
    with pytest.raises(UserError, match="candidate zz: does not exist"):
        find([CANDIDATE, other], "zz")


def test_a_decision_is_one_line_of_json(decisions: Decisions, tmp_path: Path) -> None:
    reject(CANDIDATE, decisions, "me")
    (file,) = (tmp_path / "ledger" / "candidates").iterdir()
    content = file.read_text()
    assert content.endswith("\n") and content.count("\n") == 1
    assert Decision.model_validate_json(content).candidate_id == json.loads(content)["candidate_id"]


def test_what_would_spoil_a_set_is_refused() -> None:
    question = drafted(CANDIDATE, FIELDS)
    passages = [("Here open() opens a file.", "io.md")]
    check_new(question, [question], [], passages)
    near = Question(question_id="q7", question="So how do I open a file?", answer="a")
    with pytest.raises(UserError, match="q7 of the set asks nearly the same"):
        check_new(question, [near], [], passages)
    with pytest.raises(UserError, match="template x"):
        check_new(question, [], [Shown("template x", ASKED)], passages)
    with pytest.raises(UserError, match="is in no passage of the index"):
        check_new(question, [], [], [("Something else entirely.", "io.md")])
