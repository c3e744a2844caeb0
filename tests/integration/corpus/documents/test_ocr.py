from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.image import recognize
from ragops.corpus.documents.parsing import parse


def test_text_is_in_reading_order_with_lines_and_paragraphs() -> None:
    image = Image.new("RGB", (900, 320), "white")
    font = ImageFont.load_default(36)
    for x, y, text in [(520, 24, "on the right"), (20, 20, "first words"), (20, 80, "second line"), (20, 240, "apart")]:
        ImageDraw.Draw(image).text((x, y), text, font=font, fill="black")
    text = recognize(np.asarray(image)[:, :, ::-1].copy(), ParseLimits())
    assert text == "first words on the right\nsecond line\n\napart"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.bmp", "a.gif", "a.webp", "scan.pdf"])
def test_text_in_images_is_recognized(samples: Path, name: str) -> None:
    parsed = parse(samples / name, ParseLimits())
    assert "harbouropensatsix" in parsed.markdown.replace(" ", "")
    assert (parsed.ocr, parsed.pages) == (True, 1)


def test_an_image_without_text_gives_no_text() -> None:
    assert recognize(np.full((120, 120, 3), 255, np.uint8), ParseLimits()) == ""
