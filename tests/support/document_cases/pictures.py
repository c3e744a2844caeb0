"""Scans as people have them: turned, stamped, in columns, in other alphabets, beside text. OCR takes seconds."""

import textwrap
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.support.document_cases.case import Case
from tests.support.raw_pdf import A4, FIRST, RawPdf, lines, stream

KEYS = (
    "The tenant must return both keys of the cellar on the day of departure. The deposit is paid back within a month."
)
GERMAN = "Die Rückgabefrist beträgt vierzehn Tage. Größere Geräte werden kostenlos abgeholt, außer sonntags."
FRENCH = "Le délai de retour est de quatorze jours à compter de la livraison, même à Noël, où qu'ils soient."
SPANISH = "El plazo de devolución es de catorce días. ¿Cuándo recibiré el dinero? Mañana, según la dirección."
RUSSIAN = "Срок возврата товара составляет четырнадцать дней с момента доставки. Покупатель оплачивает пересылку."
GREEK = "Η προθεσμία επιστροφής είναι δεκατέσσερις ημέρες από την παράδοση του προϊόντος στον αγοραστή."
_LEFT = (
    "The gardener prunes the apple trees in late winter, before the buds swell. He removes dead wood first, then "
    "branches that cross each other."
)
_RIGHT = (
    "The beehives stand behind the barn. They are opened on warm days only, never in rain. A full super weighs about "
    "twenty kilograms."
)


def font(size: int = 30) -> ImageFont.FreeTypeFont:
    """A font with Latin, Greek and Cyrillic letters, which comes with matplotlib."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), size)


def paper(*columns: str, size: tuple[int, int] = (1240, 1000), heading: str = "", width: int = 0) -> Image.Image:
    """A white page with text in columns."""
    image = Image.new("RGB", size, "white")
    draw, top = ImageDraw.Draw(image), 120
    if heading:
        draw.text((100, 60), heading, font=font(40), fill="black")
    width = width or (58 if len(columns) == 1 else 27)
    for number, text in enumerate(columns):
        for row, line in enumerate(textwrap.wrap(text, width)):
            draw.text((100 + number * 560, top + 46 * row), line, font=font(), fill="black")
    return image


def picture(name: str, image: Image.Image, *shown: str, warned: tuple[str, ...] = ()) -> Case:
    """A case of a picture."""

    def write(path: Path) -> None:
        image.save(path)

    return Case(name, f"{name}.png", write, shown, warned=warned, ocr=True)


def scan(
    name: str,
    images: Sequence[tuple[Image.Image, tuple[float, float, float, float]]],
    *shown: str,
    content: str = "",
    rotate: int = 0,
    ocr: bool = True,
    hidden: tuple[str, ...] = (),
) -> Case:
    """A case of a PDF with pictures, each at (left, bottom, width, height), below the text `content`."""
    objects, drawn, names = [], [], []
    for number, (image, (left, bottom, width, height)) in enumerate(images):
        data = BytesIO()
        image.convert("L").save(data, "JPEG", quality=80)
        entries = f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height}"
        objects.append(
            stream(f"{entries} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode", data.getvalue())
        )
        drawn.append(f"q {width} 0 0 {height} {left} {bottom} cm /I{number} Do Q")
        names.append(f"/I{number} {FIRST + number} 0 R")
    pdf = RawPdf(
        "\n".join([*drawn, content]), rotate=rotate, objects=objects, resources=f"/XObject << {' '.join(names)} >>"
    )
    return Case(name, f"{name}.pdf", pdf.data(), shown, hidden, ocr=ocr)


def words(text: str, width: int = 58) -> tuple[str, ...]:
    """The lines in which `paper` writes a text."""
    return tuple(textwrap.wrap(text, width))


_PAGE = (0, 0, A4[2], A4[3])
_KEYS = paper(KEYS)
_STAMP = "CONFIDENTIAL - Case 2024/0815 - Page ALD-0000123"
_PROSE = lines(*textwrap.wrap("The office is open on weekdays from eight to four. " * 4, 70), top=780)

CASES = [
    *(picture(f"turned-{angle}", _KEYS.rotate(angle, expand=True), *words(KEYS)) for angle in (0, 90, 180, 270)),
    picture("two-columns", paper(_LEFT, _RIGHT), *words(_LEFT, 27), *words(_RIGHT, 27)),
    picture(
        "heading-over-columns",
        paper(_LEFT, _RIGHT, heading="A report about the garden and the bees of the abbey"),
        "A report about the garden",
        *words(_LEFT, 27),
        *words(_RIGHT, 27),
    ),
    picture("columns-upside-down", paper(_LEFT, _RIGHT).rotate(180), *words(_LEFT, 27), *words(_RIGHT, 27)),
    picture("german", paper(GERMAN), *words(GERMAN)),
    picture("french", paper(FRENCH), *words(FRENCH)),
    picture("spanish", paper(SPANISH), *words(SPANISH)),
    *(scan(f"scan-{angle}", [(_KEYS.rotate(angle, expand=True), _PAGE)], *words(KEYS)) for angle in (90, 180)),
    scan("scan-on-a-turned-page", [(_KEYS, _PAGE)], *words(KEYS), rotate=90),
    scan("scan-with-stamp", [(_KEYS, _PAGE)], *words(KEYS), _STAMP, content=lines(_STAMP, top=30)),
    scan(
        "scan-in-strips",
        [
            (_KEYS.crop((0, top, 1240, top + 250)), (0, 842 - 0.842 * (top + 250), 595, 210.5))
            for top in range(0, 1000, 250)
        ],
        "tenant must return",
        "The deposit",
    ),
    scan("text-and-picture-of-text", [(_KEYS, (40, 60, 500, 400))], "The office is open", *words(KEYS), content=_PROSE),
    scan(
        "photograph-beside-text",
        [(Image.effect_noise((600, 600), 90), (100, 100, 400, 400))],
        "The office is open",
        content=_PROSE,
        ocr=False,
    ),
    scan(
        "scan-that-was-read-before",
        [(_KEYS, _PAGE)],
        "The tenant must return both keys of the cellar",
        content=lines(*words(KEYS), before="3 Tr"),
        ocr=False,
    ),
]

IN_RUSSIAN = picture("russian", paper(RUSSIAN), *words(RUSSIAN))
IN_GREEK = picture("greek", paper(GREEK), "επιστροφής είναι δεκατέσσερις")
OTHER_SCRIPTS: dict[str, Callable[[], Image.Image]] = {
    "russian": lambda: paper(RUSSIAN),
    "greek": lambda: paper(GREEK),
    "vietnamese": lambda: paper("Thời hạn trả hàng là mười bốn ngày kể từ khi giao hàng. Người mua chịu chi phí."),
}
