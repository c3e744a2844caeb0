"""Personal data by simple patterns: enough to know that a corpus holds some, not enough to find or mask all of it."""

import re
from collections.abc import Callable

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}(?![\w-])")
# With a country code, or in the three groups of North America: any other run of digits may be anything.
_PHONE = re.compile(r"(?<![\w+])(?:\+\d{1,3}(?:[ ./()-]{0,2}\d){7,12}|\(?\d{3}\)?[ .-]\d{3}[.-]\d{4})(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.-])")
# Documentation's own addresses and numbers belong to nobody (RFC 2606).
_NOBODY = re.compile(r"@(?:[\w-]+\.)*(?:example|test|invalid|localhost)(?:\.(?:com|org|net))?\Z")


def is_iban(text: str) -> bool:
    """Whether its check digits are right: ISO 13616, remainder 1 modulo 97."""
    code = text.replace(" ", "")
    return 15 <= len(code) <= 34 and int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 == 1


def is_card(text: str) -> bool:
    """Whether a card number's check digit is right: ISO/IEC 7812, Luhn's sum a multiple of 10."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "emails": (_EMAIL, lambda text: not _NOBODY.search(text)),
    "phones": (_PHONE, lambda text: True),
    "ibans": (_IBAN, is_iban),
    "cards": (_CARD, is_card),
}
KINDS = tuple(_KINDS)


def find_personal(text: str) -> dict[str, int]:
    """How many e-mail addresses, phone numbers, IBANs and card numbers a text holds, by kind; 0 for none."""
    return {kind: sum(valid(match[0]) for match in pattern.finditer(text)) for kind, (pattern, valid) in _KINDS.items()}


_SINGULAR = {"emails": "EMAIL", "phones": "PHONE", "ibans": "IBAN", "cards": "CARD"}
# Longer numbers first: a phone number's pattern would find a part of them.
_REMOVED_IN_ORDER = ("emails", "ibans", "cards", "phones")


class Redactor:
    """Puts placeholders such as [EMAIL_1] in the place of personal data; the same value has the same one throughout.

    After it `find_personal` finds nothing; what those patterns do not know stays.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}

    def redact(self, text: str) -> str:
        """The text without personal data."""
        while any(find_personal(text).values()):  # what is left of a long number may be a number of its own
            for kind in _REMOVED_IN_ORDER:
                text = self._without(kind, text)
        return text

    def _without(self, kind: str, text: str) -> str:
        pattern, valid = _KINDS[kind]
        return pattern.sub(lambda match: self._placeholder(kind, match[0]) if valid(match[0]) else match[0], text)

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._placeholders[kind]
        return known.setdefault(value, f"[{_SINGULAR[kind]}_{len(known) + 1}]")
