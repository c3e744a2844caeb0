"""Which variants there are, and what the use case becomes with one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.quality.evaluation.variants import FUSIONS, RecordingSink, Variant, everyone, labels, variant_grid
from tests.support.evaluations import USE_CASE, call

OWN = Variant.of_use_case(USE_CASE)
NAMES = st.lists(st.sampled_from("abc"), max_size=3)


def test_the_use_cases_variant_has_the_names_in_usecase_yml() -> None:
    assert Variant("cite_or_abstain", "served", "weighted") == OWN


@given(NAMES, NAMES, st.lists(st.sampled_from(FUSIONS), max_size=3))
def test_a_grid_has_every_combination_once_and_the_use_cases_first(prompts, llms, fusions) -> None:
    found = variant_grid(OWN, prompts, llms, fusions)
    assert found[0] == OWN and len(set(found)) == len(found)
    wanted = {
        Variant(p, m, f) for p in prompts or [OWN.prompt] for m in llms or [OWN.llm] for f in fusions or [OWN.fusion]
    }
    assert set(found) == wanted | {OWN}


@given(NAMES, NAMES, st.lists(st.sampled_from(FUSIONS), max_size=3))
def test_variant_labels_are_unique(prompts, llms, fusions) -> None:
    found = variant_grid(OWN, prompts, llms, fusions)
    assert len(set(labels(found))) == len(found)


def test_labels_name_only_what_differs() -> None:
    assert labels([OWN]) == ["cite_or_abstain"]
    assert labels(variant_grid(OWN, fusions=["dense"])) == ["weighted", "dense"]
    assert labels(variant_grid(OWN, ["brief"], ["quotes"])) == ["cite_or_abstain, served", "brief, quotes"]


def test_a_variant_has_no_fallback_models_and_no_cached_answers() -> None:
    use_case = Variant("brief", "quotes", "dense").applied(USE_CASE)
    assert [one.name for one in use_case.models.chain()] == ["quotes"]
    assert (use_case.models.cache, use_case.prompts.answer, use_case.retrieval.fusion) == (0, "brief", "dense")
    assert USE_CASE.models.answer.fallback  # the use case itself is as it was


def test_everyone_has_all_groups_that_access_rules_name() -> None:
    rules = [{"path": "hr/**", "groups": ["hr", "board"]}, {"path": "legal/**", "groups": ["legal", "board"]}]
    corpus = type(USE_CASE.corpus).model_validate(USE_CASE.corpus.model_dump() | {"access": rules})
    assert everyone(USE_CASE.model_copy(update={"corpus": corpus})) == ("board", "hr", "legal")
    assert everyone(USE_CASE) == ()


def test_a_recording_sink_passes_rows_on_and_gives_them_once() -> None:
    onward = MemorySink()
    sink, row = RecordingSink(onward), call(3)
    sink.write(row)
    assert sink.take() == (row,) and sink.take() == ()
    assert onward.rows == [row]


@pytest.mark.parametrize("name", ["prompt", "llm", "fusion"])
def test_a_label_contains_all_names(name: str) -> None:
    assert getattr(OWN, name) in OWN.label
