import pytest
from lxml import etree

from ragops.corpus.documents.parsers.word_numbering import Numbering, format_number
from ragops.corpus.documents.parsers.word_styles import Styles
from tests.support.office_files import NAMESPACES, abstract_list, in_list, level, paragraph


@pytest.mark.parametrize(
    ("number", "kind", "expected"),
    [
        (4, "decimal", "4"),
        (4, "decimalZero", "04"),
        (14, "lowerRoman", "xiv"),
        (1999, "upperRoman", "MCMXCIX"),
        (27, "lowerLetter", "aa"),
        (28, "upperLetter", "BB"),
        (3, "russianLower", "в"),
        (22, "ordinal", "22nd"),
        (12, "ordinal", "12th"),
        (21, "chineseCounting", "二十一"),
        (5, "none", ""),
        (0, "lowerLetter", "0"),
        (5000, "upperRoman", "5000"),
        (7, "aiueo", "7"),
    ],
)
def test_numbers_in_the_formats_of_word(number: int, kind: str, expected: str) -> None:
    assert format_number(number, kind) == expected


def labels(numbering: str, *places: tuple[int, int]) -> list[str | None]:
    root = etree.fromstring(f"<w:numbering {NAMESPACES}>{numbering}</w:numbering>")
    counted = Numbering(root, Styles(None))
    found = [
        counted.label(etree.fromstring(f"<w:body {NAMESPACES}>{paragraph('x', in_list(*place))}</w:body>")[0])
        for place in places
    ]
    return [label.text.strip() if label else None for label in found]


_LEVELS = (level("%1."), level("%1.%2"), level("%1.%2.%3"))
_NUM = '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num>'


def test_a_deeper_level_begins_again_below_each_number() -> None:
    places = [(1, 0), (1, 1), (1, 1), (1, 0), (1, 1), (1, 2)]
    assert labels(abstract_list(1, *_LEVELS) + _NUM, *places) == ["1.", "1.1", "1.2", "2.", "2.1", "2.1.1"]


def test_levels_that_are_skipped_count_as_their_first_number() -> None:
    assert labels(abstract_list(1, *_LEVELS) + _NUM, (1, 2), (1, 1)) == ["1.1.1", "1.2"]


def test_a_level_that_never_restarts_goes_on() -> None:
    levels = (level("%1."), level("%2)", more='<w:lvlRestart w:val="0"/>'))
    assert labels(abstract_list(1, *levels) + _NUM, (1, 0), (1, 1), (1, 0), (1, 1)) == ["1.", "1)", "2.", "2)"]


def test_lists_of_one_definition_share_their_numbers_unless_one_starts_again() -> None:
    more = (
        '<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="3"><w:abstractNumId w:val="1"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>'
    )
    places = [(1, 0), (2, 0), (3, 0), (3, 0), (1, 0)]
    assert labels(abstract_list(1, *_LEVELS) + _NUM + more, *places) == ["1.", "2.", "7.", "8.", "9."]


def test_legal_numbers_are_decimal() -> None:
    levels = (level("%1", "upperRoman"), level("%1.%2", "lowerLetter", "<w:isLgl/>"))
    assert labels(abstract_list(1, *levels) + _NUM, (1, 0), (1, 0), (1, 1)) == ["I", "II", "2.1"]


def test_lists_that_are_missing_or_name_themselves_have_no_labels() -> None:
    assert labels("", (1, 0)) == [None]
    itself = '<w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="S"/></w:abstractNum>' + _NUM
    assert labels(itself, (1, 0)) == [None]
