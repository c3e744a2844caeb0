"""The difference between a stage's input and output, in any state of either."""

from hypothesis import given
from hypothesis import strategies as st

from ragops.platform.merge import MergeCounts, StageReport, difference

IDS, VERSIONS = st.sampled_from("abcd"), st.integers(1, 3)


@given(wanted=st.dictionaries(IDS, VERSIONS), existing=st.sets(st.tuples(IDS, VERSIONS)))
def test_replacing_stale_rows_by_changed_ones_gives_what_is_wanted(
    wanted: dict[str, int], existing: set[tuple[str, int]]
) -> None:
    found = difference(wanted, existing)
    kept = {(key, version) for key, version in existing if key not in found.stale}
    assert not {key for key, _ in kept} & set(found.changed)
    assert kept | {(key, wanted[key]) for key in found.changed} == set(wanted.items())
    assert found.none == (existing == set(wanted.items()))


@given(versions=st.dictionaries(IDS, VERSIONS))
def test_equal_versions_have_no_difference(versions: dict[str, int]) -> None:
    assert difference(versions, versions.items()).none


def test_a_report_adds_the_counts_of_all_slices() -> None:
    report = StageReport("chunks")
    assert report.idle
    report.count(MergeCounts(updated=1, deleted=2, inserted=3))
    report.count(MergeCounts(inserted=4))
    assert (report.changed, report.deleted, report.added, report.idle) == (1, 2, 7, False)
