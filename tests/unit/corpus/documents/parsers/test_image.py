import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.image import recognize


def test_reading_order_lines_and_paragraphs() -> None:
    image = Image.new("RGB", (900, 320), "white")
    font = ImageFont.load_default(36)
    for x, y, text in [(520, 24, "on the right"), (20, 20, "first words"), (20, 80, "second line"), (20, 240, "apart")]:
        ImageDraw.Draw(image).text((x, y), text, font=font, fill="black")
    text = recognize(np.asarray(image)[:, :, ::-1].copy(), ParseLimits())
    assert text == "first words on the right\nsecond line\n\napart"


def test_an_image_without_text() -> None:
    assert recognize(np.full((120, 120, 3), 255, np.uint8), ParseLimits()) == ""
