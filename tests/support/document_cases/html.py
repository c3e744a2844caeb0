"""Cases of html files."""

from tests.support.document_cases.case import Case

CASES: list[Case] = []
