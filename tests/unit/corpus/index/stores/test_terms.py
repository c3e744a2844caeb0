from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.index.stores.terms import tokenize
from ragops.corpus.index.stores.terms_version import terms_version


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Hello, World!", {"hello", "world"}),
        ("obj.__enter__()", {"obj.__enter__", "obj", "__enter__", "enter"}),
        ("str.format", {"str.format", "str", "format"}),
        ("utf-8 utf‑8", {"utf-8", "utf", "8"}),
        ("getItem max_batch_size", {"getitem", "get", "item", "max_batch_size", "max", "batch", "size"}),
        ("docs/a.md", {"docs/a.md", "docs", "a", "md"}),
        ("Straße ＡＢＣ", {"strasse", "abc"}),
        ("don’t", {"don't", "don", "t"}),
        ("C++ C# C", {"c++", "c#", "c"}),
        ("C++17 g++ Notepad++", {"c++17", "c++", "17", "g++", "notepad++", "notepad"}),
        (".NET ASP.NET .env", {".net", "net", "asp.net", "asp", ".env", "env"}),
        ("1+1 a+b #tag end. ... --- !!!", {"1", "a", "b", "tag", "end"}),
        ("検索する", {"検索する", "検索", "索す", "する", "検", "索"}),
        ("コード", {"コード", "コー", "ード"}),
        ("한국어", {"한국어", "한국", "국어"}),
        ("हिन्दी किताब", {"हिन्दी", "किताब"}),
        ("தமிழ் বাংলা", {"தமிழ்", "বাংলা"}),
        ("น้ำมัน", {"น้ำมัน", "น้ำมั", "มัน", "น้ำ", "มั"}),
        ("مُدَرِّس", {"مدرس"}),
        ("café Łódź ёж", {"café", "cafe", "łódź", "lodz", "ёж", "еж"}),
        ("が か", {"が", "か"}),
        ("\ufeffpass\u200bphrase\u202c", {"passphrase"}),
        ("", set()),
    ],
)
def test_compounds_give_themselves_and_their_parts(text: str, terms: set[str]) -> None:
    assert set(tokenize(text)) == terms


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "opening", "opened"),
        ("de", "Häuser", "haus"),
        ("fr", "cafés", "cafe"),
        ("es", "canciones", "cancion"),
        ("ru", "книгами", "книга"),
        ("ar", "المُدَرِّسَة", "مدرسة"),
        ("hi", "किताबें", "किताब"),
        ("fi", "talossa", "talo"),
    ],
)
def test_inflected_forms_share_a_term_in_their_language(language: str, one: str, other: str) -> None:
    assert not set(tokenize(one)) & set(tokenize(other))
    assert set(tokenize(one, [language])) & set(tokenize(other, [language]))


def test_identifiers_are_not_stemmed_as_a_whole() -> None:
    assert {"max_items.sizes", "max_items"} < set(tokenize("max_items.sizes", ["en"]))


def test_a_language_without_a_stemmer_changes_nothing() -> None:
    assert tokenize("opened 検索", ["ja", "xx"]) == tokenize("opened 検索")


def test_the_version_names_the_languages_in_any_order() -> None:
    assert terms_version(["de", "en"]) == terms_version(["en", "de", "en"]) != terms_version(["en"])


@given(st.text(max_size=40))
def test_terms_have_no_white_space_and_nothing_invisible(text: str) -> None:
    for term in tokenize(text, ["en", "ar"]):
        assert term and not any(letter.isspace() or letter in "\u200b\u200d\u00ad\ufeff" for letter in term)


@given(st.text(alphabet="abcxyz_.+#-/ C1é", max_size=30))
def test_case_and_invisible_characters_do_not_matter(text: str) -> None:
    with_marks = "".join(f"{letter}\u200d" for letter in text)
    assert tokenize(with_marks) == tokenize(text)
    assert set(tokenize(text.lower())) <= set(tokenize(text)) | set(tokenize(text.lower()))


def test_threads_get_the_same_stems() -> None:
    words = [f"opening{chr(97 + one % 26)}s runs" for one in range(400)]
    alone = [tokenize(word, ["en", "de"]) for word in words]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda word: tokenize(word, ["de", "en"]), words)) == [
            tokenize(word, ["de", "en"]) for word in words
        ]
    assert [tokenize(word, ["en", "de"]) for word in words] == alone
