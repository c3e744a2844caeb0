from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.chunks.fragments import chunk_ends

atoms = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 1000)), min_size=1, max_size=80)


def sizes(weights: list[int], ends: list[int]) -> list[int]:
    return [sum(weights[start:end]) for start, end in pairwise([0, *ends])]


def test_a_run_within_the_limit_is_not_cut() -> None:
    assert chunk_ends([3, 3, 4], [1, 9, 1], smallest=2, largest=10) == [3]


def test_no_atoms_give_no_chunks() -> None:
    assert chunk_ends([], [], smallest=2, largest=10) == []


def test_the_strongest_border_is_cut() -> None:
    assert chunk_ends([3, 3, 3, 3], [5, 6, 7, 0], smallest=3, largest=10) == [3, 4]


def test_a_border_too_close_to_an_end_is_skipped() -> None:
    assert chunk_ends([3, 3, 3, 3], [9, 6, 5, 0], smallest=4, largest=10) == [2, 4]


def test_if_every_border_is_too_close_to_an_end_the_strongest_is_cut() -> None:
    assert chunk_ends([1, 9, 1], [5, 6, 0], smallest=4, largest=10) == [2, 3]


def test_shorter_pairs_are_joined_first_and_a_small_rest_takes_from_its_neighbor() -> None:
    assert chunk_ends([4, 2, 1, 4], [1] * 4, smallest=3, largest=6) == [1, 3, 4]
    assert chunk_ends([2] * 7, [1] * 7, smallest=4, largest=6) == [3, 5, 7]


def test_weaker_borders_are_joined_before_stronger_ones() -> None:
    sentence, paragraph = 3 << 32, 5 << 32
    assert chunk_ends([2, 4, 4, 2], [paragraph, sentence, paragraph, 0], smallest=2, largest=8) == [1, 3, 4]


@given(atoms)
def test_no_two_neighbors_would_fit_into_one_chunk(pairs: list[tuple[int, int]]) -> None:
    weights, strengths = [weight for weight, _ in pairs], [strength for _, strength in pairs]
    found = sizes(weights, chunk_ends(weights, strengths, smallest=1, largest=40))
    assert all(one + other > 40 for one, other in pairwise(found))


@given(atoms)
def test_chunks_contain_all_atoms_and_none_is_too_large(pairs: list[tuple[int, int]]) -> None:
    weights, strengths = [weight for weight, _ in pairs], [strength for _, strength in pairs]
    ends = chunk_ends(weights, strengths, smallest=10, largest=40)
    assert ends[-1] == len(weights)
    assert ends == sorted(set(ends))
    assert max(sizes(weights, ends)) <= 40


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=200))
def test_chunks_of_small_atoms_are_never_too_small(strengths: list[int]) -> None:
    weights = [1] * len(strengths)
    ends = chunk_ends(weights, strengths, smallest=10, largest=40)
    assert min(sizes(weights, ends)) >= min(10, len(weights))


@given(atoms, atoms)
def test_the_strongest_border_isolates_the_text_before_it_from_the_text_after_it(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    """This makes edits local: nothing on one side of such a border depends on the other side."""
    before = [*left, (40, 5000)]  # so heavy that it is cut off on both sides
    after = [(40, 0), *right]
    weights, strengths = zip(*before, *after, strict=True)
    ends = chunk_ends(list(weights), list(strengths), smallest=10, largest=40)
    alone = chunk_ends([weight for weight, _ in before], [strength for _, strength in before], 10, 40)
    assert [end for end in ends if end <= len(before)] == alone
