import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.normalize import normalize, one_line


def test_line_ends_controls_composition_and_blank_lines_are_normalized() -> None:
    assert normalize("\ufeffcafe\u0301 \r\n\x00a\x0cb\rc\xad\n\n\n\n\n\nd\n\n") == "caf\u00e9\na\nb\nc\n\n\nd"


def test_signs_of_windows_1252_are_kept_and_colors_of_terminals_are_not() -> None:
    assert normalize("\x80 45 \x96 \x93final\x94, it\x92s") == "€ 45 – “final”, it’s"
    assert normalize("\x1b[31merror\x1b[0m: valve V7") == "error: valve V7"


def test_tabs_and_indentation_are_kept() -> None:
    assert normalize("```\n\tif x:\n    y\n```") == "```\n\tif x:\n    y\n```"


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_normalized_text_is_storable_and_normalizing_is_idempotent(text: str) -> None:
    result = normalize(text)
    assert normalize(result) == result
    assert unicodedata.is_normalized("NFC", result)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in result)
    assert "\n\n\n\n" not in result
    assert result.encode("utf-8").decode("utf-8") == result


def test_text_is_joined_to_one_line() -> None:
    assert one_line(" a\n\tb\x00 ") == "a b"
