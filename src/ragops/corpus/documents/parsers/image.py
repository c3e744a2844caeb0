"""Text in images by OCR."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.ocr import Recognized, recognize
from ragops.corpus.documents.types import Extract, Unparsable

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")  # Pillow supports many more, some of which run programs
_BRIGHT = 160  # of 255, of the visible pixels of a picture that is meant for a dark background


def parse_image(path: Path, limits: ParseLimits) -> Extract:
    """Text in an image by OCR; each frame of a TIFF is a page, other formats give their first frame.

    Raises:
        Unparsable: more pixels or more frames than allowed, or nothing that OCR can read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata and, too late, about size
        # As a stream: Pillow maps files that it opens itself into memory, which a mounted volume may refuse.
        with path.open("rb") as stream, Image.open(stream, formats=_FORMATS) as image:
            frames = getattr(image, "n_frames", 1)
            pages = frames if image.format == "TIFF" else 1
            if pages > limits.max_ocr_pages:
                reason = f"too large: {pages:,} frames, at most {limits.max_ocr_pages:,} are allowed"
                raise Unparsable(reason, limit="max_ocr_pages")
            shown = ImageSequence.Iterator(image) if pages > 1 else [image]
            read = [_read(frame, limits) for frame in shown]
    missing = [*_warnings(read), *([f"{frames - pages} more frames were not read"] if frames > pages else [])]
    texts = [page.text for page in read]
    if missing and not any(texts):
        raise Unparsable(f"empty: {missing[0]}")
    if pages == 1:
        return Extract(texts[0], pages=1, ocr=True, warnings=tuple(missing))
    marked = [f"<!-- page: {number} -->\n\n{text}" for number, text in enumerate(texts, 1)]
    return Extract("\n\n".join(marked) if any(texts) else "", pages=pages, ocr=True, warnings=tuple(missing))


def _warnings(read: list[Recognized]) -> list[str]:
    if len(read) == 1:
        return list(read[0].warnings)
    return [f"page {number}: {warning}" for number, page in enumerate(read, 1) for warning in page.warnings]


def _read(frame: Image.Image, limits: ParseLimits) -> Recognized:
    """OCR of one frame; its size is checked before it is decoded."""
    if frame.width * frame.height > limits.max_pixels:
        reason = f"too large: {frame.width:,} x {frame.height:,} pixels, at most {limits.max_pixels:,}"
        raise Unparsable(reason, limit="max_pixels")
    upright = ImageOps.exif_transpose(frame).convert("RGBA")
    paper = Image.new("RGBA", upright.size, _paper(upright))  # of what is transparent
    colors = np.asarray(Image.alpha_composite(paper, upright).convert("RGB"))
    return recognize(np.ascontiguousarray(colors[:, :, ::-1]), limits)


def _paper(image: Image.Image) -> str:
    """White, or black if what is not transparent is bright: letters for dark pages."""
    pixels = np.asarray(image)
    seen = pixels[:, :, 3] >= 128
    is_bright = not seen.all() and seen.any() and pixels[:, :, :3][seen].mean() >= _BRIGHT
    return "black" if is_bright else "white"
