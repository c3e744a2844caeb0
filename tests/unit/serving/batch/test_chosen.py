"""The chain of a batch: which one is chosen, its fingerprint, that it has no fallback, and its file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import PolicyError
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.batch.chosen import ChosenChain, registered_chain, working_copy
from ragops.serving.batch.questions import qualified
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.registered import CHAMPION, ChainVersion
from ragops.usecase import UseCase, load_usecase
from tests.support.llms import models, scripted, served

PLACE = Workspace("spark_catalog", "rag")
USE_CASE = load_usecase(Path("usecase.yml"))


def fingerprint(use_case: UseCase, llm: str = "quotes") -> str:
    return working_copy(PLACE, use_case, llm).fingerprint


def changed(**sections: object) -> UseCase:
    return USE_CASE.model_copy(update=sections)


def version(number: str, llm: str = "quotes") -> ChosenChain:
    label = ChainVersion(PLACE.registered("chain"), number)
    return ChosenChain.of(label, ChainConfiguration.of(PLACE, USE_CASE), USE_CASE.models.named(llm))


def test_a_batch_has_no_fallback() -> None:
    use_case = changed(models=models("one", ["two"], scripted("one"), scripted("two")))
    assert [one.name for one in working_copy(PLACE, use_case).use_case.models.chain()] == ["one"]
    assert [one.name for one in working_copy(PLACE, use_case, "two").use_case.models.chain()] == ["two"]


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


def test_every_registered_version_and_the_working_copy_have_answers_of_their_own() -> None:
    chains = [
        version("1"),
        version("1"),
        version("2"),
        version("1", "smollm2"),
        working_copy(PLACE, USE_CASE, "quotes"),
    ]
    prints = [chain.fingerprint for chain in chains]
    assert prints[0] == prints[1] and len(set(prints)) == 4


def test_a_model_of_the_bundle_s_files_can_answer_instead_of_the_chain_s_own() -> None:
    (other,) = models("big", [], scripted("big")).known
    label = ChainVersion("spark_catalog.rag.chain", "3")
    chosen = ChosenChain.of(label, ChainConfiguration.of(PLACE, USE_CASE), other)
    assert [one.name for one in chosen.use_case.models.chain()] == ["big"]
    assert chosen.use_case.models.quotes == USE_CASE.models.quotes


def test_a_model_that_may_not_see_the_documents_is_refused_before_anything_is_read() -> None:
    corpus = USE_CASE.corpus.model_copy(update={"classification": "confidential"})
    with pytest.raises(PolicyError, match="Model m"):
        working_copy(PLACE, changed(models=models("m", [], served("m")), corpus=corpus))


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(UserError, match="model gpt: not in usecase.yml"):
        working_copy(PLACE, USE_CASE, "gpt")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("chosen", [version("2", "smollm2"), working_copy(PLACE, USE_CASE, "quotes")])
def test_later_tasks_read_the_same_chain(chosen: ChosenChain, home: Path) -> None:
    name = chosen.save(PLACE)
    assert chosen.save(PLACE) == name
    read = ChosenChain.load(PLACE, name)
    assert (read, read.fingerprint, read.label) == (chosen, chosen.fingerprint, chosen.label)


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"name": "m"}'])
def test_a_file_that_is_gone_or_no_chain_is_one_line(content: bytes | None, home: Path) -> None:
    if content is not None:
        folder = PLACE.volume("ledger") / "batch_chains"
        folder.mkdir(parents=True)
        (folder / "a.json").write_bytes(content)
    with pytest.raises(UserError, match="run the whole job again") as raised:
        ChosenChain.load(PLACE, "a.json")
    assert "\n" not in str(raised.value)


def test_without_a_registry_there_is_no_champion_and_none_is_created(home: Path) -> None:
    assert registered_chain(PLACE, CHAMPION) is None
    with pytest.raises(UserError, match='no version 7; choose another, champion, or "working copy"'):
        registered_chain(PLACE, "7")
    assert not (home / "mlflow").exists()


@pytest.mark.parametrize(
    ("name", "whole"),
    [("a", "`spark_catalog`.`rag`.`a`"), ("b.a", "`spark_catalog`.`b`.`a`"), ("c.b.a", "`c`.`b`.`a`")],
)
def test_a_table_is_found_in_the_schema_unless_it_names_another(name: str, whole: str) -> None:
    assert qualified(PLACE, name) == whole
