from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.retrieval.settings import Rerank, RerankModel, RetrievalSettings
from ragops.quality.evaluation.settings_grid import grid, label

RERANK = Rerank(model=RerankModel(name="m", source="hub:a/b"))
CARDS = st.builds(
    RetrievalSettings,
    fusion=st.sampled_from(["dense", "lexical", "reciprocal_rank", "weighted"]),
    dense_weight=st.sampled_from([0.5, 0.65, 0.7]),
    rerank=st.none() | st.just(RERANK),
    mmr=st.none() | st.just(0.4),
    duplicates=st.none() | st.just(0.8),
    neighbours=st.integers(0, 2),
)


@given(CARDS)
def test_the_use_case_s_settings_are_compared_with_others_each_once(use_case: RetrievalSettings) -> None:
    settings = grid(use_case)
    assert use_case in settings
    assert len(settings) == len(set(settings))
    assert {one.fusion for one in settings} == {"dense", "lexical", "reciprocal_rank", "weighted"}
    assert any(one.rerank != use_case.rerank for one in settings) is (use_case.rerank is not None)


@given(CARDS)
def test_labels_tell_them_apart(use_case: RetrievalSettings) -> None:
    settings = grid(use_case)
    labels = [label(one, use_case) for one in settings]
    assert len(set(labels)) == len(labels)
    assert "," not in label(use_case, use_case)
