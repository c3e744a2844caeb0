"""Word and PowerPoint through markitdown."""

import re
import warnings
from pathlib import Path

from markitdown import DocumentConverter, StreamInfo
from markitdown.converters import DocxConverter, PptxConverter

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.sniffing import check_archive
from ragops.corpus.documents.types import Extract, Unparsable

_IMAGE = re.compile(r"!\[[^\]\n]{0,500}\]\([^)\n]{0,500}\)")
_SLIDE = re.compile(r"\n*<!-- Slide number: (\d+) -->\n+")


def parse_docx(path: Path, limits: ParseLimits) -> Extract:
    """Headings, lists and tables of a Word file. Raises Unparsable for zip bombs and encrypted files."""
    return Extract(_convert(DocxConverter, path, limits))


def parse_pptx(path: Path, limits: ParseLimits) -> Extract:
    """Slides as pages, titles as headings, notes included. Raises Unparsable as for Word, or for too many slides."""
    markdown = _SLIDE.sub(r"\n\n<!-- page: \1 -->\n\n", _convert(PptxConverter, path, limits))
    pages = markdown.count("<!-- page: ")
    if pages > limits.max_pages:
        reason = f"too large: {pages:,} slides, at most {limits.max_pages:,} are allowed"
        raise Unparsable(reason, limit="max_pages")
    return Extract(markdown, pages=pages)


def _convert(converter: type[DocumentConverter], path: Path, limits: ParseLimits) -> str:
    """Markdown without images or escapes; escapes would distort words for search, and the text is not rendered."""
    check_archive(path, limits)
    with path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        about = StreamInfo(extension=path.suffix.lower())
        markdown = converter().convert(stream, about, escape_asterisks=False, escape_underscores=False).markdown
    return _IMAGE.sub("", markdown)
