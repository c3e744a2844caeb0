"""What every parser does with each case: all that a reader sees, in order, and nothing that none sees."""

from pathlib import Path

import pytest

from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsing import parse
from tests.support.document_cases import docx, html, pptx, text, xlsx
from tests.support.document_cases.case import Case

CASES = [
    pytest.param(case, id=f"{module.__name__.split('.')[-1]}-{case.name}")
    for module in (docx, html, pptx, text, xlsx)
    for case in module.CASES
]


@pytest.mark.parametrize("case", CASES)
def test_a_reader_finds_what_the_file_shows_and_nothing_else(case: Case, tmp_path: Path) -> None:
    parsed = parse(case.write(tmp_path), ParseLimits())
    position = 0
    for words in case.shown:
        found = parsed.markdown.find(words, position)
        assert found >= 0, f"{words!r} is not after character {position} of:\n{parsed.markdown}"
        position = found + len(words)
    for words in case.hidden:
        assert words not in parsed.markdown + (parsed.title or ""), parsed.markdown
    if case.title is not None:
        assert parsed.title == case.title
    assert len(parsed.warnings) == len(case.warned), parsed.warnings
    for words, warning in zip(case.warned, parsed.warnings, strict=True):
        assert words in warning
    assert parsed.ocr == case.ocr
