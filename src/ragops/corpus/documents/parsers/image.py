"""Text in images, recognized by RapidOCR, whose models come with the package."""

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence
from rapidocr_onnxruntime import RapidOCR

from ragops.corpus.documents.limits import ParseLimits, restart_time_limit
from ragops.corpus.documents.types import Extract, Unparsable

_MIN_CONFIDENCE = 0.6
_THREADS = 1  # Spark already runs one parsing child per core
_NEW_PARAGRAPH = 1.0  # gap between two lines, as a multiple of a line's height


@dataclass(frozen=True)
class _Line:
    text: str
    left: float
    top: float
    bottom: float


@cache
def _engine() -> RapidOCR:
    # Without the angle classifier, which turns about one line of small print in ten upside down and loses it.
    threads = {"intra_op_num_threads": _THREADS, "inter_op_num_threads": _THREADS}
    return RapidOCR(use_cls=False, text_score=_MIN_CONFIDENCE, **threads)


def recognize(image: NDArray[np.uint8], limits: ParseLimits) -> str:
    """Text in an image of shape (height, width, 3) with channels blue, green, red; '' if there is none.

    Text with a confidence under 0.6 is dropped. Boxes are ordered line by line from the top left, with a blank line
    where two lines are further apart than one line is high. The time limit restarts before and after.
    """
    restart_time_limit(limits.timeout_s)
    boxes, _ = _engine()(image)
    restart_time_limit(limits.timeout_s)
    found = [
        _Line(text, min(x for x, _ in corners), min(y for _, y in corners), max(y for _, y in corners))
        for corners, text, _ in boxes or []
    ]
    return _join(_in_reading_order(found))


def _in_reading_order(boxes: list[_Line]) -> list[_Line]:
    """Joins boxes side by side to one line: those whose middle is within the first one's height."""
    rows: list[list[_Line]] = []
    for box in sorted(boxes, key=lambda box: box.top):
        middle = (box.top + box.bottom) / 2
        if rows and rows[-1][0].top <= middle <= rows[-1][0].bottom:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [_merge(sorted(row, key=lambda box: box.left)) for row in rows]


def _merge(row: list[_Line]) -> _Line:
    text = " ".join(box.text for box in row)
    return _Line(text, row[0].left, min(box.top for box in row), max(box.bottom for box in row))


def _join(lines: list[_Line]) -> str:
    if not lines:
        return ""
    height = median(line.bottom - line.top for line in lines)
    text = lines[0].text
    for above, line in zip(lines, lines[1:], strict=False):
        text += ("\n\n" if line.top - above.bottom > _NEW_PARAGRAPH * height else "\n") + line.text
    return text


_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP")  # Pillow supports many more, some of which run programs


def parse_image(path: Path, limits: ParseLimits) -> Extract:
    """Text in an image by OCR; each frame of a TIFF is a page, other formats give their first frame.

    Raises:
        Unparsable: more pixels or more frames than allowed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about odd metadata and, too late, about size
        # As a stream: Pillow maps files that it opens itself into memory, which a mounted volume may refuse.
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
    """OCR of one frame; its size is checked before it is decoded."""
    if frame.width * frame.height > limits.max_pixels:
        reason = f"too large: {frame.width:,} x {frame.height:,} pixels, at most {limits.max_pixels:,}"
        raise Unparsable(reason, limit="max_pixels")
    upright = ImageOps.exif_transpose(frame).convert("RGBA")
    paper = Image.new("RGBA", upright.size, "white")  # transparent pixels become white, not black
    colors = np.asarray(Image.alpha_composite(paper, upright).convert("RGB"))
    return recognize(np.ascontiguousarray(colors[:, :, ::-1]), limits)
