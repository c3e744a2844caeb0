"""Parts of Markdown pages."""

from collections.abc import Iterable, Iterator, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; nothing at all without rows."""
    shown = [f"| {' | '.join(cell(one) for one in row)} |" for row in rows]
    if shown:
        yield f"| {' | '.join(heads)} |"
        yield f"|{'---|' * len(heads)}"
        yield from shown
        yield ""


def cell(text: str) -> str:
    """One line that begins with a capital, with bars escaped."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line[:1].upper() + line[1:]


def code(text: object) -> str:
    """A code span, or nothing for an empty text."""
    return f"`{text}`" if str(text) else ""
