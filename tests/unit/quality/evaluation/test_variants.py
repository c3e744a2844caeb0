"""Which variants there are, and what the card becomes with one of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.ledger.ledger import KeptRows
from ragops.quality.evaluation.variants import FUSIONS, Variant, Watched, everyone, grid, labels
from ragops.usecase import load_usecase
from tests.support.evaluations import call

CARD = load_usecase(Path(__file__).parents[4] / "usecase.yml")
OWN = Variant.of_card(CARD)
NAMES = st.lists(st.sampled_from("abc"), max_size=3)


def test_the_cards_own_is_what_it_says() -> None:
    assert Variant("cite_or_abstain", "served", "weighted") == OWN


@given(NAMES, NAMES, st.lists(st.sampled_from(FUSIONS), max_size=3))
def test_a_grid_has_every_combination_once_and_the_cards_first(prompts, llms, fusions) -> None:
    found = grid(OWN, prompts, llms, fusions)
    assert found[0] == OWN and len(set(found)) == len(found)
    wanted = {
        Variant(p, m, f) for p in prompts or [OWN.prompt] for m in llms or [OWN.llm] for f in fusions or [OWN.fusion]
    }
    assert set(found) == wanted | {OWN}


@given(NAMES, NAMES, st.lists(st.sampled_from(FUSIONS), max_size=3))
def test_labels_tell_variants_apart(prompts, llms, fusions) -> None:
    found = grid(OWN, prompts, llms, fusions)
    assert len(set(labels(found))) == len(found)


def test_labels_name_only_what_differs() -> None:
    assert labels([OWN]) == ["cite_or_abstain"]
    assert labels(grid(OWN, fusions=["dense"])) == ["weighted", "dense"]
    assert labels(grid(OWN, ["brief"], ["quotes"])) == ["cite_or_abstain, served", "brief, quotes"]


def test_in_a_comparison_nobody_steps_in_and_nothing_comes_from_memory() -> None:
    card = Variant("brief", "quotes", "dense").applied(CARD)
    assert [one.name for one in card.models.chain()] == ["quotes"]
    assert (card.models.cache, card.prompts.answer, card.retrieval.fusion) == (0, "brief", "dense")
    assert CARD.models.answer.fallback  # the card itself is as it was


def test_everyone_is_in_all_groups_that_rules_name() -> None:
    rules = [{"path": "hr/**", "groups": ["hr", "board"]}, {"path": "legal/**", "groups": ["legal", "board"]}]
    corpus = type(CARD.corpus).model_validate(CARD.corpus.model_dump() | {"access": rules})
    assert everyone(CARD.model_copy(update={"corpus": corpus})) == ("board", "hr", "legal")
    assert everyone(CARD) == ()


def test_watched_rows_pass_on_and_are_taken_once() -> None:
    onward = KeptRows()
    watched, row = Watched(onward), call(3)
    watched.write(row)
    assert watched.taken() == (row,) and watched.taken() == ()
    assert onward.rows == [row]


@pytest.mark.parametrize("name", ["prompt", "llm", "fusion"])
def test_a_variant_says_all_its_names(name: str) -> None:
    assert getattr(OWN, name) in OWN.label
