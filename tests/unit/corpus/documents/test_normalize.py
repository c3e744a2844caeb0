import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.normalize import decode, normalize, one_line
from ragops.corpus.documents.types import Unparsable

FRENCH = "Le café est très élégant, où l'été brûle à côté de la forêt."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_unicode_and_western_encodings_are_decoded(encoding: str) -> None:
    assert decode(FRENCH.encode(encoding)) == FRENCH


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Привет, как дела? Это текст для проверки кодировки.", "cp1251"),
        ("日本語のテキストです。" * 5, "shift_jis"),
    ],
)
def test_encodings_of_other_alphabets_are_detected(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_a_declared_charset_is_used_if_utf_8_fails() -> None:
    assert decode("łódź".encode("iso-8859-2"), declared="iso-8859-2") == "łódź"
    assert decode("łódź".encode(), declared="iso-8859-2") == "łódź"
    assert decode(FRENCH.encode("cp1252"), declared="no-such-charset") == FRENCH


@pytest.mark.parametrize("data", [b"text\0text", bytes(range(1, 32)) * 10])
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(Unparsable, match="binary data"):
        decode(data)


def test_bytes_without_a_plausible_charset_are_refused() -> None:
    noise = bytes(byte for byte in os.urandom(4_000) if byte > 0x7F)
    with pytest.raises(Unparsable, match="unknown text encoding"):
        decode(noise)


def test_text_that_contradicts_its_byte_order_mark_is_refused() -> None:
    with pytest.raises(Unparsable, match="looks like utf-16 but is not"):
        decode(b"\xff\xfe\x00\xd8\x00")


def test_line_ends_controls_composition_and_blank_lines_are_normalized() -> None:
    assert normalize("\ufeffcafe\u0301 \r\n\x00a\x0cb\rc\xad\n\n\n\n\n\nd\n\n") == "caf\u00e9\na\nb\nc\n\n\nd"


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
