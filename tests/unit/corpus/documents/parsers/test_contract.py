"""What every parser does with each case: all that a reader sees, in order, and nothing that none sees."""

from pathlib import Path

import pytest

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsing import parse
from tests.support.document_cases import docx, html, html_sheets, odd_files, other, pdf, pptx, text, xlsx
from tests.support.document_cases.case import Case

CASES = [
    pytest.param(case, id=f"{module.__name__.split('.')[-1]}-{case.name}")
    for module in (docx, html, html_sheets, odd_files, other, pdf, pptx, text, xlsx)
    for case in module.CASES
]


@pytest.mark.parametrize("case", CASES)
def test_a_reader_finds_what_the_file_shows_and_nothing_else(case: Case, tmp_path: Path) -> None:
    case.check(parse(case.write(tmp_path), ParseLimits()))
