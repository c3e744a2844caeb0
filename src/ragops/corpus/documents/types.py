"""The result of parsing a file: Markdown with metadata, or the reason why it failed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.documents.limits import ParseLimits
from ragops.text import one_line


@dataclass(frozen=True)
class Extract:
    """A parser's output: Markdown not yet normalized, metadata that only the format has, and what is missing."""

    markdown: str
    title: str | None = None
    pages: int | None = None
    ocr: bool = False
    warnings: tuple[str, ...] = ()
    """A short sentence for each part of the file that was not read: which part, and what happened.

    For example "slide 3: a shape without a position was left out". Without names of the landing folder.
    """


@dataclass(frozen=True)
class ParsedDocument:
    """A file as Markdown.

    `markdown` is NFC text without control characters, lines end in a line feed, at most two blank lines in a row.
    If pages are known, a line `<!-- page: N -->` precedes the text of page N (from 1).
    """

    markdown: str
    title: str | None
    language: str | None
    """ISO 639-1; None if the text is too short to detect it."""
    format: str
    """Short name, a key of `parsers.registry.PARSERS`: md, html, docx, pdf, png, ..."""
    pages: int | None
    parser: str
    ocr: bool
    warnings: tuple[str, ...] = ()
    """A short sentence for each part of the file that was not read: distinct, on one line, at most 50."""


MEMORY_HERE = "memory_here"
"""The limit that is not a setting: the memory available on the machine that parsed the document."""


@dataclass(frozen=True)
class Failure:
    """Why a file has no Markdown: `reason` is one line for people, `exception_type` the class name of the cause."""

    reason: str
    exception_type: str
    parser: str
    limit: str | None = None
    """The field of `ParseLimits` that refused it, or MEMORY_HERE; a larger value makes it worth another try."""
    transient: bool = False
    """Whether the cause is not the file's content: it was removed, or its storage failed."""


Parse = Callable[[Path, ParseLimits], ParsedDocument]
"""A function that turns a file into a document, or raises Unparsable."""


class Unparsable(Exception):
    """A file that cannot be parsed, with the fields of a `Failure`; `reason` is cut to one line of 300 characters."""

    def __init__(
        self,
        reason: str,
        exception_type: str = "Unparsable",
        parser: str = "",
        limit: str | None = None,
        transient: bool = False,
    ) -> None:
        """`exception_type`: the class name of the library's exception, if one caused this."""
        self.reason = one_line(reason, 300)
        self.exception_type = exception_type
        self.parser = parser
        self.limit = limit
        self.transient = transient
        super().__init__(self.reason, exception_type, parser, limit, transient)

    def __str__(self) -> str:
        """The reason."""
        return self.reason

    def failure(self) -> Failure:
        """The failure as a value that can be pickled and compared."""
        return Failure(self.reason, self.exception_type, self.parser, self.limit, self.transient)
