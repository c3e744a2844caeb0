"""One form for all text that leaves a parser, so that equal content is equal text whatever it came from."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters but tab and line feed, surrogates, the byte order mark, soft hyphens, non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_TRAILING = re.compile(r"[^\S\n]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{4,}")


def normalise(text: str) -> str:
    """Text in NFC, '\\n' line ends, no control characters, no trailing spaces, at most two blank lines in a row."""
    text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    text = unicodedata.normalize("NFC", text)
    return _BLANK_LINES.sub("\n\n\n", _TRAILING.sub("", text)).strip("\n")


def one_line(text: str) -> str:
    """Normalised text on one line."""
    return " ".join(normalise(text).split())
