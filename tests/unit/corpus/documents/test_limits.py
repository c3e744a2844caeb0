from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.limits import MIB, MemoryLimit, memory_limit

SIZES = st.integers(min_value=0, max_value=2**45)


def test_what_the_use_case_allows_is_the_limit_where_there_is_enough() -> None:
    limit = memory_limit(2048 * MIB, place=8192 * MIB, used=300 * MIB, workers=2)
    assert limit == MemoryLimit(2048 * MIB)
    assert limit.reason == "needs more than 2,048 MiB of memory"


def test_what_is_left_of_the_place_is_the_limit_where_that_is_less() -> None:
    limit = memory_limit(2048 * MIB, place=1024 * MIB, used=324 * MIB, workers=1)
    assert limit.reason == (
        "needs more than 700 MiB of memory, all that is left of the 1,024 MiB here; run this where there is more"
    )


def test_parsers_share_what_is_left() -> None:
    assert memory_limit(2048 * MIB, place=4096 * MIB, used=96 * MIB, workers=4).limit_bytes == 1000 * MIB


def test_a_parser_gets_what_it_needs_to_start_however_little_there_is() -> None:
    assert memory_limit(2048 * MIB, place=128 * MIB, used=200 * MIB, workers=4).limit_bytes == 256 * MIB


@given(configured=SIZES, place=SIZES, more=SIZES, used=SIZES, workers=st.integers(1, 256))
def test_no_limit_exceeds_what_is_configured_and_more_memory_never_lowers_it(
    configured: int, place: int, more: int, used: int, workers: int
) -> None:
    limit = memory_limit(configured, place, used, workers)
    assert limit.limit_bytes <= configured
    assert limit.limit_bytes == configured or limit.place_bytes == place
    assert limit.limit_bytes * workers + used <= place or limit.limit_bytes <= 256 * MIB
    assert memory_limit(configured, place + more, used, workers).limit_bytes >= limit.limit_bytes
