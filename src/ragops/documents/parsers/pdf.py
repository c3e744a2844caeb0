"""PDF through pypdfium2."""

from pathlib import Path

import pypdfium2

from ragops.documents.limits import ParseLimits
from ragops.documents.outcomes import Extract, Unparsable


def parse_pdf(path: Path, limits: ParseLimits) -> Extract:
    """Text of each page after a page marker, title from the metadata. Raises Unparsable: encrypted, too many pages."""
    with pypdfium2.PdfDocument(path) as document:
        if len(document) > limits.max_pages:
            raise Unparsable(f"too large: {len(document):,} pages, at most {limits.max_pages:,} are allowed")
        texts = [page.get_textpage().get_text_range() for page in document]
        markdown = "\n\n".join(f"<!-- page: {number} -->\n\n{text}" for number, text in enumerate(texts, 1))
        return Extract(markdown, title=document.get_metadata_value("Title"), pages=len(texts))
