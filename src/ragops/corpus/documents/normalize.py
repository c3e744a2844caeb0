"""Text in one normal form, so that equal content is equal text whatever format it came from."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Bytes of windows-1252 that a program took for ISO 8859-1: browsers show their signs. U+0085 is a line end, too.
_C1 = {byte: sign for byte in range(0x80, 0xA0) if byte != 0x85 and (sign := bytes([byte]).decode("cp1252", "ignore"))}
# Terminals' colors, in logs.
_COLORS = re.compile("\x1b\\[[0-9;]*[A-Za-z]")
# Control characters except tab and line feed, surrogates, the byte order mark, soft hyphens, non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_TRAILING = re.compile(r"[^\S\n]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{4,}")


def normalize(text: str) -> str:
    """Text in NFC, '\\n' line ends, no control characters, no trailing spaces, at most two blank lines in a row."""
    text = _UNWANTED.sub("", _COLORS.sub("", _LINE_ENDS.sub("\n", text.translate(_C1))))
    text = unicodedata.normalize("NFC", text)
    return _BLANK_LINES.sub("\n\n\n", _TRAILING.sub("", text)).strip("\n")


def one_line(text: str) -> str:
    """Normalized text on one line."""
    return " ".join(normalize(text).split())
