from ragops.corpus.chunks.splitter import ChunkSizes
from ragops.exploration.chunk_sizes.measures import sizes_to_try

USE_CASE = ChunkSizes(min_tokens=48, max_tokens=200, embedded_tokens=254)


def test_the_use_cases_own_size_is_tried_unchanged() -> None:
    sizes = sizes_to_try(USE_CASE, [400, 64, 200, 64])
    assert [size.max_tokens for size in sizes] == [64, 200, 400]
    assert USE_CASE in sizes


def test_every_size_has_the_same_allowance_for_headings_and_a_possible_minimum() -> None:
    for size in sizes_to_try(USE_CASE, [16, 128, 1000]):
        assert size.embedded_tokens - size.max_tokens == 54
        assert size.min_tokens <= size.max_tokens // 2
