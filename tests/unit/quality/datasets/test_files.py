"""Question sets in files: what is read, and what is refused in one line with file and line."""

import json
from pathlib import Path
from typing import Any

import pytest

from ragops.errors import UserError
from ragops.quality.datasets.files import load, load_questions

ROW = '{"question_id": "%s", "question": "q\u2028r", "kind": "k", "topic": null, "anchor": null, "answer": null}'


def written(file: Path, *records: object) -> Path:
    file.write_text("".join(f"{json.dumps(one)}\n" for one in records), "utf-8")
    return file


def refusal(file: Path) -> str:
    with pytest.raises(UserError) as raised:
        load(file)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_blank_lines_and_a_byte_order_mark_are_ignored(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(f"\ufeff{ROW % 'a'}\r\n\n{ROW % 'b'}\n \n".encode())
    assert [(one.question_id, one.question) for one in load_questions(file)] == [("a", "q\u2028r"), ("b", "q\u2028r")]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (b"{bad", "line 3: Invalid JSON"),
        (b"[1]", "line 3: it is [1], and must be a JSON object"),
        ((ROW % "a").encode(), "lines 1 and 3 have the same question_id 'a'"),
        (b'{"question_id": "b", "answer": "x"}', "line 3: question: Field required"),
        (b'{"question": " ", "answer": "x"}', "line 3: question is empty"),
        (b'{"question": "What?"}', "line 3: it says neither what answers it nor that nothing does"),
        ((ROW % "é").encode("latin-1", "replace"), "line 3: not UTF-8"),
        (
            b'{"question": "What?", "expected_response": "a", "expected_facts": ["f"]}',
            "line 3: it has both an expected",
        ),
        (
            b'{"inputs": {"question": "Q?"}, "expectations": {"expected_response": "a", "expected_facts": ["f"]}}',
            "both",
        ),
        (b'{"question": "What?", "answer": "a", "ground_truth": "b"}', "line 3: answer and ground_truth say different"),
        (
            b'{"question": "What?", "answer": "a", "quots": ["x"]}',
            "line 3: field quots is not known; did you mean quote",
        ),
        (b'{"question": "What?", "answer": "a", "answerable": false}', "line 3: it is marked as having no answer"),
        (b'{"question": "What?", "answerable": "perhaps"}', "line 3: answerable is 'perhaps'; give true or false"),
        (
            b'{"question": "What?", "section_ids": ["s1"]}',
            "line 3: it names section s1, and there is no documents.jsonl",
        ),
    ],
)
def test_an_invalid_line_is_refused_by_its_number(tmp_path: Path, last: bytes, expected: str) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes((ROW % "a").encode() + b"\n\n" + last + b"\n")
    line = refusal(file)
    assert str(file) in line and expected in line


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"query": "Q?", "expected_response": "A."}, {"question": "Q?", "answer": "A."}),
        ({"user_input": "Q?", "reference": "A.", "reference_contexts": ["c"]}, {"answer": "A.", "passages": ("c",)}),
        ({"question": "Q?", "expected_facts": ["one", "two"]}, {"facts": ("one", "two"), "answer": None}),
        ({"question": "Q?", "quotes": "as it says"}, {"quotes": ("as it says",), "answer": None}),
        (
            {"id": 7, "question": "Q?", "answers": {"text": ["A."]}, "context": "c"},
            {"question_id": "7", "answer": "A."},
        ),
        ({"question": "Q?", "answer": "A.", "doc_ids": ["a.md", "b.md"]}, {"documents": ("a.md", "b.md")}),
        ({"question": "Q?", "is_impossible": True, "answers": []}, {"answerable": False}),
        ({"question": "Q?", "answer": None}, {"answerable": False, "has_gold": False}),
        ({"question": "Q?", "answer": "A."}, {"answerable": True, "has_gold": False}),
        ({"question": "Q?", "gold_text": "long"}, {"passages": ("long",), "answerable": True}),
        (
            {
                "inputs": {"messages": [{"role": "user", "content": "Q?"}]},
                "expectations": {
                    "expected_response": "A.",
                    "expected_retrieved_context": [{"doc_uri": "a.md", "content": "c"}],
                },
            },
            {"question": "Q?", "answer": "A.", "passages": ("c",), "documents": ("a.md",), "cluster": "a.md"},
        ),
    ],
)
def test_the_names_of_other_sets_are_known(tmp_path: Path, record: dict[str, Any], expected: dict[str, Any]) -> None:
    (found,) = load_questions(written(tmp_path / "set.jsonl", record))
    assert {name: getattr(found, name) for name in expected} == expected


