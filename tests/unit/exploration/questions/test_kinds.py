from pathlib import Path

import numpy as np
import pytest

from ragops.errors import UserError
from ragops.exploration.questions.kinds import KINDS, clusters, kind, languages, length, load_explored, name_clusters
from ragops.quality.datasets.files import load_questions
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[4]
USE_CASE = load_usecase(ROOT / "usecase.yml")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What does the otter eat?", "question"),
        ("how do I open a file", "question"),
        ("the otter eats what?", "question"),
        ("What does it eat and where does it sleep?", "multi-part"),
        ("Is it safe? Who says so?", "multi-part"),
        ("And on Sundays?", "follow-up"),
        ("what about the other one", "follow-up"),
        ("That one too?", "follow-up"),
        ("otter food", "keyword"),
        ("take head and tail off a sequence and gather everything between", "statement"),
        ("", "keyword"),
    ],
)
def test_the_kind_of_a_question(question: str, expected: str) -> None:
    assert kind(question) == expected
    assert expected in KINDS


def test_length_counts_words() -> None:
    assert length("What's a try-except block?") == 4


def test_words_with_marks_and_names_with_dots_are_one_word_each() -> None:
    assert length("हिन्दी की किताब") == 3
    assert length("str.format or utf-8, don't I?") == 5


def test_languages_are_counted() -> None:
    asked = ["Wie lange darf ich das Gerät laufen lassen, wenn es draußen friert?", "How do I open a file twice?", "?"]
    assert languages([*asked, asked[1]]) == {"en": 2, "de": 1, "unknown": 1}


def test_the_use_cases_questions_are_the_default() -> None:
    questions = load_explored(USE_CASE)
    assert len(questions) == len(load_questions())
    assert any(one.anchor is None for one in questions)


def test_questions_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"question": "a b", "user": "x"}\n\n{"question": "c", "anchor": "d e"}\n')
    assert [(one.question, one.anchor) for one in load_explored(USE_CASE, file)] == [("a b", None), ("c", "d e")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot read"),
        ('{"question": "a"}\n{"q": 1}\n', "line 2"),
        ("nonsense\n", "line 1"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_an_invalid_file_of_questions_is_refused(tmp_path: Path, content: str | bytes | None, expected: str) -> None:
    file = tmp_path / "log.jsonl"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=expected) as raised:
        load_explored(USE_CASE, file)
    assert str(file) in str(raised.value) and "\n" not in str(raised.value)


def test_clusters_are_named_by_their_characteristic_terms() -> None:
    questions = [f"how does the ferry sail {n}" for n in range(6)] + [f"how does soup taste {n}" for n in range(4)]
    vectors = np.array([[1, n / 100] for n in range(6)] + [[-1, n / 100] for n in range(4)], dtype=np.float32)
    found = name_clusters(questions, vectors)
    assert list(found.values()) == [6, 4]
    first, second = found
    assert "ferry" in first and "soup" in second


def test_few_questions_are_not_clustered() -> None:
    assert name_clusters(["a question"], np.ones((1, 2), dtype=np.float32)) == {}


def test_groups_have_their_members_and_may_have_no_words() -> None:
    questions = [f"where is the harbour {n}" for n in range(30)] + [f"who paints the crane {n}" for n in range(20)]
    vectors = np.array([[1.0, 0.0]] * 30 + [[0.0, 1.0]] * 20, np.float32)
    (first, harbour), (second, crane) = clusters(questions, vectors)
    assert ("harbour" in first, "crane" in second) == (True, True)
    assert (harbour.tolist(), crane.tolist()) == (list(range(30)), list(range(30, 50)))
    assert [name for name, _ in clusters(["?"] * 50, vectors)] == ["(no words)"] * 2
