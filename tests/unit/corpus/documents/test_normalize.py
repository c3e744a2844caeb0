import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.normalize import normalise, one_line


def test_line_ends_controls_composition_and_blank_lines() -> None:
    assert normalise("\ufeffcafe\u0301 \r\n\x00a\x0cb\rc\xad\n\n\n\n\n\nd\n\n") == "caf\u00e9\na\nb\nc\n\n\nd"


def test_tabs_and_indentation_stay() -> None:
    assert normalise("```\n\tif x:\n    y\n```") == "```\n\tif x:\n    y\n```"


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_any_text_becomes_storable_and_stays_so(text: str) -> None:
    result = normalise(text)
    assert normalise(result) == result
    assert unicodedata.is_normalized("NFC", result)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in result)
    assert "\n\n\n\n" not in result
    assert result.encode("utf-8").decode("utf-8") == result


def test_one_line() -> None:
    assert one_line(" a\n\tb\x00 ") == "a b"
