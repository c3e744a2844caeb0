"""A document's title and language, found in its text."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import PurePath

from markdown_it import MarkdownIt

from ragops.corpus.documents.normalize import one_line

_MAX_TITLE = 200
_SEARCHED = 20_000  # characters: titles are near the beginning
_BLOCKS = MarkdownIt("commonmark").disable(["emphasis", "link", "image"])


def first_heading(markdown: str) -> str | None:
    """Text of the first level-1 heading near the beginning, else of the first heading there, else None."""
    tokens = _BLOCKS.parse(markdown[:_SEARCHED])
    headings = [
        (token.tag, one_line(inline.content).strip("*_# "))
        for token, inline in zip(tokens, tokens[1:], strict=False)
        if token.type == "heading_open"
    ]
    named = [(tag, text) for tag, text in headings if text]
    return next((text for tag, text in named if tag == "h1"), named[0][1] if named else None)


def readable_stem(path: PurePath) -> str:
    """The file's name as a title: `annual_report-2024.pdf` becomes `Annual report 2024`."""
    words = one_line(path.stem.encode("utf-8", "replace").decode().replace("_", " ").replace("-", " "))
    return words[:1].upper() + words[1:]


def choose_title(given: str | None, markdown: str, path: PurePath) -> str | None:
    """The first that is not blank of: `given` (from the file format), the first heading, the file's name."""
    title = one_line(given or "") or first_heading(markdown) or readable_stem(path)
    return title[:_MAX_TITLE] or None


_SAMPLE = 2_000
_ENOUGH_LETTERS = 20
# Code, links and comments say nothing about the language.
_NOISE = re.compile(r"```.*?(?:```|\Z)|<!--.*?-->|https?://\S+", re.DOTALL)


def detect_language(markdown: str) -> str | None:
    """ISO 639-1 code from the first 2,000 characters of prose, or None if it has fewer than 20 letters."""
    sample = _NOISE.sub(" ", markdown[: 4 * _SAMPLE])[:_SAMPLE]
    if sum(character.isalpha() for character in sample) < _ENOUGH_LETTERS:
        return None
    return str(load_model()(sample)[0])


@cache
def load_model() -> Callable[[str], tuple[str, float]]:
    """The classifier; the first call takes half a second to load it."""
    import py3langid

    py3langid.classify("")  # importing does not load the model
    classify: Callable[[str], tuple[str, float]] = py3langid.classify
    return classify
