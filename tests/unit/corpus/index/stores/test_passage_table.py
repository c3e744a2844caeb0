from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.corpus.index.access import visible
from ragops.corpus.index.passages import Entry, Passage
from ragops.corpus.index.stores.passage_changes import PassageChanges
from ragops.corpus.index.stores.passage_table import PassageTable
from tests.support.memory_generation import make_passage, passage_table

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_GROUPS = st.lists(st.sampled_from(["hr", "legal", "it"]), max_size=2, unique=True).map(sorted).map(tuple)
_PASSAGES = st.builds(
    Passage,
    chunk_id=st.text("0123456789abcdef", min_size=1, max_size=20),
    doc_id=_TEXT,
    text=_TEXT,
    heading_path=st.lists(_TEXT, max_size=3).map(tuple),
    title=_TEXT,
    path=_TEXT,
    page=st.none() | st.integers(1, 10_000),
    ordinal=st.integers(0, 10_000),
    text_hash=_TEXT,
    groups=_GROUPS,
)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[PassageTable]:
    """Two documents of ten passages; the fifth passage of the first is restricted."""
    rows = [make_passage(number, doc=doc) for doc in ("d", "e") for number in range(10)]
    rows[4] = replace(rows[4], groups=("hr",))
    with closing(PassageChanges(tmp_path / "passages.sqlite")) as changes:
        changes.write(rows)
    with closing(PassageTable.open(tmp_path / "passages.sqlite")) as opened:
        yield opened


@given(st.lists(_PASSAGES, unique_by=lambda passage: passage.chunk_id))
def test_passages_come_back_as_written(passages: list[Passage]) -> None:
    with closing(passage_table(passages)) as table:
        ids = [passage.chunk_id for passage in passages]
        assert table.passages([*ids, "not one of them, since it is too long"]) == passages
        assert [one for page in table.scan() for one in page] == sorted(passages, key=lambda one: one.chunk_id)
        assert sorted(table.texts_and_paths()) == sorted((one.text, one.path) for one in passages)
        assert table.row_hashes() == {passage.chunk_id: passage.row_hash for passage in passages}
        assert table.count() == len(passages)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), _GROUPS), max_size=12, unique=True), st.none() | _GROUPS
)
def test_a_text_is_shown_by_the_first_passage_that_the_reader_may_see(
    copies: list[tuple[int, int, tuple[str, ...]]], reader: tuple[str, ...] | None
) -> None:
    rows = [
        replace(make_passage(text), chunk_id=f"{number:02d}", path=f"{path}.md", groups=groups)
        for number, (text, path, groups) in enumerate(copies)
    ]
    texts = [make_passage(text).text_hash for text in (2, 0, 1)]
    seen = [[row for row in rows if row.text_hash == text and visible(row.groups, reader)] for text in texts]
    with closing(passage_table(rows)) as table:
        found, paths = table.of_texts(texts, reader), table.paths(texts, reader)
    firsts = [min(some, key=lambda row: (row.path, row.chunk_id)) for some in seen if some]
    assert [one.row_hash for one in found] == [row.row_hash for row in firsts]
    assert paths == {some[0].text_hash: sorted({row.path for row in some}) for some in seen if some}


def test_neighbors_have_the_same_document_and_groups(table: PassageTable) -> None:
    third, fifth, other = table.passages(["d002", "d004", "e002"])
    assert [one.ordinal for one in table.neighbors(third, [3, 1, 4, 0, 99])] == [0, 1, 3]
    assert [one.chunk_id for one in table.neighbors(other, [4])] == ["e004"]
    assert table.neighbors(fifth, [3, 5]) == table.neighbors(third, []) == []


def test_copies_of_a_document_give_one_text() -> None:
    rows = [make_passage(number) for number in range(4)]
    copies = [replace(row, chunk_id=f"copy {row.chunk_id}", doc_id="copy") for row in rows]
    with closing(passage_table([*rows, *copies, make_passage(1, doc="e")])) as table:
        assert table.text_of_each_document() == {min(row.text_hash for row in rows), make_passage(1, doc="e").text_hash}


def test_changes_replace_whole_passages_and_delete(table: PassageTable, tmp_path: Path) -> None:
    with closing(PassageChanges(tmp_path / "passages.sqlite")) as changes:
        changes.write([replace(make_passage(1), text="new", page=7)])
        changes.delete(["d002", "unknown"])
        assert len(changes.texts()) == 19
    with closing(PassageTable.open(tmp_path / "passages.sqlite")) as now:
        assert [(one.text, one.page) for one in now.passages(["d001", "d002"])] == [("new", 7)]
        assert now.count() == 19


def test_vectors_of_written_texts_are_given_once_each(make_entry: Callable[..., Entry], tmp_path: Path) -> None:
    rows = [make_entry("a", text_hash="1"), make_entry("b", text_hash="1"), make_entry("c", text_hash="2")]
    with closing(PassageChanges(tmp_path / "passages.sqlite")) as changes:
        changes.write(rows)
        vectors = [(text, vector.tolist()) for batch in changes.vectors({"1", "3"}) for text, vector in batch]
    assert vectors == [("1", [3.0, 4.0])]


def test_more_texts_than_a_statement_has_variables(table: PassageTable) -> None:
    texts = [f"{number}" for number in range(40_000)] + [make_passage(3).text_hash]
    assert [one.chunk_id for one in table.of_texts(texts, reader=None)] == ["d003"]
