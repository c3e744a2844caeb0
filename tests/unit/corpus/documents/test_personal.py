import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.corpus.documents.personal import KINDS, Redactor, find_personal


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("emails", "write to jane.doe+x@mail.firma.de, please"),
        ("phones", "call +49 (0)30 1234567"),
        ("phones", "call (212) 555-0123 now"),
        ("ibans", "DE89 3704 0044 0532 0130 00"),
        ("ibans", "GB82WEST12345698765432"),
        ("cards", "4111 1111 1111 1111"),
    ],
)
def test_personal_data_is_counted_by_kind(kind: str, text: str) -> None:
    assert find_personal(text) == dict.fromkeys(KINDS, 0) | {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        "someone@example.com and a@b.example",
        "DE89 3704 0044 0532 0130 01",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "version 3.12.4, 2026-11-25 22:41:06, 192.168.100.200",
        "3.14159265358979323846",
        "def f(a @ b): return x",
    ],
)
def test_reserved_addresses_and_other_numbers_are_not_personal(text: str) -> None:
    assert sum(find_personal(text).values()) == 0


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ibans", "FR1420041010050500013M02607"),  # check digits
        ("ibans", "ZZ82WEST12345698765432"),  # no such country
        ("cards", "5500 0000 0000 0005"),
    ],
)
def test_numbers_with_wrong_check_digits_are_not_counted(kind: str, text: str) -> None:
    assert find_personal(text)[kind] == 0


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ibans", "FR1420041010050500013M02606"),
        ("cards", "5500 0000 0000 0004"),
        ("cards", "٤١١١ ١١١١ ١١١١ ١١١١"),  # digits of another script
    ],
)
def test_numbers_with_right_check_digits_are_counted(kind: str, text: str) -> None:
    assert find_personal(text)[kind] == 1


PERSONAL = ["jane@firm.de", "+49 30 1234567", "(212) 555-0123", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111"]


@given(st.lists(st.sampled_from(PERSONAL) | st.text(alphabet="ab1 @.+-[]D\n", max_size=6), max_size=12))
def test_redacted_text_contains_no_personal_data(parts: list[str]) -> None:
    text = Redactor().redact(" ".join(parts))
    assert not any(find_personal(text).values())
    assert Redactor().redact(text) == text


def test_equal_values_get_the_same_numbered_placeholder() -> None:
    text = "a@firm.de b@firm.de a@firm.de, IBAN DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111, (212) 555-0123"
    assert Redactor().redact(text) == ("[EMAIL_1] [EMAIL_2] [EMAIL_1], IBAN [IBAN_1], card [CARD_1], [PHONE_1]")
