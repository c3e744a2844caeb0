"""A finding from run to run: opened once, closed when it is gone, opened again when it comes back."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ragops.monitoring.causes import Cause
from ragops.monitoring.finding import Finding, Found
from ragops.monitoring.open_findings import Updated, update
from tests.support.found_systems import HOUR
from tests.support.monitored import NOW

CHECKS = ("a", "b", "c")


def found(check: str, subject: str = "", ago: timedelta = HOUR, title: str = "t") -> Found:
    return Found(check, subject, "high" if check == "a" else "low", title, NOW - ago, "do", "look")


def run(
    known: Sequence[Finding], *some: Found, number: int = 0, examined: Sequence[str] = CHECKS, cause: str = ""
) -> Updated:
    made = Cause(cause) if cause else None
    return update(known, [(one, made) for one in some], examined, NOW + number * HOUR)


def test_it_is_opened_once_and_keeps_its_first_times() -> None:
    first = run((), found("a", title="5 rows"), cause="prompt changed")
    later = run(first.rows, found("a", ago=-HOUR, title="9 rows"), number=1)
    assert len(first.opened) == 1 and not later.opened
    one, same = first.open[0], later.open[0]
    assert (same.finding_id, same.opened_at, same.since) == (one.finding_id, NOW, NOW - HOUR)
    assert (same.title, same.seen_at) == ("9 rows", NOW + HOUR)
    assert same.cause == "prompt changed", "what was known of it is not forgotten"


def test_it_is_closed_when_it_is_gone_and_opened_again_when_it_is_back() -> None:
    first = run((), found("a"))
    gone = run(first.rows, number=1)
    back = run(gone.rows, found("a"), number=2)
    assert not gone.open and gone.closed[0].closed_at == NOW + HOUR
    assert back.open[0].occurrence == 2 and back.open[0].opened_at == NOW + 2 * HOUR
    assert back.open[0].finding_id != first.open[0].finding_id
    assert len(back.opened) == 1


def test_it_stays_open_while_its_check_was_not_run() -> None:
    first = run((), found("a"), found("b"))
    later = run(first.rows, number=1, examined=["b"])
    assert [one.check for one in later.open] == ["a"] and later.open[0].seen_at == NOW
    assert [one.check for one in later.closed] == ["b"]


def test_the_worst_come_first() -> None:
    some = run((), found("b", ago=9 * HOUR), found("a"), found("c"))
    assert [one.check for one in some.open] == ["a", "b", "c"]


@given(st.lists(st.sets(st.tuples(st.sampled_from(CHECKS), st.sampled_from(("", "x")))), max_size=6))
def test_open_findings_are_always_those_of_the_last_run(runs: list[set[tuple[str, str]]]) -> None:
    rows: dict[str, Finding] = {}
    for number, some in enumerate(runs):
        done = run(list(rows.values()), *(found(*key) for key in some), number=number)
        rows |= {one.finding_id: one for one in done.rows}
        assert {(one.check, one.subject) for one in rows.values() if one.closed_at is None} == some
        assert len(done.open) == len(some)
