"""The chain of a batch: its fingerprint, and that it has no fallback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import PolicyError
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.questions import qualified
from ragops.usecase import UseCase, load_usecase
from tests.support.llms import models, scripted, served

PLACE = Workspace("spark_catalog", "rag")
USE_CASE = load_usecase(Path("usecase.yml"))


def fingerprint(use_case: UseCase, llm: str = "quotes") -> str:
    return Batch.of(PLACE, use_case, llm).fingerprint


def changed(**sections: object) -> UseCase:
    return USE_CASE.model_copy(update=sections)


def test_a_batch_has_no_fallback() -> None:
    use_case = changed(models=models("one", ["two"], scripted("one"), scripted("two")))
    assert [one.name for one in Batch.of(PLACE, use_case).use_case.models.chain()] == ["one"]
    assert [one.name for one in Batch.of(PLACE, use_case, "two").use_case.models.chain()] == ["two"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda: changed(answers=AnswerSettings(max_tokens=99)),
        lambda: changed(retrieval=USE_CASE.retrieval.model_copy(update={"k": 3})),
        lambda: changed(prompts=USE_CASE.prompts.model_copy(update={"answer": "brief"})),
        lambda: changed(embedding=USE_CASE.embedding.model_copy(update={"query_prompt": "Question: "})),
    ],
)
def test_what_can_change_an_answer_changes_the_fingerprint(edit: Callable[[], UseCase]) -> None:
    assert fingerprint(edit()) != fingerprint(USE_CASE) != fingerprint(USE_CASE, "smollm2")


def test_prices_limits_and_words_do_not() -> None:
    plain, dear = (changed(models=models("m", [], scripted("m", **more))) for more in ({}, {"price_per_second": 3}))
    assert fingerprint(plain, "m") == fingerprint(dear, "m")
    assert fingerprint(changed(problem="Another one.")) == fingerprint(USE_CASE)


def test_a_model_that_may_not_see_the_documents_is_refused_before_anything_is_read() -> None:
    corpus = USE_CASE.corpus.model_copy(update={"classification": "confidential"})
    with pytest.raises(PolicyError, match="Model m"):
        Batch.of(PLACE, changed(models=models("m", [], served("m")), corpus=corpus))


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UserError, match="model gpt: not in usecase.yml"):
        Batch.of(PLACE, USE_CASE, "gpt")


@pytest.mark.parametrize(
    ("name", "whole"),
    [("a", "`spark_catalog`.`rag`.`a`"), ("b.a", "`spark_catalog`.`b`.`a`"), ("c.b.a", "`c`.`b`.`a`")],
)
def test_a_table_is_found_in_the_schema_unless_it_names_another(name: str, whole: str) -> None:
    assert qualified(PLACE, name) == whole
