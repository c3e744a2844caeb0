"""Text of pictures in scripts that the first engine has no model for, by Tesseract where its models are installed.

Its models are no Python packages: Debian has them as tesseract-ocr-rus, -ell, -ara and so on. Without them, a warning
names the package. The library runs in this process, so the limits of time and memory of the parser apply to it.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from glob import glob
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FOLDERS = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")
_FOLDERS_OF_MACS = ("/opt/homebrew/share/tessdata",)
_LEAST_CONFIDENCE = 0.6
_MOST_LATIN = 0.6  # share of the letters
_SURE_OF_SCRIPT = 1.0
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_LETTER = re.compile(r"[^\W\d_]")
# Tesseract's names of scripts to its names of languages, most spoken first.
_LANGUAGES = {
    "Cyrillic": ("rus", "ukr", "bul", "srp", "bel", "mkd", "kaz"), "Greek": ("ell", "grc"),
    "Arabic": ("ara", "fas", "urd"), "Hebrew": ("heb", "yid"), "Devanagari": ("hin", "mar", "nep", "san"),
    "Bengali": ("ben",), "Tamil": ("tam",), "Telugu": ("tel",), "Thai": ("tha",), "Georgian": ("kat",),
    "Armenian": ("hye",), "Hangul": ("kor",), "Korean": ("kor",), "Khmer": ("khm",), "Myanmar": ("mya",),
    "Ethiopic": ("amh",), "Gujarati": ("guj",), "Gurmukhi": ("pan",), "Kannada": ("kan",), "Malayalam": ("mal",),
    "Sinhala": ("sin",), "Lao": ("lao",), "Vietnamese": ("vie",),
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """What Tesseract made of a picture: '' with the name of the script if no model for it is installed."""

    text: str
    confidence: float
    """0 to 1."""
    script: str | None


@cache
def folder() -> str | None:
    """The folder of models: TESSDATA_PREFIX, or where systems install them."""
    given = os.environ.get("TESSDATA_PREFIX")
    found = [given] if given else [place for pattern in _FOLDERS + _FOLDERS_OF_MACS for place in sorted(glob(pattern))]
    return next((place for place in reversed(found) if any(Path(place).glob("*.traineddata"))), None)


@cache
def installed() -> frozenset[str]:
    """Names of the installed models, such as rus; empty without the library or models."""
    try:
        import tesserocr  # noqa: F401
    except ImportError:
        return frozenset()
    place = folder()
    return frozenset(path.stem for path in Path(place).glob("*.traineddata")) if place else frozenset()


def read(image: NDArray[np.uint8], script: str | None = None) -> Reading:
    """Reads a picture of shape (height, width, 3) with channels blue, green, red, turned in any way.

    `script`: its name, if known; otherwise it is detected from the picture where that is possible.
    """
    if not installed():
        return Reading("", 0.0, script)
    picture = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))
    turn, found = _look(picture)
    picture, script = picture.rotate(turn, expand=True), script or found
    readings = [_read(picture, languages) for languages in _choices(script)]
    text, confidence = max(readings, key=lambda reading: reading[1], default=("", 0.0))
    is_read = confidence >= _LEAST_CONFIDENCE and (script == "Vietnamese" or _is_in_another_script(text))
    return Reading(text if is_read else "", confidence, script)


def _choices(script: str | None) -> Iterator[Sequence[str]]:
    """Models to try: those of the script together, or each that is not for the first engine's scripts."""
    if script:
        if known := [name for name in _LANGUAGES.get(script, ()) if name in installed()]:
            yield known[:2]
        return
    for names in _LANGUAGES.values():
        if known := [name for name in names if name in installed()]:
            yield known[:1]


def _look(picture: Image.Image) -> tuple[int, str | None]:
    """Degrees to turn it counterclockwise, and the name of its script; 0 and None if there is too little text."""
    if "osd" not in installed():
        return 0, None
    import tesserocr

    with tesserocr.PyTessBaseAPI(path=folder(), lang="osd", psm=tesserocr.PSM.OSD_ONLY) as engine:
        engine.SetImage(picture)
        found = engine.DetectOrientationScript()
    if not found:
        return 0, None
    name, is_sure = str(found["script_name"]), found["script_conf"] >= _SURE_OF_SCRIPT
    return int(found["orient_deg"]), name if is_sure and name in _LANGUAGES else None


def _read(picture: Image.Image, languages: Sequence[str]) -> tuple[str, float]:
    import tesserocr

    names = [*languages, *(["eng"] if "eng" in installed() else [])]  # for names and addresses between
    with tesserocr.PyTessBaseAPI(path=folder(), lang="+".join(names)) as engine:
        engine.SetImage(picture)
        text = str(engine.GetUTF8Text()).strip()
        return text, engine.MeanTextConf() / 100 if text else 0.0


def _is_in_another_script(text: str) -> bool:
    """Whether it is not a page in Latin letters whose script was mistaken."""
    return len(_LATIN.findall(text)) < _MOST_LATIN * len(_LETTER.findall(text))


def package(script: str | None) -> str:
    """What to install for a script, in words."""
    return f"Tesseract's model of the language (Debian: tesseract-ocr-{_LANGUAGES.get(script or '', ('LANGUAGE',))[0]})"
