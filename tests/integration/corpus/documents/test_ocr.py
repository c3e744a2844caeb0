from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers import tesseract
from ragops.corpus.documents.parsers.ocr import recognize
from ragops.corpus.documents.parsing import parse
from ragops.corpus.documents.types import Unparsable
from tests.support.document_cases.case import Case
from tests.support.document_cases.pictures import CASES, IN_GREEK, IN_RUSSIAN, OTHER_SCRIPTS, RUSSIAN, paper

# The parser restarts the timer with its own limit, and it is pytest's timer here.
LIMITS = ParseLimits(timeout_s=1200)


@pytest.fixture
def without_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on a machine where no models of Tesseract are installed."""
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    for cached in (tesseract.installed, tesseract.folder):
        cached.cache_clear()


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))[:, :, ::-1].copy()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_reader_finds_what_the_picture_shows(case: Case, tmp_path: Path) -> None:
    case.check(parse(case.write(tmp_path), LIMITS))


@pytest.mark.parametrize(("case", "model"), [(IN_RUSSIAN, "rus"), (IN_GREEK, "ell")], ids=["russian", "greek"])
@pytest.mark.parametrize("angle", [0, 180])
def test_other_scripts_are_read_with_a_model(case: Case, model: str, angle: int, tmp_path: Path) -> None:
    tesseract.installed.cache_clear()
    tesseract.folder.cache_clear()
    if model not in tesseract.installed():
        pytest.skip(f"Tesseract's model {model} is not installed (Debian: tesseract-ocr-{model})")
    path = case.write(tmp_path)
    with Image.open(path) as image:
        image.rotate(angle).save(path)
    case.check(parse(path, LIMITS))


@pytest.mark.parametrize("name", OTHER_SCRIPTS)
def test_other_scripts_are_not_read_without_a_model(name: str, without_models: None, tmp_path: Path) -> None:
    OTHER_SCRIPTS[name]().save(tmp_path / "a.png")
    with pytest.raises(Unparsable, match=r"^empty: OCR could not read \d lines: .*install Tesseract's model"):
        parse(tmp_path / "a.png", LIMITS)


def test_a_page_that_cannot_be_read_is_a_warning(without_models: None, tmp_path: Path) -> None:
    paper("The office is open from eight to four.").save(
        tmp_path / "a.tiff", save_all=True, append_images=[paper(RUSSIAN)]
    )
    parsed = parse(tmp_path / "a.tiff", LIMITS)
    assert "The office is open" in parsed.markdown
    assert parsed.markdown.endswith("<!-- page: 2 -->")
    assert [warning.split(":")[0] for warning in parsed.warnings] == ["page 2"]


def test_text_is_in_reading_order_with_lines_and_paragraphs() -> None:
    image = Image.new("RGB", (900, 320), "white")
    font = ImageFont.load_default(36)
    for x, y, text in [(520, 24, "on the right"), (20, 20, "first words"), (20, 80, "second line"), (20, 240, "apart")]:
        ImageDraw.Draw(image).text((x, y), text, font=font, fill="black")
    assert recognize(pixels(image), LIMITS).text == "first words on the right\nsecond line\n\napart"


def test_letters_for_a_dark_background_are_read(tmp_path: Path) -> None:
    image = Image.new("RGBA", (700, 120), (0, 0, 0, 0))
    ImageDraw.Draw(image).text((20, 40), "white letters on nothing", font=ImageFont.load_default(36), fill="white")
    image.save(tmp_path / "a.png")
    assert "white letters on nothing" in parse(tmp_path / "a.png", LIMITS).markdown


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.bmp", "a.gif", "a.webp", "scan.pdf"])
def test_text_in_images_is_recognized(samples: Path, name: str) -> None:
    parsed = parse(samples / name, LIMITS)
    assert "harbour opens at six" in parsed.markdown
    assert (parsed.ocr, parsed.pages) == (True, 1)


def test_an_image_without_text_gives_no_text() -> None:
    assert recognize(np.full((120, 120, 3), 255, np.uint8), LIMITS).text == ""
