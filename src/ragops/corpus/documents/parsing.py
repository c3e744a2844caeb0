"""Parses any file to Markdown, or gives the reason why it cannot."""

import errno
import re
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from ragops.corpus.documents.landing import is_transient
from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.metadata import choose_title, detect_language, load_model
from ragops.corpus.documents.normalize import normalize
from ragops.corpus.documents.parsers.registry import PARSERS
from ragops.corpus.documents.sniffing import FORMATS, sniff_format
from ragops.corpus.documents.types import Extract, ParsedDocument, Unparsable
from ragops.text import one_line

__all__ = ["PARSER_VERSION", "ParseLimits", "ParsedDocument", "Unparsable", "parse", "parser_name", "prepare"]

PARSER_VERSION = "2"
"""Increase with every change of a parser's output: all files are then parsed again."""

_NO_MEMORY = re.compile(r"std::bad_alloc|Failed to allocate")  # messages of ONNX Runtime and OpenCV
_PAGE_MARKER = re.compile(r"^<!-- page: \d+ -->$", re.MULTILINE)
# A document of thematic breaks alone would have no chunks, and be split again in each run.
_TEXT = re.compile(r"[^\s*_-]")
_MOST_WARNINGS = 50
_LONGEST_WARNING = 200  # characters


def parser_name(format: str | None) -> str:
    """Name of a format's parser; '' if the format is unknown."""
    return PARSERS[format].name if format else ""


def prepare(path: Path) -> None:
    """Loads what a file with this extension needs, so that the file's time limit does not include it."""
    format = FORMATS.get(path.suffix.lower())
    if format:
        PARSERS[format].load()
        load_model()


def parse(path: Path, limits: ParseLimits) -> ParsedDocument:
    """Parses one file in this process; only `sandbox.ParserPool` limits time and memory.

    Raises:
        Unparsable: the file cannot be parsed, whatever it contains.
        MemoryError: parsing needs more memory than is available.
    """
    format = None
    try:
        _check_file(path, limits)
        format = sniff_format(path)
        return _finish(PARSERS[format].load()(path, limits), path, format, limits)
    except Unparsable as error:
        error.parser = parser_name(format)
        raise
    except MemoryError:
        raise
    except Exception as error:  # libraries raise any type on damaged files
        if _NO_MEMORY.search(str(error)):
            raise MemoryError from error
        reason, transient = _reason(path, format, error), isinstance(error, OSError) and is_transient(error)
        raise Unparsable(reason, type(error).__name__, parser_name(format), transient=transient) from error


def _check_file(path: Path, limits: ParseLimits) -> None:
    status = path.stat()
    if not S_ISREG(status.st_mode):
        raise Unparsable("not a regular file")
    if status.st_size == 0:
        raise Unparsable("empty: the file has no bytes")
    if status.st_size > limits.max_bytes:
        reason = f"too large: {status.st_size / MIB:,.0f} MiB, at most {limits.max_bytes / MIB:,.0f} MiB"
        raise Unparsable(reason, limit="max_bytes")


def _finish(extract: Extract, path: Path, format: str, limits: ParseLimits) -> ParsedDocument:
    if len(extract.markdown) > limits.max_characters:
        reason = f"too large: {len(extract.markdown):,} characters of text, at most {limits.max_characters:,}"
        raise Unparsable(reason, limit="max_characters")
    markdown = normalize(extract.markdown)
    if not _TEXT.search(_PAGE_MARKER.sub("", markdown)):
        raise Unparsable("empty: no text found")
    return ParsedDocument(
        markdown=markdown,
        title=choose_title(extract.title, markdown, path),
        language=detect_language(markdown),
        format=format,
        pages=extract.pages,
        parser=parser_name(format),
        ocr=extract.ocr,
        warnings=_sentences(extract.warnings),
    )


def _sentences(warnings: Iterable[str]) -> tuple[str, ...]:
    """Distinct warnings on one line each; a file may have thousands of damaged parts."""
    distinct = list(dict.fromkeys(one_line(warning, _LONGEST_WARNING) for warning in warnings))
    more = len(distinct) - _MOST_WARNINGS + 1
    return tuple(distinct if more <= 1 else [*distinct[: _MOST_WARNINGS - 1], f"and {more:,} more parts"])


def _reason(path: Path, format: str | None, error: Exception) -> str:
    # Pillow raises OSError without errno for damaged images; zipfile seeks to wherever a damaged directory points.
    if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
        return f"cannot be read: {error.strerror}"
    if isinstance(error, RecursionError):
        return "corrupt: nested too deeply"
    lines = str(error).strip().splitlines() or [""]
    message = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    message = message.replace(f"<_io.BufferedReader name={str(path)!r}>", repr(path.name))  # how Pillow names it
    message = message.replace(str(path), path.name)
    return f"corrupt: {type(error).__name__} while reading it as {format}: {message}"
