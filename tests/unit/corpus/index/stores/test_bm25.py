import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.stores.bm25 import LexicalIndex

_TEXTS = {
    "enter": "A context manager defines __enter__ and __exit__.",
    "format": "Call str.format to fill a template.",
    "loop": "The for statement loops over an iterable; the loop body runs once an item.",
    "japanese": "ベクトル検索は近い文書を見つける。",
}


TWINS = {  # what is written, and how it is asked for
    "vowel signs": ("قالت المُدَرِّسَة هذا", "المدرسة"),
    "forms of alef and ya": ("أحمد في مستشفى", "احمد مستشفي"),
    "tatweel": ("كتـــاب جديد", "كتاب"),
    "niqqud": ("שָׁלוֹם לכולם", "שלום"),
    "zero-width space": ("The pass\u200bphrase is here.", "passphrase"),
    "soft hyphen": ("hydro\u00adfluoric acid", "hydrofluoric"),
    "direction marks": ("code \u200eAB12\u200f ends", "AB12"),
    "one ideograph": ("白い猫がいる", "猫"),
    "Hindi": ("यह हिन्दी की किताब है", "किताब"),
    "Thai": ("ราคาน้ำมันแพง", "น้ำมัน"),
    "a Thai word of one syllable": ("ราคาน้ำมันแพง", "น้ำ"),
    "Korean with a particle": ("한국어를 배운다", "한국어"),
    "accents": ("a naïve résumé", "naive resume"),
    "digits": ("في ٢٠٢٤", "2024"),
}


@pytest.mark.parametrize(("written", "asked"), TWINS.values(), ids=TWINS)
def test_a_word_is_found_in_each_form_of_writing(written: str, asked: str) -> None:
    index = LexicalIndex.build(["other", "it"], ["Something else.", written])
    assert [hit.text_hash for hit in index.query(asked, 5)] == ["it"]
    backwards = LexicalIndex.build(["other", "it"], ["Something else.", asked])
    assert [hit.text_hash for hit in backwards.query(asked, 5)] == ["it"]


@pytest.mark.parametrize(("asked", "best"), [("C++", "plus"), ("c#", "sharp"), ("C", "plain"), (".NET", "net")])
def test_names_with_signs_are_distinguished(asked: str, best: str) -> None:
    texts = {
        "plus": "Write it in C++ now.",
        "sharp": "Write it in C# now.",
        "plain": "Write it in C now.",
        "net": "Write it in .NET now.",
        "web": "Write it on the net now.",
    }
    assert LexicalIndex.build(list(texts), list(texts.values())).query(asked, 1)[0].text_hash == best


def test_inflected_words_meet_in_the_languages_of_the_corpus(tmp_path: Path) -> None:
    texts = ["The valve was opened.", "Die Häuser stehen leer.", "Nothing of that."]
    LexicalIndex.build(["en", "de", "other"], texts, ["en", "de"]).save(tmp_path)
    index = LexicalIndex.load(tmp_path).changed([], {"new": "Opening hours"})
    assert {hit.text_hash for hit in index.query("opens", 5)} == {"en", "new"}
    assert [hit.text_hash for hit in index.query("Haus", 5)] == ["de"]
    assert LexicalIndex.build(["en"], texts[:1]).query("opens", 5) == []


@pytest.mark.parametrize(
    "format_file", [None, '{"terms": "1", "languages": []}', '{"terms": "2", "languages": ["en"]}']
)
def test_an_index_with_other_terms_is_not_opened(format_file: str | None, tmp_path: Path) -> None:
    LexicalIndex.build(["a"], ["some words"], ["en"]).save(tmp_path)
    (tmp_path / "format.json").unlink()
    if format_file:
        (tmp_path / "format.json").write_text(format_file)
    with pytest.raises(ValueError, match="version"):
        LexicalIndex.load(tmp_path)


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


def test_scores_of_chosen_passages_are_those_of_a_search(index: LexicalIndex) -> None:
    question = "files and numbers"
    found = {hit.text_hash: hit.score for hit in index.query(question, len(index.ids))}
    assert index.scores(question, index.ids) == pytest.approx({one: found.get(one, 0.0) for one in index.ids})
    assert index.scores("zzzz", [*index.ids[:1], "unknown"]) == {index.ids[0]: 0.0}