def test_a_question_without_an_id_gets_one_from_its_words(tmp_path: Path) -> None:
    first, second = ({"question": text, "answer": "A."} for text in ("What is it?", "what IS it"))
    ids = [load_questions(written(tmp_path / "set.jsonl", one))[0].question_id for one in (first, second)]
    assert ids[0] == ids[1] and len(ids[0]) == 12
    assert "lines 1 and 2 have the same question_id" in refusal(written(tmp_path / "set.jsonl", first, second))


def test_one_question_with_two_right_answers_is_refused_and_asked_twice_is_noted(tmp_path: Path) -> None:
    first = {"id": "a", "question": "What is it?", "answer": "A."}
    again = first | {"id": "b", "question": "what is it"}
    assert load(written(tmp_path / "set.jsonl", first, again)).notes == (
        "1 questions are asked again with the same words",
    )
    other = again | {"answer": "B."}
    line = refusal(written(tmp_path / "set.jsonl", first, other))
    assert "set.jsonl: lines 1 and 2 ask the same, and differ in what answers it" in line


def test_fields_that_nothing_reads_are_named(tmp_path: Path) -> None:
    row = {"question": "Q?", "answer": "A.", "difficulty": 3, "retrieved_contexts": ["c"]}
    assert load(written(tmp_path / "set.jsonl", row)).notes == (
        "fields that are not read: difficulty, retrieved_contexts",
    )


def test_sections_are_looked_up_in_the_file_beside_the_set(tmp_path: Path) -> None:
    document = {
        "doc_id": "guide",
        "sections": [
            {"section_id": "guide#a", "heading": "Otters", "text": "Otters\n\n\nThey swim."},
            {"section_id": "guide#b", "heading": "Herons", "text": "Herons\n\nThey fly."},
        ],
    }
    written(tmp_path / "documents.jsonl", document)
    file = written(
        tmp_path / "set.jsonl", {"question": "Who?", "section_ids": ["guide#b", "guide#a"], "answer": "They."}
    )
    (found,) = load_questions(file)
    assert (found.passages, found.documents) == (("They fly.", "They swim."), ("guide",))
    assert [one.question for one in load_questions(tmp_path)] == ["Who?"], "the sections are no questions"
    unknown = refusal(written(file, {"question": "Who?", "section_ids": ["guide#c"], "answer": "They."}))
    assert "line 1: it names section guide#c, which documents.jsonl does not have" in unknown
    (tmp_path / "documents.jsonl").write_text("{}\nnot JSON\n")
    assert "documents.jsonl, line 2: is not a document with sections" in refusal(file)


def test_a_folder_is_one_set_of_all_its_files(tmp_path: Path) -> None:
    written(tmp_path / "b.jsonl", {"id": "b", "question": "B?", "answer": None})
    (tmp_path / "a.csv").write_text('id,question,answer,facts,answerable\na,A?,"An answer,\nlong",,\nc,C?,,,no\n')
    (tmp_path / "d.json").write_text('[{"id": "d", "question": "D?",\n "answer": "x"}]')
    (tmp_path / "README.md").write_text("Not a set.")
    found = load_questions(tmp_path)
    assert [(one.question_id, one.answerable) for one in found] == [
        ("a", True),
        ("c", False),
        ("b", False),
        ("d", True),
    ]
    assert found[0].answer == "An answer,\nlong"
    written(tmp_path / "e.jsonl", {"id": "b", "question": "E?", "answer": None})
    assert f"{tmp_path}/b.jsonl, line 1, and {tmp_path}/e.jsonl, line 1 have the same question_id 'b'" in refusal(
        tmp_path
    )


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "the folder has no question set" in refusal(tmp_path)
    assert "no file" in refusal(tmp_path / "none.jsonl")
