"""Text in pictures, read with RapidOCR, whose models come with the package."""

from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rapidocr_onnxruntime import RapidOCR

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.time_limit import restart

_MIN_CONFIDENCE = 0.6
_THREADS = 1  # Spark already runs one parsing child for each core
_NEW_PARAGRAPH = 1.0  # gap between two lines, as a multiple of a line's height


@dataclass(frozen=True)
class _Line:
    text: str
    left: float
    top: float
    bottom: float


@cache
def _engine() -> RapidOCR:
    # Without the classifier of angles: it turns about one line of small print in ten upside down, and loses it.
    threads = {"intra_op_num_threads": _THREADS, "inter_op_num_threads": _THREADS}
    return RapidOCR(use_cls=False, text_score=_MIN_CONFIDENCE, **threads)


def recognise(image: NDArray[np.uint8], limits: ParseLimits) -> str:
    """Text in an image of shape (height, width, 3), channels in the order blue, green, red; '' where there is none.

    What is read with a confidence under 0.6 is dropped. Boxes come line by line from the top left, and a blank line
    stands where two lines are further apart than one line is high. The time limit starts anew before and after.
    """
    restart(limits.timeout_s)
    boxes, _ = _engine()(image)
    restart(limits.timeout_s)
    found = [
        _Line(text, min(x for x, _ in corners), min(y for _, y in corners), max(y for _, y in corners))
        for corners, text, _ in boxes or []
    ]
    return _join(_in_reading_order(found))


def _in_reading_order(boxes: list[_Line]) -> list[_Line]:
    """Boxes side by side become one line: those whose middle lies within the first one's height."""
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
