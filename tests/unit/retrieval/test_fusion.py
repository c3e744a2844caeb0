from hypothesis import given
from hypothesis import strategies as st

from ragops.retrieval.fusion import reciprocal_rank_fusion

RANKINGS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=3)


def test_an_item_high_in_both_wins() -> None:
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]])
    assert [item for item, _ in fused] == ["b", "a", "d", "c"]
    assert fused[0][1] == 1 / 62 + 1 / 61


@given(RANKINGS)
def test_every_item_comes_once_and_scores_fall(rankings: list[list[str]]) -> None:
    fused = reciprocal_rank_fusion(rankings)
    assert {item for item, _ in fused} == {item for ranking in rankings for item in ranking}
    assert len(fused) == len({item for item, _ in fused})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)


@given(st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_one_ranking_keeps_its_order(ranking: list[str]) -> None:
    assert [item for item, _ in reciprocal_rank_fusion([ranking, []])] == ranking
