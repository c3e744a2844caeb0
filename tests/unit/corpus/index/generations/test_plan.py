import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.corpus.index.generations.manifest import FORMAT, IndexedModel, Manifest
from ragops.corpus.index.generations.plan import (
    Nothing,
    Plan,
    Rebuild,
    Update,
    apply_changes,
    decide,
    plan_changes,
    store_texts,
)
from ragops.corpus.index.passages import Entry, TextVector
from ragops.corpus.index.stores.passage_changes import PassageChanges
from ragops.corpus.index.stores.passage_table import PassageTable
from ragops.corpus.index.stores.terms_version import terms_version
from tests.support.memory_generation import MemoryStore, make_passage, texts_of

_A, _A_MOVED, _B = "a" * 32, "a" * 16 + "m" * 16, "b" * 32
_ROWS = st.dictionaries(st.text("xyz", min_size=1, max_size=2), st.sampled_from([_A, _A_MOVED, _B]))


_LIVE = Manifest(
    number=1,
    model=IndexedModel(fingerprint="ab" * 32, name="a", dimension=3),
    count=1,
    source_version="1",
    parent=None,
    format=FORMAT,
)
_OLD = _LIVE.model_copy(update={"format": 1})
_OTHER_TERMS = _LIVE.model_copy(update={"terms": "1"})
_OTHER_LANGUAGES = _LIVE.model_copy(update={"terms": terms_version(["en"])})


@pytest.mark.parametrize(
    ("live", "fingerprint", "version", "damage", "decision"),
    [
        (None, "ab" * 32, "1", set(), Rebuild()),
        (_LIVE, "cd" * 32, "1", set(), Rebuild()),
        (_LIVE, "cd" * 32, "1", {"bm25/ids.json"}, Rebuild()),
        (_OLD, "ab" * 32, "1", set(), Rebuild()),
        (_OTHER_TERMS, "ab" * 32, "1", set(), Rebuild()),
        (_OTHER_LANGUAGES, "ab" * 32, "1", set(), Rebuild()),
        (_LIVE, "ab" * 32, "1", set(), Nothing(_LIVE)),
        (_LIVE, "ab" * 32, "2", set(), Update(_LIVE)),
        (_LIVE, "ab" * 32, "1", {"chroma/chroma.sqlite3"}, Rebuild()),
        (_LIVE, "ab" * 32, "2", {"rows.json"}, Rebuild()),
    ],
)
def test_model_version_and_damage_decide_what_a_publish_does(
    live: Manifest | None, fingerprint: str, version: str, damage: set[str], decision: Nothing | Update | Rebuild
) -> None:
    assert decide(live, fingerprint, version, damage) == decision


def test_only_terms_of_another_version_cannot_be_searched() -> None:
    assert [bool(one.outdated) for one in (_LIVE, _OTHER_LANGUAGES, _OTHER_TERMS, _OLD)] == [False, False, True, True]


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


def _fetch_of(entries: Sequence[Entry], fetched: list[list[str]]) -> Callable[[Sequence[str]], Iterator[list[Entry]]]:
    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        fetched.append(list(ids))
        yield [entry for entry in entries if entry.chunk_id in ids]

    return fetch


def test_removals_fetch_no_entries(make_entry: Callable[..., Entry], tmp_path: Path) -> None:
    fetched: list[list[str]] = []
    fetch = _fetch_of([make_entry(chunk_id) for chunk_id in ("n", "m", "g")], fetched)
    with closing(PassageChanges(tmp_path / "passages.sqlite")) as changes:
        apply_changes(Plan(add=("g", "m")), changes, fetch)
        apply_changes(Plan(add=("n",), update=("m",), remove=("g",)), changes, fetch)
    assert fetched == [["g", "m"], ["n"], ["m"]]
    with closing(PassageTable.open(tmp_path / "passages.sqlite")) as table:
        assert table.row_hashes().keys() == {"n", "m"}


class _Texts(MemoryStore):
    def __init__(self) -> None:
        super().__init__([])
        self.written: list[str] = []

    def upsert(self, texts: Sequence[TextVector]) -> None:
        self.written += [text.text_hash for text in texts]
        self.rows |= {text.text_hash: text for text in texts}

    def delete(self, texts: Sequence[str]) -> None:
        for text in texts:
            del self.rows[text]


_STATE = st.dictionaries(st.integers(0, 9), st.tuples(st.integers(0, 3), st.sampled_from([(), ("a",), ("b", "c")])))


@settings(deadline=None, max_examples=50)
@given(st.lists(_STATE, max_size=4))
def test_the_store_contains_each_text_once_with_the_groups_of_its_passages(
    states: list[dict[int, tuple[int, tuple[str, ...]]]],
) -> None:
    """Texts of any number of passages, which appear, disappear, change their text or move to other groups."""
    store, before = _Texts(), dict[str, Entry]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "passages.sqlite"
        for state in states:
            rows = {
                f"c{number}": replace(make_passage(text), chunk_id=f"c{number}", groups=groups)
                for number, (text, groups) in state.items()
            }
            plan = plan_changes(*({i: row.row_hash for i, row in some.items()} for some in (before, rows)))
            known, store.written = set(store.rows), []
            with closing(PassageChanges(file)) as changes:
                apply_changes(plan, changes, _fetch_of(list(rows.values()), []))
                dead = store_texts(store, changes)
            wanted = texts_of(list(rows.values()))
            assert store.rows == {text.text_hash: text for text in wanted}
            assert all(store.rows[text.text_hash].vector.tolist() == text.vector.tolist() for text in wanted)
            moved = known & set(store.written)
            assert dead == len(known - store.rows.keys()) + len(moved)
            before = rows
