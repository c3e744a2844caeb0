"""Text to terms for BM25: words of any script, normalized and stemmed, with identifiers searchable by their parts.

A change of the terms of a text needs another `TERMS_VERSION`.

`regex` knows Unicode's combining marks and scripts, which Python's own patterns do not; ICU knows more, but has no
wheels.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache

import regex
from snowballstemmer import algorithms, stemmer

# What a word consists of: letters with their marks, digits, underscores. Many texts are ASCII, where `re` is 3 times
# faster than `regex`.
_ASCII, _ANY = "A-Za-z0-9_", r"\p{L}\p{M}\p{N}_"


def _compound(letters: str) -> str:
    """Words, and words joined like identifiers, versions, paths and hosts: `str.format`, `utf-8`, `a/b.md`.

    Signs belong to names: C++, C#, C++17, .NET, Disney+.
    """
    # No possessive quantifier: `re` before Python 3.11.5 leaves wrong ends after one (python/cpython#106052).
    dot = rf"(?<![{letters}.])\.(?=[{letters}])(?![0-9_])"
    return rf"(?:{dot})?[{letters}]+(?:(?:[.\-/:']|\+\+)[{letters}]+)*(?:(?:\+\+?|\#)(?![{letters}+#]))?"


_ASCII_COMPOUND, _COMPOUND = re.compile(_compound(_ASCII)), regex.compile(_compound(_ANY))
_WORD = regex.compile(rf"[{_ANY}]+(?:\+\+|\#)?")
_PIECE = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_CAMEL = regex.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Scripts without spaces, and Korean, are split into pairs of characters, as in Lucene's CJKAnalyzer, and what may be a
# word alone: an ideograph, a consonant with its marks.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}ー]+|\p{Hangul}+|[\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}]+")
_CLUSTER = regex.compile(r"\X")
_WORD_ALONE = regex.compile(r"\p{Han}.*|[\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}].+")

# Zero-width spaces and joiners, soft hyphens, direction marks, variation selectors: no query contains them.
_INVISIBLE = regex.compile(r"[\p{Cf}\p{Default_Ignorable_Code_Point}]+")
# Vowels that Arabic and Hebrew are usually written without, and the stroke that only stretches an Arabic word.
_UNWRITTEN = regex.compile(
    r"[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]+"
)
# Letters that are written either way, as in Lucene's Arabic and Persian normalizers; apostrophes and hyphens.
_ONE_FORM = str.maketrans(dict(zip("أإآٱىیکۀە’ʼ‐", "ااااييكهه''-", strict=True)))
_DECIMAL = regex.compile(r"[^\P{Nd}0-9]")
_ACCENT = regex.compile(r"(?<=[\p{Latin}\p{Greek}]\p{Mn}*)\p{Mn}|(?<=е)\u0308")
_STROKES = str.maketrans("łđøıħŧة", "ldoihtه")

# Porter rather than its successor "english": equal on 496 questions, and what quotes are stemmed with.
_LANGUAGES = (
    "ar:arabic ca:catalan cs:czech da:danish de:german el:greek en:porter eo:esperanto es:spanish et:estonian "
    "eu:basque fa:persian fi:finnish fr:french ga:irish hi:hindi hu:hungarian hy:armenian id:indonesian it:italian "
    "lt:lithuanian nb:norwegian ne:nepali nl:dutch nn:norwegian no:norwegian pl:polish pt:portuguese ro:romanian "
    "ru:russian sr:serbian st:sesotho sv:swedish ta:tamil tr:turkish yi:yiddish"
)
_STEMMERS = dict(pair.split(":") for pair in _LANGUAGES.split())
_STEMMABLE = regex.compile(r"[\p{L}\p{M}]+")
_stemming = threading.Lock()  # a stemmer keeps the word that it works on


def tokenize(text: str, languages: Sequence[str] = ()) -> list[str]:
    """Terms in lower case; a compound gives itself and its parts (`str.__add__`: str.__add__, str, __add__, add).

    Args:
        text: of a passage or a question.
        languages: ISO 639-1 codes of the passages' languages: a word gives its stems in them. Those without a stemmer
            are ignored. Stop words stay: without them, BM25 covered 0.41 of the sample's questions instead of 0.44,
            since `for`, `with` and `not` are what documentation is about.
    """
    known = tuple(languages)
    return [term for compound in words(text) for term in _terms(compound, known)]


def words(text: str) -> list[str]:
    """The words as people count them, in one form of all that readers take for the same; `str.format` is one."""
    found: list[str] = _ASCII_COMPOUND.findall(text) if text.isascii() else _COMPOUND.findall(_normalized(text))
    return found


def _normalized(text: str) -> str:
    """The text in one form of all that readers take for the same."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = _UNWRITTEN.sub("", text).translate(_ONE_FORM)
    text = _DECIMAL.sub(lambda match: str(unicodedata.decimal(match[0])), text)
    return text.replace("\u0e4d\u0e32", "\u0e33").replace("\u0ecd\u0eb2", "\u0eb3")  # NFKC splits these vowels


@lru_cache(maxsize=100_000)  # words recur: 5 times faster over a corpus
def _terms(compound: str, languages: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for part in _parts(compound) for form in _forms(part.casefold(), languages)))


def _forms(word: str, languages: tuple[str, ...]) -> Iterator[str]:
    """The word's stems, each also without its accents, which many write only sometimes; else the word itself.

    With the word beside its stem, BM25 alone covered 0.41 of the sample's questions, with the stem only 0.44.
    """
    stemmers = _stemmers(languages) if _STEMMABLE.fullmatch(word) else ()
    plain = word if word.isascii() else _without_accents(word)
    for one in (word, plain):
        for form in [stem(one) for stem in stemmers] or [one]:
            yield form
            yield form if form.isascii() else _without_accents(form)


@cache
def _stemmers(languages: tuple[str, ...]) -> tuple[Callable[[str], str], ...]:
    names = dict.fromkeys(_STEMMERS[language] for language in languages if language in _STEMMERS)
    return tuple(_locked(stemmer(name).stemWord) for name in names if name in algorithms())


def _locked(stem: Callable[[str], str]) -> Callable[[str], str]:
    def stem_alone(word: str) -> str:
        with _stemming:
            return str(stem(word)) or word  # Porter leaves nothing of "s"

    return stem_alone


def _without_accents(word: str) -> str:
    bare = _ACCENT.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", bare).translate(_STROKES)


def _parts(compound: str) -> Iterator[str]:
    yield compound
    for word in _WORD.findall(compound):
        yield word
        if len(word.rstrip("+#")) == 1 < len(word):  # C++ and C# are not C
            continue
        for piece in _PIECE.findall(word):
            yield piece
            yield from _CAMEL.split(piece)
    for run in _UNSPACED.findall(compound):
        clusters = _CLUSTER.findall(run)
        yield from map("".join, zip(clusters, clusters[1:], strict=False))
        yield from filter(_WORD_ALONE.fullmatch, clusters)
