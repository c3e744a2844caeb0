import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ragops.answers.retrieval.ranking import (
    distinct,
    fuse,
    marginal_relevance,
    reciprocal_rank_fusion,
    weighted_fusion,
)
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.index.stores.interface import Hit

RANKINGS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=3)
SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 50).map(lambda number: round(number, 3)))
HITS = SCORES.map(lambda scores: sorted((Hit(i, s) for i, s in scores.items()), key=lambda hit: -hit.score))
WEIGHTS = st.floats(0, 1)
TEXTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=6).map(" ".join), max_size=6)


def test_an_item_ranked_high_in_both_wins() -> None:
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]])
    assert [item for item, _ in fused] == ["b", "a", "d", "c"]
    assert fused[0][1] == 1 / 62 + 1 / 61


@given(RANKINGS)
def test_every_item_appears_once_by_falling_score(rankings: list[list[str]]) -> None:
    fused = reciprocal_rank_fusion(rankings)
    assert {item for item, _ in fused} == {item for ranking in rankings for item in ranking}
    assert len(fused) == len({item for item, _ in fused})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_one_ranking_keeps_its_order(ranking: list[str]) -> None:
    assert [item for item, _ in reciprocal_rank_fusion([ranking, []])] == ranking


def test_scores_are_scaled_before_they_are_weighted() -> None:
    dense, lexical = [Hit("a", 0.9), Hit("b", 0.7), Hit("c", 0.5)], [Hit("b", 40.0), Hit("d", 10.0)]
    fused = dict(weighted_fusion(dense, lexical, 0.75))
    assert fused == pytest.approx({"a": 0.75, "b": 0.75 * 0.5 + 0.25, "c": 0.0, "d": 0.25 * 0.25})


@given(HITS, HITS, WEIGHTS)
def test_weighted_fusion_scores_each_item_from_0_to_1(dense: list[Hit], lexical: list[Hit], weight: float) -> None:
    fused = weighted_fusion(dense, lexical, weight)
    assert sorted(item for item, _ in fused) == sorted({hit.text_hash for hit in (*dense, *lexical)})
    assert all(0 <= score <= 1 + 1e-9 for _, score in fused)
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)


@given(HITS, HITS, WEIGHTS, st.floats(0.1, 10), st.floats(-3, 3))
def test_weighted_fusion_does_not_depend_on_the_scale_of_scores(
    dense: list[Hit], lexical: list[Hit], weight: float, scale: float, shift: float
) -> None:
    """BM25 scores have a zero of their own, cosines do not."""
    words = [Hit(hit.text_hash, hit.score * scale) for hit in lexical]
    cosines = [Hit(hit.text_hash, hit.score * scale + shift) for hit in dense]
    one, two = dict(weighted_fusion(dense, lexical, weight)), dict(weighted_fusion(cosines, words, weight))
    assert one == pytest.approx(two, abs=1e-6)


@given(HITS, HITS)
def test_full_weight_on_one_search_gives_its_order(dense: list[Hit], lexical: list[Hit]) -> None:
    fused = dict(weighted_fusion(dense, lexical, 1.0))
    scores = [fused[hit.text_hash] for hit in dense]
    assert scores == sorted(scores, reverse=True)
    assert all(fused[hit.text_hash] == 0 for hit in lexical if hit.text_hash not in {one.text_hash for one in dense})


def test_settings_choose_the_fusion() -> None:
    dense, lexical = [Hit("a", 0.9), Hit("b", 0.1)], [Hit("b", 9.0)]
    chosen = {
        fusion: [i for i, _ in fuse(dense, lexical, RetrievalSettings(fusion=fusion, dense_weight=0.4))]
        for fusion in ("dense", "lexical", "reciprocal_rank", "weighted")
    }
    assert chosen == {"dense": ["a", "b"], "lexical": ["b"], "reciprocal_rank": ["b", "a"], "weighted": ["b", "a"]}


def test_near_duplicates_of_an_earlier_text_are_dropped() -> None:
    long = "the quick brown fox jumps over the lazy dog and then it runs away from the other animals there"
    assert distinct([long, "something else entirely", long.upper() + "!", f"{long} now"], 0.9, 9) == [0, 1]
    assert distinct([long, f"{long} now"], 1.0, 9) == [0, 1]


def test_texts_shorter_than_a_shingle_are_compared_as_a_whole() -> None:
    assert distinct(["one two", "one two!", "two one", "", "..."], 0.9, 9) == [0, 2, 3]


@given(TEXTS, st.floats(0.1, 1))
def test_every_dropped_text_repeats_a_kept_one(texts: list[str], threshold: float) -> None:
    kept = distinct(texts, threshold, len(texts) + 1)
    assert kept == sorted(set(kept))
    assert distinct([texts[i] for i in kept], threshold, 99) == list(range(len(kept)))
    for number in set(range(len(texts))) - set(kept):
        earlier = [texts[i] for i in kept if i < number]
        assert distinct([*earlier, texts[number]], threshold, 99) == list(range(len(earlier)))


def test_full_weight_on_relevance_keeps_the_order_and_less_prefers_distant_items() -> None:
    vectors = np.array([[1, 0], [0.99, 0.1], [0, 1]], dtype=np.float32)
    assert marginal_relevance([3.0, 2.0, 1.0], vectors, 1.0, 3) == [0, 1, 2]
    assert marginal_relevance([3.0, 2.0, 1.0], vectors, 0.3, 2) == [0, 2]
    assert marginal_relevance([], np.zeros((0, 2), dtype=np.float32), 0.5, 2) == []


@given(arrays(np.float32, (5, 3), elements=st.floats(-1, 1, width=32)), st.floats(0, 1), st.integers(0, 7))
def test_each_item_is_chosen_once_and_a_smaller_k_gives_a_prefix(vectors: np.ndarray, weight: float, k: int) -> None:
    scores = [5.0, 4.0, 3.0, 2.0, 1.0]
    chosen = marginal_relevance(scores, vectors, weight, k)
    assert len(chosen) == len(set(chosen)) == min(k, 5)
    assert chosen == marginal_relevance(scores, vectors, weight, 5)[:k]
