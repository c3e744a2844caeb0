"""Search results for the terminal (`show_passages`) and as JSON (`as_rows`)."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from ragops.answers.retrieval.pipeline import Found

_SHOWN_CHARACTERS = 600
_SHOWN_COPIES = 3


def as_rows(found: Sequence[Found]) -> list[dict[str, Any]]:
    """Found passages as JSON values, best first."""
    return [
        {
            "chunk_id": one.passage.chunk_id,
            "path": one.passage.path,
            "title": one.passage.title,
            "heading_path": list(one.passage.heading_path),
            "page": one.passage.page,
            "text": one.passage.text,
            "score": round(one.score, 6),
            "dense_rank": one.dense_rank,
            "lexical_rank": one.lexical_rank,
            "also_in": list(one.also_in),
        }
        for one in found
    ]


def show_passages(console: Console, question: str, found: Sequence[Found]) -> None:
    """Prints the passages with their sources."""
    console.print(Text(question, style="bold"))
    if not found:
        console.print("nothing found: the index is empty, or its passages are restricted to other groups")
    for number, one in enumerate(found, start=1):
        console.print(Group(source_line(number, one), Padding(Markdown(_shortened(one.passage.text)), (0, 0, 1, 4))))


def source_line(number: int, found: Found) -> Text:
    """A passage's number, title and headings, path and page; on a second line, other documents with a copy of it."""
    passage = found.passage
    page = f", page {passage.page}" if passage.page else ""
    headings = [heading for heading in passage.heading_path if heading != passage.title]
    line = Text(f"[{number}] ", style="bold cyan")
    line.append(" > ".join([passage.title, *headings]), style="cyan")
    line.append(f"  {passage.path}{page}", style="dim")
    if found.also_in:
        more = len(found.also_in) - _SHOWN_COPIES
        shown = ", ".join(found.also_in[:_SHOWN_COPIES]) + (f" and {more} more" if more > 0 else "")
        line.append(f"\n    also in {shown}", style="dim")
    return line


def _shortened(text: str) -> str:
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return text[:_SHOWN_CHARACTERS].rsplit(" ", 1)[0] + " ..."
