import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ragops.answers.retrieval.diversity import distinct, marginal_relevance

TEXTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=6).map(" ".join), max_size=6)


def test_near_identical_texts_are_dropped_for_the_first() -> None:
    long = "the quick brown fox jumps over the lazy dog and then it runs away from the other animals there"
    assert distinct([long, "something else entirely", long.upper() + "!", f"{long} now"], 0.9) == [0, 1]
    assert distinct([long, f"{long} now"], 1.0) == [0, 1]


def test_short_texts_are_compared_whole() -> None:
    assert distinct(["one two", "one two!", "two one", "", "..."], 0.9) == [0, 2, 3]


@given(TEXTS, st.floats(0.1, 1))
def test_what_is_dropped_repeats_something_kept(texts: list[str], threshold: float) -> None:
    kept = distinct(texts, threshold)
    assert kept == sorted(set(kept))
    assert distinct([texts[i] for i in kept], threshold) == list(range(len(kept)))
    for number in set(range(len(texts))) - set(kept):
        earlier = [texts[i] for i in kept if i < number]
        assert distinct([*earlier, texts[number]], threshold) == list(range(len(earlier)))


def test_relevance_alone_keeps_the_order_and_difference_takes_the_far_one() -> None:
    vectors = np.array([[1, 0], [0.99, 0.1], [0, 1]], dtype=np.float32)
    assert marginal_relevance([3.0, 2.0, 1.0], vectors, 1.0, 3) == [0, 1, 2]
    assert marginal_relevance([3.0, 2.0, 1.0], vectors, 0.3, 2) == [0, 2]
    assert marginal_relevance([], np.zeros((0, 2), dtype=np.float32), 0.5, 2) == []


@given(arrays(np.float32, (5, 3), elements=st.floats(-1, 1, width=32)), st.floats(0, 1), st.integers(0, 7))
def test_each_is_chosen_once_and_a_shorter_choice_is_the_longer_s_beginning(
    vectors: np.ndarray, weight: float, k: int
) -> None:
    scores = [5.0, 4.0, 3.0, 2.0, 1.0]
    chosen = marginal_relevance(scores, vectors, weight, k)
    assert len(chosen) == len(set(chosen)) == min(k, 5)
    assert chosen == marginal_relevance(scores, vectors, weight, 5)[:k]
