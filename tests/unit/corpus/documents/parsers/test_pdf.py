from pathlib import Path

import pytest
from fpdf import FPDF

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.pdf import parse_pdf

PROSE = "The harbour opens at six in the morning and closes when the last ship has left for the open sea."


def write(path: Path, title: str = "", code: str = "") -> Path:
    pdf = FPDF()
    if title:
        pdf.set_title(title)
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    pdf.multi_cell(0, 5, PROSE, align="L", new_x="LMARGIN", new_y="NEXT")
    if code:
        pdf.set_font("courier", size=9)
        pdf.multi_cell(0, 4, code, align="L")
    pdf.output(str(path))
    return path


@pytest.mark.parametrize("title", ["", "untitled", "Microsoft Word - report.docx", "scan0001.pdf"])
def test_a_title_that_is_a_file_name_is_ignored(tmp_path: Path, title: str) -> None:
    assert not parse_pdf(write(tmp_path / "a.pdf", title), ParseLimits()).title


def test_text_in_courier_is_code(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pdf", code="if six:\n    open()")
    assert parse_pdf(path, ParseLimits()).markdown.endswith(f"{PROSE}\n\n```\nif six:\n    open()\n```")
