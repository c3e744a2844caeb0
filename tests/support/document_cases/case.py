"""One file and what is expected of its Markdown."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.documents.types import ParsedDocument


@dataclass(frozen=True)
class Case:
    """A file, written by the test, and what every parser of its format must make of it.

    Attributes:
        name: of the case, unique within its module, for example "aside-warning".
        file: the file's name, whose extension chooses the parser.
        content: the bytes, or a function that writes the file at a path.
        shown: texts that must stand in the Markdown, in this order.
        hidden: texts that must not stand in it.
        title: the document's title, if the case is about it.
        warned: for each warning expected, words of it; no other warnings are allowed.
        ocr: whether the file needs OCR, which takes seconds.
    """

    name: str
    file: str
    content: bytes | Callable[[Path], object]
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    title: str | None = None
    warned: tuple[str, ...] = ()
    ocr: bool = False

    def write(self, folder: Path) -> Path:
        """Writes the file into a folder and returns its path."""
        path = folder / self.file
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)
        return path

    def check(self, parsed: ParsedDocument) -> None:
        """Asserts that the file's text is what a reader sees."""
        position = 0
        for words in self.shown:
            found = parsed.markdown.find(words, position)
            assert found >= 0, f"{words!r} is not after character {position} of:\n{parsed.markdown}"
            position = found + len(words)
        for words in self.hidden:
            assert words not in parsed.markdown + (parsed.title or ""), parsed.markdown
        if self.title is not None:
            assert parsed.title == self.title
        assert len(parsed.warnings) == len(self.warned), parsed.warnings
        for words, warning in zip(self.warned, parsed.warnings, strict=True):
            assert words in warning
        assert parsed.ocr == self.ocr
