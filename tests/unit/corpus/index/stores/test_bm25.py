import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.terms import tokenize


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Hello, World!", {"hello", "world"}),
        ("obj.__enter__()", {"obj.__enter__", "obj", "__enter__", "enter"}),
        ("str.format", {"str.format", "str", "format"}),
        ("utf-8", {"utf-8", "utf", "8"}),
        ("getItem max_batch_size", {"getitem", "get", "item", "max_batch_size", "max", "batch", "size"}),
        ("docs/a.md", {"docs/a.md", "docs", "a", "md"}),
        ("Straße ＡＢＣ", {"strasse", "abc"}),
        ("検索する", {"検索する", "検索", "索す", "する"}),
        ("", set()),
        ("... --- !!!", set()),
    ],
)
def test_compounds_give_themselves_and_their_parts(text: str, terms: set[str]) -> None:
    assert set(tokenize(text)) == terms


_TEXTS = {
    "enter": "A context manager defines __enter__ and __exit__.",
    "format": "Call str.format to fill a template.",
    "loop": "The for statement loops over an iterable; the loop body runs once an item.",
    "japanese": "ベクトル検索は近い文書を見つける。",
}


@pytest.fixture(params=["built", "loaded"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> LexicalIndex:
    built = LexicalIndex.build(list(_TEXTS), list(_TEXTS.values()))
    if request.param == "built":
        return built
    built.save(tmp_path / "bm25")
    return LexicalIndex.load(tmp_path / "bm25")


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("__enter__", "enter"),
        ("enter", "enter"),
        ("str.format", "format"),
        ("how does format work", "format"),
        ("ITERABLE loop", "loop"),
        ("検索", "japanese"),
    ],
)
def test_the_best_passage_comes_first(index: LexicalIndex, query: str, best: str) -> None:
    assert index.query(query, 1)[0].text_hash == best


def test_hits_are_ordered_and_only_of_passages_that_share_a_term(index: LexicalIndex) -> None:
    hits = index.query("the loop template", 10)
    assert {hit.text_hash for hit in hits} == {"loop", "format"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.score > 0 for hit in hits)


@pytest.mark.parametrize("query", ["", "!!!", "nowhere unknownword"])
def test_a_query_without_known_terms_finds_nothing(index: LexicalIndex, query: str) -> None:
    assert index.query(query, 5) == []


def test_at_most_k_hits_are_returned(index: LexicalIndex) -> None:
    assert len(index.query("a the", 1)) == 1
    assert index.query("a the", 0) == []


@pytest.mark.parametrize("corpus", [{}, {"a": "", "b": "..."}])
def test_a_corpus_without_words_finds_nothing(corpus: dict[str, str], tmp_path: Path) -> None:
    LexicalIndex.build(list(corpus), list(corpus.values())).save(tmp_path)
    loaded = LexicalIndex.load(tmp_path)
    assert loaded.ids == tuple(corpus)
    assert loaded.query("anything", 3) == []


def test_passages_without_words_are_never_found() -> None:
    index = LexicalIndex.build(["empty", "full"], ["", "some words"])
    assert [hit.text_hash for hit in index.query("words", 5)] == ["full"]


def test_equal_scores_keep_the_order_of_ids() -> None:
    index = LexicalIndex.build(["b", "a", "c"], ["same text"] * 3)
    assert [hit.text_hash for hit in index.query("same", 2)] == ["b", "a"]


WORDS = st.lists(st.sampled_from(["loop", "str.format", "enter", "x", "検索する", "..."]), max_size=4).map(" ".join)
CORPORA = st.dictionaries(st.sampled_from("abcdef"), WORDS)


@given(before=CORPORA, removed=st.sets(st.sampled_from("abcdef")), added=CORPORA)
def test_a_changed_index_equals_one_built_from_the_same_passages(
    before: dict[str, str], removed: set[str], added: dict[str, str]
) -> None:
    now = {chunk_id: text for chunk_id, text in before.items() if chunk_id not in removed} | added
    wanted = LexicalIndex.build(sorted(now), [now[chunk_id] for chunk_id in sorted(now)])
    with tempfile.TemporaryDirectory() as folder:
        LexicalIndex.build(list(before), list(before.values())).save(Path(folder))
        changed = LexicalIndex.load(Path(folder)).changed(removed, added)
    assert changed.ids == wanted.ids
    for query in ("loop enter", "str.format", "検索", "x"):
        assert changed.query(query, 6) == wanted.query(query, 6)
