import re
from dataclasses import replace

import pytest
from rich.console import Console

from ragops.answers.retrieval.console import as_rows, show_passages
from ragops.answers.retrieval.pipeline import Found
from ragops.corpus.index.passages import Passage

PASSAGE = Passage("id", "doc", "Text [red]as it is[/red]. " * 60, ("Guide", "Food"), "Guide", "a/b.pdf", 3, 0, "00")
FOUND = Found(PASSAGE, 0.03, 1, None)


def test_a_passage_is_shown_with_title_headings_path_and_page() -> None:
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as printed:
        show_passages(console, "What [b]now[/b]?", [FOUND])
    text = printed.get()
    assert "What [b]now[/b]?" in text
    assert "[1] Guide > Food  a/b.pdf, page 3" in text
    assert "[red]as it is[/red]" in text
    assert "..." in text


@pytest.mark.parametrize(
    ("copies", "line"),
    [
        (1, "also in copy 0.pdf\n"),
        (3, "also in copy 0.pdf, copy 1.pdf, copy 2.pdf\n"),
        (59, "copy 2.pdf and 56 more\n"),
    ],
)
def test_documents_with_a_copy_are_named_below_the_source(copies: int, line: str) -> None:
    console = Console(width=100)
    with console.capture() as printed:
        show_passages(console, "What?", [replace(FOUND, also_in=tuple(f"copy {n}.pdf" for n in range(copies)))])
    assert line in re.sub(" +\n", "\n", printed.get())


def test_an_empty_result_is_reported() -> None:
    console = Console(width=100)
    with console.capture() as printed:
        show_passages(console, "What?", [])
    assert "nothing found" in printed.get()


def test_json_rows_are_complete() -> None:
    assert as_rows([replace(FOUND, also_in=("copies/1.pdf",))])[0] | {"text": ""} == {
        "chunk_id": "id",
        "path": "a/b.pdf",
        "title": "Guide",
        "heading_path": ["Guide", "Food"],
        "page": 3,
        "text": "",
        "score": 0.03,
        "dense_rank": 1,
        "lexical_rank": None,
        "also_in": ["copies/1.pdf"],
    }
