from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.generations.manifest import IndexedModel, Manifest
from ragops.corpus.index.generations.plan import (
    Nothing,
    Plan,
    Rebuild,
    Update,
    apply_changes,
    decide,
    plan_changes,
)
from ragops.corpus.index.passages import Entry

_A, _A_MOVED, _B = "a" * 32, "a" * 16 + "m" * 16, "b" * 32
_ROWS = st.dictionaries(st.text("xyz", min_size=1, max_size=2), st.sampled_from([_A, _A_MOVED, _B]))


_LIVE = Manifest(
    number=1,
    model=IndexedModel(fingerprint="ab" * 32, name="a", dimension=3),
    count=1,
    source_version="1",
    parent=None,
)
_SQLITE = "chroma/chroma.sqlite3"


@pytest.mark.parametrize(
    ("live", "fingerprint", "version", "damage", "decision"),
    [
        (None, "ab" * 32, "1", set(), Rebuild()),
        (_LIVE, "cd" * 32, "1", set(), Rebuild()),
        (_LIVE, "cd" * 32, "1", {_SQLITE}, Rebuild()),
        (_LIVE, "ab" * 32, "1", set(), Nothing(_LIVE)),
        (_LIVE, "ab" * 32, "2", set(), Update(_LIVE, scan=False)),
        (_LIVE, "ab" * 32, "1", {_SQLITE}, Update(_LIVE, scan=True)),
        (_LIVE, "ab" * 32, "2", {_SQLITE}, Update(_LIVE, scan=True)),
        (_LIVE, "ab" * 32, "1", {"bm25/ids.json"}, Rebuild()),
        (_LIVE, "ab" * 32, "2", {_SQLITE, "rows.json"}, Rebuild()),
    ],
)
def test_model_version_and_damage_decide_what_a_publish_does(
    live: Manifest | None, fingerprint: str, version: str, damage: set[str], decision: Nothing | Update | Rebuild
) -> None:
    assert decide(live, fingerprint, version, damage) == decision


def test_rows_are_added_updated_or_removed() -> None:
    stored = {"same": _A, "moved": _A, "rewritten": _A, "gone": _A}
    wanted = {"same": _A, "moved": _A_MOVED, "rewritten": _B, "new": _B}
    assert plan_changes(stored, wanted) == Plan(add=("new", "rewritten"), update=("moved",), remove=("gone",))


@given(_ROWS, _ROWS)
def test_a_plan_transforms_stored_into_wanted_rows(stored: dict[str, str], wanted: dict[str, str]) -> None:
    plan = plan_changes(stored, wanted)
    written = {chunk_id: wanted[chunk_id] for chunk_id in (*plan.add, *plan.update)}
    assert {k: v for k, v in stored.items() if k not in plan.remove} | written == wanted
    assert plan.empty is (stored == wanted)
    assert not set(plan.add) & set(plan.update)


def test_removals_fetch_no_entries(make_entry: Callable[..., Entry]) -> None:
    class Recording:
        calls: list[tuple[str, list[str]]] = []

        def delete(self, ids: Sequence[str]) -> None:
            self.calls.append(("delete", list(ids)))

        def upsert(self, entries: Sequence[Entry]) -> None:
            self.calls.append(("upsert", [entry.chunk_id for entry in entries]))

        def update(self, entries: Sequence[Entry]) -> None:
            self.calls.append(("update", [entry.chunk_id for entry in entries]))

    fetched: list[Sequence[str]] = []

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        fetched.append(ids)
        yield [make_entry(chunk_id) for chunk_id in ids]

    store = Recording()
    apply_changes(Plan(add=("n",), update=("m",), remove=("g",)), store, fetch)
    assert store.calls == [("delete", ["g"]), ("upsert", ["n"]), ("update", ["m"])]
    assert fetched == [("n",), ("m",)]
