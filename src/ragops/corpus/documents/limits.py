"""What one document may cost before it is quarantined."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class ParseLimits:
    """Bounds for one document; sizes in bytes, time in seconds. The defaults suit a laptop with 8 GB."""

    max_bytes: int = 100 * MIB
    """Size of the file itself."""
    max_unpacked_bytes: int = 512 * MIB
    """Sum of what a zipped format (docx, pptx, xlsx) unpacks to."""
    max_entries: int = 10_000
    """Files inside a zipped format."""
    max_ratio: int = 200
    """Unpacked to packed size of a zipped format that unpacks to more than 32 MiB."""
    max_pages: int = 2_000
    """Pages of a PDF, slides, or frames of an image."""
    max_pixels: int = 50_000_000
    """Width times height of an image."""
    max_characters: int = 20_000_000
    """Length of the Markdown that comes out."""
    max_ocr_pages: int = 100
    """Pages of a document that are pictures: each takes OCR some seconds."""
    timeout_s: float = 60.0
    """Wall time in the parser; the OCR of each page has as much again for itself."""
    memory_bytes: int = 2048 * MIB
    """Private writable memory of the process that parses, its libraries and models included."""

    @property
    def longest_s(self) -> float:
        """Wall time that the slowest document allowed may take, in seconds."""
        return self.timeout_s * (1 + self.max_ocr_pages)
