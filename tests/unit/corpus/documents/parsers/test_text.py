from pathlib import Path

import pytest

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.text import parse_markdown
from ragops.corpus.documents.types import Extract


def read(tmp_path: Path, markdown: str) -> Extract:
    path = tmp_path / "a.md"
    path.write_bytes(markdown.encode())
    return parse_markdown(path, ParseLimits())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_front_matter_gives_the_title_and_is_removed(tmp_path: Path, end: str) -> None:
    assert read(tmp_path, end.join(["---", "title: A b", "tags: [x]", "---", "# H"])) == Extract("# H", title="A b")


@pytest.mark.parametrize(
    "markdown",
    ["---\nJust text between two rules\n---\nmore", "---\na: [\n---\nx", "---\ndate: 2024-99-99\n---\nx", "# H\n---\n"],
)
def test_text_that_is_not_front_matter_is_kept(tmp_path: Path, markdown: str) -> None:
    assert read(tmp_path, markdown) == Extract(markdown)


def test_a_title_that_is_not_text_is_ignored(tmp_path: Path) -> None:
    assert read(tmp_path, "---\ntitle: [1]\n---\nx") == Extract("x")
