"""Pages as trees of BeautifulSoup, and the rules that all Markdown of them has in common.

Ours: a quick way to an element's ancestors. markdownify asks of each element whether it is inside `pre`, for which
BeautifulSoup builds a filter every time, a fifth of the time of writing a page.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PageElement

if TYPE_CHECKING:
    from bs4._typing import _StrainableAttribute, _StrainableAttributes
    from bs4.element import _FindMethodName

_INSIDE = re.compile(r"[^\W_]{2}")
_EMPHASIS = ["strong", "b", "em", "i"]  # not `del`, without which 9~~0~~5 would be 905


class Element(Tag):
    """An element that finds an ancestor by its name alone in one loop."""

    def find_parent(
        self,
        name: _FindMethodName | None = None,
        attrs: _StrainableAttributes | None = None,
        **kwargs: _StrainableAttribute,
    ) -> Tag | None:
        """The nearest ancestor that fits."""
        if attrs or kwargs or not isinstance(name, str):
            return super().find_parent(name, attrs, **kwargs)
        parent = self.parent
        while parent is not None and parent.name != name:
            parent = parent.parent
        return parent


def parse_page(source: str | bytes) -> BeautifulSoup:
    """The tree of a page or a part of one; from bytes, by the encoding that these declare."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)  # XHTML
        return BeautifulSoup(source, "lxml", element_classes={Tag: Element})


def item(label: str, text: str) -> str:
    """An item of a list, with the lines after the first indented as far as its text."""
    indent = " " * (len(label) + 1)
    lines = [line and indent + line for line in text.strip().split("\n")]
    return f"{label} {chr(10).join(lines)[len(indent) :]}\n"


def subscript(tag: Tag, text: str) -> str:
    """H2O as it is, but log_10 100: a number beside a number would be another number."""
    before, after = _text(tag.previous_sibling), _text(tag.next_sibling)
    beside = before[-1:].isdigit() or re.match(r"\s?\d", after)
    return f"_{text.strip()}" if text.strip()[:1].isalnum() and beside else text.strip()


def join_words(content: Tag) -> None:
    """Takes emphasis away that begins or ends inside a word: its marks would divide the word for search."""
    for tag in content.find_all(_EMPHASIS):
        if _divides_word(tag):
            tag.unwrap()


def _divides_word(tag: Tag) -> bool:
    text = tag.get_text()
    before, after = _text(tag.previous_sibling)[-1:], _text(tag.next_sibling)[:1]
    return bool(_INSIDE.match(before + text[:1]) or _INSIDE.match(text[-1:] + after))


def _text(beside: PageElement | None) -> str:
    return beside.get_text() if isinstance(beside, Tag | NavigableString) else ""
