"""PDFs written by hand, for what libraries that write PDFs do not write: fields, layers, attachments, turned pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field

A4 = (0, 0, 595, 842)


@dataclass
class RawPdf:
    """A PDF of one page with Helvetica as /F1.

    Attributes:
        content: of the page.
        rotate: its /Rotate.
        box: its media box; `crop` its crop box.
        annotations: dictionaries without << and >>.
        resources: more entries of the page's resources.
        catalog: more entries of the catalog.
        objects: more objects, which are numbered from FIRST.
    """

    content: str
    rotate: int = 0
    box: Sequence[int] = A4
    crop: Sequence[int] | None = None
    annotations: Sequence[str] = ()
    resources: str = ""
    catalog: str = ""
    objects: list[bytes] = field(default_factory=list)

    def data(self) -> bytes:
        """The file."""
        content = self.content.encode("latin-1")
        boxes = f"/MediaBox [{_numbers(self.box)}]" + (f" /CropBox [{_numbers(self.crop)}]" if self.crop else "")
        annotations = " ".join(f"<< /Type /Annot {entries} >>" for entries in self.annotations)
        numbered = [
            f"<< /Type /Catalog /Pages 2 0 R {self.catalog} >>".encode(),
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                f"<< /Type /Page /Parent 2 0 R {boxes} /Rotate {self.rotate} /Contents 4 0 R /Annots [{annotations}] "
                f"/Resources << /Font << /F1 5 0 R >> {self.resources} >> >>"
            ).encode(),
            stream("", content),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            *self.objects,
        ]
        body = b"".join(b"%d 0 obj\n%b\nendobj\n" % pair for pair in enumerate(numbered, 1))
        return b"%PDF-1.6\n" + body + b"trailer << /Root 1 0 R >>\n%%EOF\n"


FIRST = 6
"""Number of the first of `RawPdf.objects`."""


def stream(entries: str, data: bytes) -> bytes:
    """An object with data."""
    return b"<< %b /Length %d >> stream\n%b\nendstream" % (entries.encode(), len(data), data)


def appearance(text: str, width: int, height: int) -> bytes:
    """What a field or annotation looks like: one line of text."""
    entries = f"/Type /XObject /Subtype /Form /BBox [0 0 {width} {height}] /Resources << /Font << /F1 5 0 R >> >>"
    return stream(entries, f"/Tx BMC q BT /F1 11 Tf 2 5 Td ({text}) Tj ET Q EMC".encode("latin-1"))


def lines(*texts: str, left: float = 72, top: float = 700, pitch: float = 14, before: str = "") -> str:
    """Lines of 11 point, each a text object; `before` stands before each text, for example `3 Tr`."""
    return "\n".join(
        f"BT /F1 11 Tf {before} {left} {top - pitch * number:g} Td ({text}) Tj ET" for number, text in enumerate(texts)
    )


def _numbers(values: Sequence[int]) -> str:
    return " ".join(map(str, values))
