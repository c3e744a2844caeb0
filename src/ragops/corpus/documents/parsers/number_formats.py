"""Numbers as Excel shows them. Dates are ISO dates, which do not depend on the reader's language."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

# Literals, then placeholders, then what has no width of its own: colors, conditions, padding.
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|\[[^\]]*\]|[_*].|'
    r"(?P<digits>[0#?][0#?,]*|,+)|(?P<point>\.)|(?P<exponent>[Ee][+-])|(?P<plain>.)",
    re.DOTALL,
)
_CONDITION = re.compile(r"\[[<>=]")
_NOT_DATES = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


@dataclass(frozen=True)
class _Section:
    """One of the up to four parts of a format: for positive and negative numbers, zero, and texts."""

    tokens: tuple[tuple[str, str], ...]  # (kind, text)
    decimals: int
    optional: int  # of the decimals, those that are shown only if they are not zero
    thousands: bool
    scale: float
    least_digits: int
    exponent: bool

    @property
    def groups(self) -> int:
        """Number of groups of digits before the point: two and more in telephone numbers."""
        return sum(kind == "digits" for kind, _ in self.tokens)


def shown(value: object, code: str | None) -> str:
    """A cell's value as text: numbers as the format code `code` shows them, dates in ISO form as far as it does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _number(value, code or "General")
    if isinstance(value, date | time | timedelta):
        return _date(value, _NOT_DATES.sub("", code or "").lower())
    return _text(str(value), code)


def _text(value: str, code: str | None) -> str:
    """Text; none if the format hides it, as `;;;` does."""
    sections = _sections(code) if code else ()
    return "" if len(sections) == 4 and not sections[3].tokens else value


def _date(value: date | time | timedelta, code: str) -> str:
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if "s" in code else "")
    if isinstance(value, time):
        return value.isoformat("seconds" if value.second or "s" in code else "minutes")
    day = value.date() if isinstance(value, datetime) else value
    if "y" in code and "d" not in code and "h" not in code and day.day == 1:
        return f"{day:%Y-%m}" if "m" in code else f"{day:%Y}"
    moment = value.time() if isinstance(value, datetime) else time.min
    if "h" in code and "y" not in code and "d" not in code:
        return _date(moment, code)
    shows_time = "h" in code or "y" not in code
    return f"{day} {moment.isoformat('seconds')}" if shows_time and moment != time.min else str(day)


def _number(value: float, code: str) -> str:
    sections = _sections(code)
    if not sections or _CONDITION.search(code):
        return _plain(value)
    chosen = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    section = sections[chosen]
    if any(kind == "general" for kind, _ in section.tokens):
        number = _plain(abs(value) if chosen else value)
        return "".join(number if kind == "general" else text for kind, text in section.tokens).strip()
    if not section.groups and not any(kind == "point" for kind, _ in section.tokens):
        return "".join(text for _, text in section.tokens).strip()  # words in place of the number, or nothing
    shown = _filled(section, abs(value) if section.scale == 1 else abs(value) * section.scale)
    is_zero = not any(digit in shown for digit in "123456789")
    return f"-{shown}" if value < 0 and chosen == 0 and not is_zero else shown


def _plain(value: float) -> str:
    """A number with Excel's 15 digits; long whole numbers are identifiers, whose digits are all kept."""
    return str(value) if isinstance(value, int) else f"{value:.15g}"


@lru_cache(maxsize=1_000)
def _sections(code: str) -> tuple[_Section, ...]:
    """The parts of a format; none for formats that show the number as it is."""
    if code in ("General", "@", "GENERAL") or "/" in _NOT_DATES.sub("", code):  # fractions are clearer as decimals
        return ()
    parts = re.findall(r'(?:"[^"]*"|\\.|[^;"\\])*(?:;|$)', code)
    return tuple(_section(part.removesuffix(";")) for part in parts[: code.count(";") + 1])


def _section(code: str) -> _Section:
    tokens: list[tuple[str, str]] = []
    scale, decimals, optional, least, thousands, after_point = 1.0, 0, 0, 0, False, False
    for found in _TOKEN.finditer(re.sub(r"general", "\0", code, flags=re.IGNORECASE)):
        kind, text = found.lastgroup or "", found.group(found.lastgroup or 0)
        if kind == "digits":
            placeholders = text.rstrip(",")
            scale /= 1000 ** (len(text) - len(placeholders))
            thousands |= "," in placeholders
            count = len(placeholders) - placeholders.count(",")
            decimals += count if after_point else 0
            optional += count - placeholders.count("0") if after_point else 0
            least += 0 if after_point else placeholders.count("0")
            if not after_point and placeholders:
                tokens.append(("digits", placeholders.replace(",", "")))
        elif kind == "point":
            after_point = True
            tokens.append(("point", ""))
        elif kind == "exponent":
            return _Section((("digits", ""),), decimals, 0, False, 1.0, 0, True)
        elif kind:
            scale *= 100 if kind == "plain" and text == "%" else 1
            tokens.append(("general", "") if text == "\0" else (kind, text))
    return _Section(tuple(tokens), decimals, optional, thousands, scale, least, False)


def _filled(section: _Section, value: float) -> str:
    """A section with the digits of a number that is not negative."""
    if section.exponent:
        return f"{value:.{section.decimals}E}"
    try:
        exact = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
        rounded = exact.quantize(Decimal(1).scaleb(-section.decimals), ROUND_HALF_UP)
    except InvalidOperation:  # more digits than decimals have, or not a number
        return f"{value:.15g}"
    whole, _, fraction = f"{rounded:f}".partition(".")
    kept = len(fraction) - section.optional
    fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    whole = f"{int(whole):,}" if section.thousands else whole
    whole = "" if whole == "0" else whole
    whole = whole.zfill(section.least_digits)
    texts = []
    left = section.groups
    for kind, text in section.tokens:
        if kind == "digits":
            left -= 1
            after = _digits_after(section, left)
            end = len(whole) - after
            start = 0 if left == section.groups - 1 else max(0, end - len(text))
            texts.append(whole[start:end])
        elif kind == "point":
            texts.append(f".{fraction}" if fraction else "")
        else:
            texts.append(text)
    return "".join(texts).strip()


def _digits_after(section: _Section, groups: int) -> int:
    """Number of digits that the last `groups` groups take."""
    sizes = [len(text) for kind, text in section.tokens if kind == "digits"]
    return sum(sizes[len(sizes) - groups :]) if groups else 0
