"""A difference leads from what is held to what is wanted, whatever either is."""

from hypothesis import given
from hypothesis import strategies as st

from ragops.platform.tables import difference

IDS, VERSIONS = st.sampled_from("abcd"), st.integers(1, 3)


@given(wanted=st.dictionaries(IDS, VERSIONS), held=st.sets(st.tuples(IDS, VERSIONS)))
def test_putting_what_changed_in_the_place_of_what_is_stale(wanted: dict[str, int], held: set[tuple[str, int]]) -> None:
    found = difference(wanted, held)
    kept = {(key, version) for key, version in held if key not in found.stale}
    assert not {key for key, _ in kept} & set(found.changed)
    assert kept | {(key, wanted[key]) for key in found.changed} == set(wanted.items())
    assert found.none == (held == set(wanted.items()))


@given(versions=st.dictionaries(IDS, VERSIONS))
def test_what_is_in_step_needs_nothing(versions: dict[str, int]) -> None:
    assert difference(versions, versions.items()).none
