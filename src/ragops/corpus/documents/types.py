"""What becomes of a file: Markdown with what is known about it, or the reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.documents.limits import ParseLimits


@dataclass(frozen=True)
class Extract:
    """What a parser found: Markdown not yet normalised, and what only the format knows."""

    markdown: str
    title: str | None = None
    pages: int | None = None
    ocr: bool = False


@dataclass(frozen=True)
class ParsedDocument:
    """A file as Markdown.

    `markdown` is NFC text without control characters, lines end in a line feed, at most two blank lines in a row.
    Where pages are known, `<!-- page: N -->` stands on a line of its own before the text of page N (from 1).
    """

    markdown: str
    title: str | None
    language: str | None
    """ISO 639-1, None where the text is too short to tell."""
    format: str
    """Short name: md, html, txt, docx, pptx, xlsx, pdf, png, jpeg, tiff, bmp, gif, webp."""
    pages: int | None
    parser: str
    ocr: bool


MEMORY_HERE = "memory_here"
"""The limit that is no setting: what is left of the memory of the place where a document was parsed."""


@dataclass(frozen=True)
class Failure:
    """Why a file has no Markdown: `reason` is one line for people, `exception_type` the class name behind it."""

    reason: str
    exception_type: str
    parser: str
    limit: str | None = None
    """The field of `ParseLimits` that refused it, or MEMORY_HERE: once that is larger, it is worth another try."""
    passing: bool = False
    """True where it says nothing about the file: it vanished, or the place where it lies failed."""


Parse = Callable[[Path, ParseLimits], ParsedDocument]
"""A function that turns a file into a document, or raises Unparsable."""


class Unparsable(Exception):
    """A file that yields no Markdown, with the fields of a `Failure`; `reason` is cut to one line of 300 characters."""

    def __init__(
        self,
        reason: str,
        exception_type: str = "Unparsable",
        parser: str = "",
        limit: str | None = None,
        passing: bool = False,
    ) -> None:
        """Takes the name of the library's exception where one lies behind it."""
        self.reason = " ".join(reason.split())[:300]
        self.exception_type = exception_type
        self.parser = parser
        self.limit = limit
        self.passing = passing
        super().__init__(self.reason, exception_type, parser, limit, passing)

    def __str__(self) -> str:
        """The reason."""
        return self.reason

    def failure(self) -> Failure:
        """The same as a value."""
        return Failure(self.reason, self.exception_type, self.parser, self.limit, self.passing)
