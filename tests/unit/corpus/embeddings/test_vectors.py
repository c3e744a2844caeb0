import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.embeddings.vectors import partitions


@pytest.mark.parametrize(
    ("texts", "tasks"), [(1, 1), (64, 1), (65, 1), (1_024, 1), (10_000, 10), (16_384, 16), (65_536, 16), (200_000, 49)]
)
def test_on_gpus_the_number_of_texts_decides_not_the_cores(texts: int, tasks: int) -> None:
    """Two nodes of 64 cores and four GPUs had 128 tasks of 78 texts."""
    assert partitions(texts, 0) == tasks


@given(st.integers(1, 10**6), st.integers(1, 256))
def test_on_cpus_every_round_of_tasks_uses_all_cores(texts: int, slots: int) -> None:
    tasks = partitions(texts, slots)
    assert tasks % slots == 0 or texts <= 64
    assert tasks * 8192 >= texts
