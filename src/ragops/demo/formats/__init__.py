"""The file formats that the corpus is written in."""

from collections.abc import Callable, Mapping

from ragops.demo.formats.document import Document
from ragops.demo.formats.markdown import to_markdown
from ragops.demo.formats.pdf import to_pdf
from ragops.demo.formats.picture import to_picture
from ragops.demo.formats.webpage import to_webpage
from ragops.demo.formats.word import to_word

RENDERERS: Mapping[str, Callable[[Document], bytes]] = {
    ".md": to_markdown,
    ".html": to_webpage,
    ".docx": to_word,
    ".pdf": to_pdf,
    ".png": to_picture,
    ".txt": lambda document: document.text.encode(),
}
"""By file suffix. Every renderer returns the same bytes for the same document."""

__all__ = ["RENDERERS", "Document"]
