"""The file formats that the corpus is written in."""

from collections.abc import Callable, Mapping

from ragops.sample.formats.document import Document
from ragops.sample.formats.markdown import to_markdown
from ragops.sample.formats.pdf import to_pdf
from ragops.sample.formats.picture import to_picture
from ragops.sample.formats.webpage import to_webpage
from ragops.sample.formats.word import to_word

RENDERERS: Mapping[str, Callable[[Document], bytes]] = {
    ".md": to_markdown,
    ".html": to_webpage,
    ".docx": to_word,
    ".pdf": to_pdf,
    ".png": to_picture,
    ".txt": lambda document: document.text.encode(),
}
"""By file suffix. Every renderer gives the same bytes for the same document."""

__all__ = ["RENDERERS", "Document"]
