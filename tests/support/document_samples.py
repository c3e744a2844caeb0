"""One small real file of every format."""

from collections.abc import Callable
from pathlib import Path

from docx import Document
from fpdf import FPDF
from openpyxl import Workbook
from PIL import Image, ImageDraw, ImageFont
from pptx import Presentation

PROSE = "The harbour opens at six in the morning and closes when the last ship has left for the open sea."


def write_markdown(path: Path) -> None:
    path.write_text(f"---\ntitle: Harbour rules\n---\n# Opening hours\n\n{PROSE}\n", encoding="utf-8")


def write_text(path: Path) -> None:
    path.write_text(PROSE, encoding="utf-8")


def write_html(path: Path) -> None:
    path.write_text(
        f"<html><head><title>Harbour rules</title><script>track()</script></head><body><nav>Home</nav>"
        f"<h1>Opening hours</h1><p>{PROSE}</p><table><tr><th>Ship</th></tr><tr><td>sea_gull</td></tr></table>"
        "</body></html>",
        encoding="utf-8",
    )


def write_docx(path: Path) -> None:
    document = Document()
    document.add_heading("Opening hours", 1)
    document.add_paragraph(PROSE)
    document.add_paragraph("call sea_gull", style="List Bullet")
    document.save(str(path))


def write_pptx(path: Path) -> None:
    presentation = Presentation()
    for title in ("Opening hours", "Fees"):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = PROSE
    presentation.save(str(path))


def write_xlsx(path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "Fees"
    for row in (["ship", "fee", "since"], ["sea|gull", 12, 2024], [None, None, None], ["heron", 0.1 + 0.2, None]):
        sheet.append(row)
    workbook.create_sheet("Nothing")
    workbook.save(path)


def write_pdf(path: Path) -> None:
    pdf = FPDF()
    pdf.set_title("Harbour rules")
    for title in ("Opening hours", "Fees"):
        pdf.add_page()
        pdf.set_font("helvetica", size=18)
        pdf.cell(0, 12, title, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("helvetica", size=11)
        pdf.multi_cell(0, 5, f"{PROSE} {PROSE}", align="L")
    pdf.output(str(path))


def write_encrypted_pdf(path: Path) -> None:
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.cell(0, 5, PROSE)
    pdf.output(str(path))


def write_endless_pdf(path: Path) -> None:
    """One page that draws a form that draws the next ten times, twelve levels deep: 10**12 squares in 3 KB."""
    page = b"/Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b"<< %b >>" % page]
    objects.append(b"<< /Length 5 >> stream\n/X Do\nendstream")
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 60 /Resources << /XObject << /X %d 0 R >> >> >>"
    objects += [b"%b stream\n%b\nendstream" % (form % (6 + level), b"/X Do " * 10) for level in range(12)]
    objects.append(b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 12 >> stream\n0 0 1 1 re f\nendstream")
    numbered = [b"%d 0 obj\n%b\nendobj\n" % pair for pair in enumerate(objects, 1)]
    path.write_bytes(b"%PDF-1.4\n" + b"".join(numbered) + b"trailer << /Root 1 0 R >>\n%%EOF\n")


def text_image(*lines: str) -> Image.Image:
    image = Image.new("RGB", (640, 60 + 60 * len(lines)), "white")
    font = ImageFont.load_default(36)
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((20, 20 + 60 * number), line, font=font, fill="black")
    return image


def write_image(path: Path) -> None:
    text_image("The harbour opens at six").save(path)


def write_scan(path: Path) -> None:
    scan = FPDF()
    scan.add_page()
    scan.image(text_image("The harbour opens at six"), 10, 10, 180)
    scan.output(str(path))


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.md": write_markdown,
    "a.txt": write_text,
    "a.html": write_html,
    "a.docx": write_docx,
    "a.pptx": write_pptx,
    "a.xlsx": write_xlsx,
    "a.pdf": write_pdf,
    "encrypted.pdf": write_encrypted_pdf,
    "scan.pdf": write_scan,
    "endless.pdf": write_endless_pdf,
    "a.png": write_image,
    "a.jpg": write_image,
    "a.tiff": write_image,
    "a.bmp": write_image,
    "a.gif": write_image,
    "a.webp": write_image,
}


def write_samples(folder: Path) -> Path:
    """Writes the files named in WRITERS; returns the folder."""
    for name, write in WRITERS.items():
        write(folder / name)
    return folder
