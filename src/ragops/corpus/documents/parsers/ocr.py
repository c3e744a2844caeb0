"""Text in a picture: RapidOCR, whose models come with the package, and Tesseract for scripts that it has no model for.

RapidOCR finds lines of any script, turned in any way; we turn the page, put lines in reading order, and find out
whether its model knew the letters: of a line in another script it returns spaces and full stops with high confidence.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR
from rapidocr.main import RapidOCRError
from rapidocr.utils.process_img import map_boxes_to_original

from ragops.corpus.documents.limits import ParseLimits, restart_time_limit
from ragops.corpus.documents.parsers import tesseract
from ragops.corpus.documents.parsers.columns import Box, in_columns

Picture = NDArray[np.uint8]
"""Shape (height, width, 3), channels blue, green, red."""

_MIN_CONFIDENCE = 0.6
_SURE = 0.9  # a page with less is tried upside down
_PLAUSIBLE = 0.85  # upside down Hebrew gives Latin letters with 0.75
_DOUBTFUL = 0.75
_SAMPLE = 8  # longest lines, enough to tell which way is up
_STANDING = 1.5  # from this ratio of height to width RapidOCR turns a line counterclockwise before it reads it
_LEAST_LETTERS = 0.45  # for each multiple of a line's height in its width: 1.7 to 2.3 in Latin, 0.8 in Chinese
_UNREAD = 0.5  # share of the lines' length
_SOME_UNREAD = 0.15
_NARROW = 2  # ratio of the sides
_THREADS = 1  # Spark already runs one parsing child per core
_NEW_PARAGRAPH = 1.0  # gap between two lines, as a multiple of a line's height
_GREEK = re.compile("[\u0370-\u03ff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_VIETNAMESE = re.compile("[\u01a0\u01a1\u01af\u01b0]")  # letters of no other language; the others lose their accents
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Recognized:
    """Text of a picture, '' if there is none, and what of it could not be read."""

    text: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Line:
    box: Box
    confidence: float

    @property
    def length(self) -> float:
        """Width as a multiple of the height."""
        return (self.box.right - self.box.left) / max(self.box.bottom - self.box.top, 1)

    @property
    def is_read(self) -> bool:
        """Whether the model knew its letters."""
        letters = len("".join(self.box.text.split()))
        return self.confidence >= _MIN_CONFIDENCE and letters >= max(1, _LEAST_LETTERS * self.length)


@cache
def _engine() -> RapidOCR:
    # Without the angle classifier, which turns about one line of small print in ten upside down and loses it.
    options = {"Global.use_cls": False, "Global.text_score": 0.0, "Global.log_level": "error"}
    threads = dict.fromkeys(("intra_op_num_threads", "inter_op_num_threads"), _THREADS)
    return RapidOCR(params=options | {f"EngineConfig.onnxruntime.{name}": value for name, value in threads.items()})


def recognize(image: Picture, limits: ParseLimits) -> Recognized:
    """Text of a picture that is turned by any multiple of 90 degrees, column after column.

    Lines with a confidence under 0.6 are dropped. A blank line stands where two lines are further apart than one line
    is high. If most of it is in a script without a model, there is no text but a warning. The time limit restarts
    before and after.
    """
    restart_time_limit(limits.timeout_s)
    try:
        return _recognized(image)
    finally:
        restart_time_limit(limits.timeout_s)


def _recognized(image: Picture) -> Recognized:
    lines = _lines(image)
    total = sum(line.length for line in lines)
    if not total:
        return Recognized("")
    read = [line for line in lines if line.is_read]
    unread = 1 - sum(line.length for line in read) / total
    text = "\n".join(line.box.text for line in read)
    script = _weak_script(text)
    if script or unread >= _SOME_UNREAD:
        reading = tesseract.read(image, script)
        if reading.text:
            return Recognized(reading.text)
        if script or unread >= _UNREAD:
            return Recognized("", (_unread(len(lines), reading.script),))
    warnings = []
    if unread >= _SOME_UNREAD:
        warnings.append(f"OCR could not read {len(lines) - len(read)} of {len(lines)} lines")
    confidence = sum(line.confidence * line.length for line in read) / sum(line.length for line in read)
    if confidence < _DOUBTFUL:
        warnings.append(f"OCR with low confidence ({confidence:.2f})")
    groups = in_columns([line.box for line in read])
    return Recognized("\n\n".join(_join(_rows(group)) for group in groups), tuple(warnings))


def _weak_script(text: str) -> str | None:
    """The script if the model knows some of its letters only: Greek without accents, Vietnamese without most."""
    if len(_GREEK.findall(text)) > len(_LATIN.findall(text)):
        return "Greek"
    if len(_VIETNAMESE.findall(text)) > 0.01 * len(_LETTER.findall(text)):
        return "Vietnamese"
    return None


def _unread(lines: int, script: str | None) -> str:
    what = f"{script} letters" if script else "letters without a model, or the picture is too poor"
    return f"OCR could not read {lines} lines: {what}; to read them, install {tesseract.package(script)}"


def _lines(image: Picture) -> list[_Line]:
    """Lines with their boxes on the upright page; those with no text too."""
    engine = _engine()
    image = _less_narrow(image)
    picture, done = engine.preprocess_img(image)
    try:
        crops, detected = engine.detect_and_crop(picture, done)
    except RapidOCRError:  # it found no text
        return []
    if detected.boxes is None:
        return []
    height, width = image.shape[:2]
    corners = map_boxes_to_original(detected.boxes, done, height, width)
    standing = [_is_standing(box) for box in corners]
    order = sorted(range(len(crops)), key=lambda index: -max(crops[index].shape[:2]))
    stands = 2 * sum(standing[index] for index in order[:_SAMPLE]) > len(order[:_SAMPLE])
    results = _read(engine, crops)
    turned = _is_upside_down(engine, crops, results, order[:_SAMPLE])
    if turned:
        results = _read(engine, [np.rot90(crop, 2) for crop in crops])
    return [
        _Line(_box(text, _upright(box, stands, turned, height, width)), confidence)
        for box, (text, confidence) in zip(corners, results, strict=True)
    ]


def _less_narrow(image: Picture) -> Picture:
    """With more paper below or to the right: RapidOCR enlarges the short side to 736 pixels, a banner to millions."""
    height, width = image.shape[:2]
    rows, columns = max(0, width // _NARROW - height), max(0, height // _NARROW - width)
    return np.pad(image, ((0, rows), (0, columns), (0, 0)), mode="edge") if rows or columns else image


def _is_standing(corners: NDArray[np.float32]) -> bool:
    """Whether RapidOCR turns the line inside these four corners."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return bool(max(sides[1], sides[3]) >= _STANDING * max(sides[0], sides[2]))


