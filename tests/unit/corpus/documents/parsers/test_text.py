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
    ["---\nJust text between two rules\n---\nmore", "---\na: [\n---\nx", "# H\n---\n"],
)
def test_text_that_is_not_front_matter_is_kept(tmp_path: Path, markdown: str) -> None:
    assert read(tmp_path, markdown) == Extract(markdown)


@pytest.mark.parametrize("title", ["[1]", "{a: b}", "", "~", "null", "''"])
def test_a_title_that_is_not_text_is_ignored(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, f"---\ntitle: {title}\n---\nx") == Extract("x")


@pytest.mark.parametrize("title", ["NO", "on", "12:30", "010", "1984", "1_000", "1e3", "2024-99-99", "true", ".inf"])
def test_a_title_is_what_is_written(tmp_path: Path, title: str) -> None:
    assert read(tmp_path, f"---\ndate: 2024-99-99\ntitle: {title}\n---\nx") == Extract("x", title=title)
