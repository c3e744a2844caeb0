"""Pictures of text."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.ocr import recognise
from ragops.corpus.documents.types import Extract, Unparsable

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")  # Pillow knows many more, among them some that run programs


def parse_image(path: Path, limits: ParseLimits) -> Extract:
    """Text in a picture through OCR; each frame of a TIFF is a page, of any other format the first frame counts.

    Raises:
        Unparsable: more pixels or more frames than allowed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata and, late, about size
        # By stream: a file that it opens itself Pillow maps into memory, which a mounted volume may refuse.
        with path.open("rb") as stream, Image.open(stream, formats=_FORMATS) as image:
            pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
            if pages > limits.max_ocr_pages:
                reason = f"too large: {pages:,} frames, at most {limits.max_ocr_pages:,} are allowed"
                raise Unparsable(reason, limit="max_ocr_pages")
            frames = ImageSequence.Iterator(image) if pages > 1 else [image]
            texts = [_read(frame, limits) for frame in frames]
    if pages == 1:
        return Extract(texts[0], pages=1, ocr=True)
    marked = [f"<!-- page: {number} -->\n\n{text}" for number, text in enumerate(texts, 1)]
    return Extract("\n\n".join(marked) if any(texts) else "", pages=pages, ocr=True)


def _read(frame: Image.Image, limits: ParseLimits) -> str:
    """Sizes are known before anything is decoded."""
    if frame.width * frame.height > limits.max_pixels:
        reason = f"too large: {frame.width:,} x {frame.height:,} pixels, at most {limits.max_pixels:,}"
        raise Unparsable(reason, limit="max_pixels")
    upright = ImageOps.exif_transpose(frame).convert("RGBA")
    paper = Image.new("RGBA", upright.size, "white")  # transparent is white, not black
    colours = np.asarray(Image.alpha_composite(paper, upright).convert("RGB"))
    return recognise(np.ascontiguousarray(colours[:, :, ::-1]), limits)
