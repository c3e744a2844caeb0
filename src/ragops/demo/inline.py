"""Markup inside a line of a topic: straight double quotes stand for code, asterisks for emphasis."""

import re
from collections.abc import Iterator
from enum import StrEnum

_SPAN = re.compile(
    r'"(?P<code>"?[^"]+?"?|"{1,2})"(?!")'
    r"|\*\*(?P<strong>[^*]+)\*\*"
    r"|(?<![\w*])\*(?P<emphasis>[^*\s](?:[^*]*[^*\s])?)\*(?!\*)"
)


class Style(StrEnum):
    """How a span is set."""

    PLAIN = "plain"
    CODE = "code"
    STRONG = "strong"
    EMPHASIS = "emphasis"


def spans(text: str) -> Iterator[tuple[Style, str]]:
    """Yields the spans of a line in order, without their marks; none is empty."""
    position = 0
    for match in _SPAN.finditer(text):
        if match.start() > position:
            yield Style.PLAIN, text[position : match.start()]
        style = str(match.lastgroup)
        yield Style(style), match[style]
        position = match.end()
    if position < len(text):
        yield Style.PLAIN, text[position:]


def without_emphasis(text: str) -> str:
    """The line as a reader without bold and italics should see it: code keeps its quotes, asterisks go."""
    return "".join(f'"{span}"' if style is Style.CODE else span for style, span in spans(text))
