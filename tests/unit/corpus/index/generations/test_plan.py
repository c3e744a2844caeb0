from collections.abc import Callable, Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.generations.plan import Plan, apply_changes, plan_changes
from ragops.corpus.index.passages import Entry

_A, _A_MOVED, _B = "a" * 32, "a" * 16 + "m" * 16, "b" * 32
_ROWS = st.dictionaries(st.text("xyz", min_size=1, max_size=2), st.sampled_from([_A, _A_MOVED, _B]))


def test_kinds_of_change() -> None:
    held = {"same": _A, "moved": _A, "rewritten": _A, "gone": _A}
    wanted = {"same": _A, "moved": _A_MOVED, "rewritten": _B, "new": _B}
    assert plan_changes(held, wanted) == Plan(add=("new", "rewritten"), update=("moved",), remove=("gone",))


@given(_ROWS, _ROWS)
def test_plan_leads_from_held_to_wanted(held: dict[str, str], wanted: dict[str, str]) -> None:
    plan = plan_changes(held, wanted)
    written = {chunk_id: wanted[chunk_id] for chunk_id in (*plan.add, *plan.update)}
    assert {k: v for k, v in held.items() if k not in plan.remove} | written == wanted
    assert plan.empty is (held == wanted)
    assert not set(plan.add) & set(plan.update)


def test_nothing_is_fetched_for_removals(make_entry: Callable[..., Entry]) -> None:
    class Recording:
        calls: list[tuple[str, list[str]]] = []

        def delete(self, ids: Sequence[str]) -> None:
            self.calls.append(("delete", list(ids)))

        def upsert(self, entries: Sequence[Entry]) -> None:
            self.calls.append(("upsert", [entry.chunk_id for entry in entries]))

        def update(self, entries: Sequence[Entry]) -> None:
            self.calls.append(("update", [entry.chunk_id for entry in entries]))

    asked: list[Sequence[str]] = []

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        asked.append(ids)
        yield [make_entry(chunk_id) for chunk_id in ids]

    store = Recording()
    apply_changes(Plan(add=("n",), update=("m",), remove=("g",)), store, fetch)
    assert store.calls == [("delete", ["g"]), ("upsert", ["n"]), ("update", ["m"])]
    assert asked == [("n",), ("m",)]
