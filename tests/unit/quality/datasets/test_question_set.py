"""The set that the use case names, and its version: of what is measured, however it is stored."""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.errors import UserError
from ragops.quality.datasets.files import load_questions
from ragops.quality.datasets.mlflow_dataset import as_record
from ragops.quality.datasets.question_set import QuestionSet, open_set, version_of
from ragops.quality.questions import Question
from ragops.usecase import UseCase, load_usecase

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(str.strip)
lists = st.lists(texts, max_size=2).map(tuple)
answers = st.fixed_dictionaries({"answer": texts}, optional={"quotes": lists, "passages": lists, "documents": lists})
questions = st.lists(
    st.builds(lambda question, gold: Question(question_id=question, question=question, **gold), texts, answers),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.question,
)
FIELDS = ("question", "anchor", "topic", "answer", "quotes", "passages", "documents")


def use_case_with(named: str | None) -> UseCase:
    own = load_usecase(Path("usecase.yml"))
    return own.model_copy(update={"evaluation": own.evaluation.model_copy(update={"questions": named})})


@given(questions, st.randoms())
def test_the_order_does_not_matter(asked: list[Question], random: Random) -> None:
    other = list(asked)
    random.shuffle(other)
    assert version_of(other) == version_of(asked)
    assert len(version_of(asked)) == 12


@given(questions, st.data())
def test_a_change_of_what_is_measured_changes_the_version(asked: list[Question], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(asked) - 1))
    name = data.draw(st.sampled_from(FIELDS))
    value = getattr(asked[at], name)
    other = (*value, "more") if isinstance(value, tuple) else f"{value} more"
    changed = [*asked[:at], asked[at].model_copy(update={name: other}), *asked[at + 1 :]]
    assert version_of(changed) != version_of(asked)
    assert version_of([*asked[:at], *asked[at + 1 :]]) != version_of(asked)


@given(questions)
def test_what_is_not_measured_does_not(asked: list[Question]) -> None:
    other = [one.model_copy(update={"kind": "k", "source_chunks": ("c",), "feedback": {"who": "me"}}) for one in asked]
    assert version_of(other) == version_of(asked)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", ["jsonl", "json", "csv", "mlflow"])
def test_the_file_format_does_not_matter(tmp_path: Path, suffix: str, end: str) -> None:
    asked = [
        Question(question_id="a", question="What, ünï?", answer="One\ntwo", quotes=("q1", "q2")),
        Question(question_id="b", question="Why?"),
    ]
    file = tmp_path / f"set.{suffix.replace('mlflow', 'jsonl')}"
    rows = [one.model_dump(mode="json", exclude_defaults=True) | {"answerable": one.answerable} for one in asked]
    if suffix == "csv":
        text = (
            f'question_id,question,answer,quotes,answerable{end}a,"What, ünï?","One{end}two","[""q1"", ""q2""]",{end}'
        )
        text += f"b,Why?,,,false{end}"
    elif suffix == "json":
        text = json.dumps(rows, indent=1).replace("\n", end)
    else:
        records = [as_record(one) for one in asked] if suffix == "mlflow" else rows
        text = "".join(f"{json.dumps(one)}{end}" for one in records)
    file.write_bytes(text.encode())
    assert load_questions(file) == asked
    assert version_of(load_questions(file)) == version_of(asked)


def test_a_set_says_what_it_is() -> None:
    found = open_set(use_case_with("sample"))
    assert (len(found.questions), found.source) == (304, "sample")
    assert found.version == version_of(found.questions)
    assert sum(found.kinds.values()) == 304
    assert open_set(use_case_with("sample_same_words")).version != found.version
    assert open_set(use_case_with(None)) == QuestionSet()


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.jsonl").write_text("\n")
    with pytest.raises(UserError, match="^evaluation.questions: .*set.jsonl has no questions; add some"):
        open_set(use_case_with(str(tmp_path / "set.jsonl")))


def test_questions_to_review_are_counted_and_not_measured(tmp_path: Path) -> None:
    rows = [{"question": "A?", "to_review": True}, {"question": "B?", "answer": "b"}]
    (tmp_path / "set.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in rows))
    found = open_set(use_case_with(str(tmp_path / "set.jsonl")))
    assert ([one.question for one in found.questions], found.to_review) == (["B?"], 1)
