from pathlib import Path

import pytest

from ragops.errors import UserError
from ragops.quality.datasets.leakage import evaluation_questions
from ragops.usecase import load_usecase

USE_CASE = Path(__file__).parents[2] / "usecase.yml"


def use_case_with(tmp_path: Path, old: str, new: str) -> Path:
    text = USE_CASE.read_text()
    assert old in text
    path = tmp_path / "usecase.yml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_bundles_use_case_is_valid() -> None:
    use_case = load_usecase(USE_CASE)
    assert use_case.chunking.embedded_tokens <= use_case.embedding.max_tokens
    assert len(evaluation_questions(use_case)) >= 150


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: python-reference", "nam: x", "name"),
        ("freshness_minutes: 60", "freshness_minutes: -1", "sla.freshness_minutes is -1"),
        ("embedded_tokens: 254", "embedded_tokens: 300", "above embedding.max_tokens"),
        ("source: maven:dev", "source: floppy:dev", "embedding.source is 'floppy:dev"),
        ("v2.onnx\n", "v2\n", "is not maven:GROUP:ARTIFACT:VERSION/FILE.onnx"),
        ("  pooling: mean\n", "", "set pooling: mean or pooling: cls"),
        ("at_least: 0.45", "at_least: 75", "success.0.at_least is 75"),
        ("classification: public", "classification: secret", "corpus.classification is 'secret'"),
        ("primary: served", "primary: nobody", "nobody"),
        ("context_tokens: 32_000", "context_tokens: 0", "models.known.0.openai_compatible.context_tokens is 0"),
        ("dense_weight: 0.6", "dense_weight: 7", "retrieval.dense_weight is 7"),
        ("  candidates: 50", "  k: 3\n  candidates: 50", "is not YAML: line "),
        (
            "languages: [en]",
            "languages: [en]\n  access: [{path: hr, groups: []}]",
            "access.0.groups: give at least 1",
        ),
    ],
)
def test_an_invalid_field_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        load_usecase(use_case_with(tmp_path, old, new))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_access_rule_for_an_unknown_group_is_refused(tmp_path: Path) -> None:
    rules = "languages: [en]\n  groups: [hr, legal]\n  access: [{path: 'hr/**', groups: [%s]}]"
    assert load_usecase(use_case_with(tmp_path, "languages: [en]", rules % "hr")).corpus.access[0].groups == ("hr",)
    with pytest.raises(UserError, match="group 'lega'.* did you mean legal"):
        load_usecase(use_case_with(tmp_path, "languages: [en]", rules % "lega"))


def test_a_teams_own_questions_are_validated(tmp_path: Path) -> None:
    path = use_case_with(tmp_path, "questions: sample", "questions: mine.jsonl")
    row = '{"question_id": "1", "question": "q?", "kind": "k", "topic": null, "anchor": null, "answer": null}'
    with pytest.raises(UserError, match="no file .*mine.jsonl"):
        evaluation_questions(load_usecase(path))
    (tmp_path / "mine.jsonl").write_text(row)
    assert evaluation_questions(load_usecase(path))[0].question == "q?"
    (tmp_path / "mine.jsonl").write_text(f"{row}\n{row.replace('q?', 'r?')}\n")
    with pytest.raises(UserError, match="mine.jsonl: lines 1 and 2 have the same question_id '1'; give each"):
        evaluation_questions(load_usecase(path))
    (tmp_path / "mine.jsonl").write_text("{}")
    with pytest.raises(UserError, match="^evaluation.questions: .*mine.jsonl, line 1: .*question"):
        evaluation_questions(load_usecase(path))


def test_an_evaluation_set_is_optional(tmp_path: Path) -> None:
    path = use_case_with(tmp_path, "questions: sample", "questions: null")
    assert evaluation_questions(load_usecase(path)) == []
