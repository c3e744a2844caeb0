"""Personal data by simple patterns: enough to detect that a corpus contains some, not to find or mask all of it."""

import re
from collections.abc import Callable

from stdnum import iban, luhn

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}(?![\w-])")
# With a country code, or in the three groups of North America; any other digits may be something else.
_PHONE = re.compile(r"(?<![\w+])(?:\+\d{1,3}(?:[ ./()-]{0,2}\d){7,12}|\(?\d{3}\)?[ .-]\d{3}[.-]\d{4})(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d.-])")
# Addresses reserved for documentation (RFC 2606).
_RESERVED = re.compile(r"@(?:[\w-]+\.)*(?:example|test|invalid|localhost)(?:\.(?:com|org|net))?\Z")


def is_card(text: str) -> bool:
    """Whether a card number's Luhn check digit is right (ISO/IEC 7812); one repeated digit is not a card number."""
    digits = "".join(str(int(character)) for character in text if character.isdecimal())  # of any script
    return len(set(digits)) > 1 and luhn.is_valid(digits)


_KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "emails": (_EMAIL, lambda text: not _RESERVED.search(text)),
    "phones": (_PHONE, lambda text: True),
    "ibans": (_IBAN, iban.is_valid),
    "cards": (_CARD, is_card),
}
KINDS = tuple(_KINDS)


def find_personal(text: str) -> dict[str, int]:
    """Counts the e-mail addresses, phone numbers, IBANs and card numbers in a text, by kind."""
    return {kind: sum(valid(match[0]) for match in pattern.finditer(text)) for kind, (pattern, valid) in _KINDS.items()}


_SINGULAR = {"emails": "EMAIL", "phones": "PHONE", "ibans": "IBAN", "cards": "CARD"}
# Longer numbers first, since the phone pattern would match a part of them.
_REMOVED_IN_ORDER = ("emails", "ibans", "cards", "phones")


class Redactor:
    """Replaces personal data with placeholders such as [EMAIL_1]; equal values get equal placeholders.

    `find_personal` finds nothing in its output. Personal data that the patterns do not match stays.
    """

    def __init__(self) -> None:
        self._placeholders: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}

    def redact(self, text: str) -> str:
        """Returns the text with placeholders for personal data."""
        while any(find_personal(text).values()):  # the rest of a long number may itself match
            for kind in _REMOVED_IN_ORDER:
                text = self._without(kind, text)
        return text

    def _without(self, kind: str, text: str) -> str:
        pattern, valid = _KINDS[kind]
        return pattern.sub(lambda match: self._placeholder(kind, match[0]) if valid(match[0]) else match[0], text)

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._placeholders[kind]
        return known.setdefault(value, f"[{_SINGULAR[kind]}_{len(known) + 1}]")