def _read(engine: RapidOCR, crops: Sequence[Picture]) -> list[tuple[str, float]]:
    found = engine.recognize_txt(list(crops))
    return list(zip(found.txts or (), (float(score) for score in found.scores), strict=True))


def _is_upside_down(
    engine: RapidOCR, crops: Sequence[Picture], results: Sequence[tuple[str, float]], sample: Sequence[int]
) -> bool:
    """Whether the longest lines can be read better the other way round."""
    before = _quality(results[index] for index in sample)
    if before >= _SURE * len(sample):
        return False
    after = _quality(_read(engine, [np.rot90(crops[index], 2) for index in sample]))
    return after > before and after >= _PLAUSIBLE * len(sample)


def _quality(results: Iterable[tuple[str, float]]) -> float:
    return sum(confidence for text, confidence in results if _LETTER.search(text))


def _upright(corners: NDArray[np.float32], stands: bool, turned: bool, height: int, width: int) -> NDArray[np.float32]:
    """Corners after the page is turned."""
    x, y = corners[:, 0], corners[:, 1]
    if stands:  # counterclockwise, or clockwise if the lines were upside down after that
        return np.stack([height - y, x] if turned else [y, width - x], axis=1)
    return np.stack([width - x, height - y], axis=1) if turned else corners


def _box(text: str, corners: NDArray[np.float32]) -> Box:
    left, top = (float(value) for value in corners.min(axis=0))
    right, bottom = (float(value) for value in corners.max(axis=0))
    return Box(" ".join(text.split()), left, right, top, bottom)


def _rows(boxes: Sequence[Box]) -> list[Box]:
    """Joins boxes side by side to one line: those whose middle is within the first one's height."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: box.top):
        if rows and rows[-1][0].top <= box.middle <= rows[-1][0].bottom:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [_merge(sorted(row, key=lambda box: box.left)) for row in rows]


def _merge(row: Sequence[Box]) -> Box:
    text = " ".join(box.text for box in row)
    return Box(text, row[0].left, row[-1].right, min(box.top for box in row), max(box.bottom for box in row))


def _join(lines: Sequence[Box]) -> str:
    height = median(line.bottom - line.top for line in lines)
    text = lines[0].text
    for above, line in zip(lines, lines[1:], strict=False):
        text += ("\n\n" if line.top - above.bottom > _NEW_PARAGRAPH * height else "\n") + line.text
    return text
