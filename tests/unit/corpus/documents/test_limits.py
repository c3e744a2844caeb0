from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.limits import MIB, MemoryLimit, memory_limit

SIZES = st.integers(min_value=0, max_value=2**45)


def test_the_configured_limit_applies_if_the_machine_has_enough_memory() -> None:
    limit = memory_limit(2048 * MIB, machine=8192 * MIB, used=300 * MIB, workers=2)
    assert limit == MemoryLimit(2048 * MIB)
    assert limit.reason == "needs more than 2,048 MiB of memory"


def test_the_machines_remaining_memory_is_the_limit_if_it_is_less() -> None:
    limit = memory_limit(2048 * MIB, machine=1024 * MIB, used=324 * MIB, workers=1)
    assert (limit.limit_bytes, limit.machine_bytes) == (700 * MIB, 1024 * MIB)
    assert "700 MiB" in limit.reason and "1,024 MiB" in limit.reason


def test_parsers_share_the_remaining_memory() -> None:
    assert memory_limit(2048 * MIB, machine=4096 * MIB, used=96 * MIB, workers=4).limit_bytes == 1000 * MIB


def test_a_parser_always_gets_enough_memory_to_start() -> None:
    assert memory_limit(2048 * MIB, machine=128 * MIB, used=200 * MIB, workers=4).limit_bytes == 256 * MIB


@given(configured=SIZES, machine=SIZES, more=SIZES, used=SIZES, workers=st.integers(1, 256))
def test_the_limit_never_exceeds_the_configured_one_and_more_memory_never_lowers_it(
    configured: int, machine: int, more: int, used: int, workers: int
) -> None:
    limit = memory_limit(configured, machine, used, workers)
    assert limit.limit_bytes <= configured
    assert limit.limit_bytes == configured or limit.machine_bytes == machine
    assert limit.limit_bytes * workers + used <= machine or limit.limit_bytes <= 256 * MIB
    assert memory_limit(configured, machine + more, used, workers).limit_bytes >= limit.limit_bytes
