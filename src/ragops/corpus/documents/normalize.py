"""From bytes to text in one normal form, so that equal content is equal text whatever format it came from."""

import codecs
import re
import unicodedata

from ragops.corpus.documents.types import Unparsable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_CONTROL_SHARE = 0.01
_SAMPLE = 200_000
_MAX_MESS = 0.1  # charset-normalizer's share of implausible characters; its own threshold is 0.2
_UNMARKED_WIDE = ["utf_16_be", "utf_16_le", "utf_32_be", "utf_32_le", "utf_7"]  # any even number of bytes passes
_WESTERN = ("cp1252", "latin_1")


def decode(data: bytes, declared: str | None = None) -> str:
    """Decodes by byte order mark, as UTF-8, as `declared`, or with the most plausible charset, in this order.

    Text decoded wrongly would be embedded as nonsense, so doubtful text is refused.

    Raises:
        Unparsable: `data` is binary, or no charset is plausible enough.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode_as(data, encoding)
    controls = len(_CONTROL.findall(data[:_SAMPLE]))
    if b"\0" in data or controls > _CONTROL_SHARE * min(len(data), _SAMPLE):
        raise Unparsable("binary data in a text file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return _decode_as(data, declared or _guess(data))
    except Unparsable:
        if declared is None:
            raise
        return _decode_as(data, _guess(data))


def _decode_as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError) as error:  # LookupError: unknown, or not a text encoding
        raise Unparsable(f"unknown text encoding: looks like {encoding} but is not", type(error).__name__) from error


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(data[:_SAMPLE], cp_exclusion=_UNMARKED_WIDE)
    best = matches.best()
    if best is None or best.chaos > _MAX_MESS:
        nearest = f"; closest: {best.encoding}" if best else ""
        raise Unparsable(f"unknown text encoding: not UTF-8, and no other is plausible{nearest}")
    # Short texts fit many code pages equally well; then the most common code page is the most likely.
    fits = {m.encoding for m in matches if m.chaos <= best.chaos and m.coherence >= best.coherence}
    return next((encoding for encoding in _WESTERN if encoding in fits), best.encoding)


_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control characters except tab and line feed, surrogates, the byte order mark, soft hyphens, non-characters.
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_TRAILING = re.compile(r"[^\S\n]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{4,}")


def normalize(text: str) -> str:
    """Text in NFC, '\\n' line ends, no control characters, no trailing spaces, at most two blank lines in a row."""
    text = _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))
    text = unicodedata.normalize("NFC", text)
    return _BLANK_LINES.sub("\n\n\n", _TRAILING.sub("", text)).strip("\n")


def one_line(text: str) -> str:
    """Normalized text on one line."""
    return " ".join(normalize(text).split())
