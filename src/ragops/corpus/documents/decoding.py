"""From bytes to text, as browsers read it, and with a little more care for files that no browser opens.

No library does all of it: charset-normalizer reads 29 % of texts with 12 characters in common code pages, chardet 7
91 %, chardetng (Firefox's detector) 95 %, but without the code pages of DOS and old Macs. Rules that need no guess go
first: byte order marks, patterns of NULs, UTF-8 with a damaged byte, and declared labels.
"""

import codecs
import re
import unicodedata
from dataclasses import dataclass

from ragops.corpus.documents.metadata import detect_language
from ragops.corpus.documents.types import Unparsable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SAMPLE = 200_000
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]|\0+")
_CONTROL_SHARE = 0.01
_FEW_CONTROLS = 10  # or 5 % of a text in which 1 % would be fewer
_FEW_SHARE = 0.05
_ESCAPED = ((b"\x1b$B", "iso2022_jp_ext"), (b"\x1b$@", "iso2022_jp_ext"), (b"\x1b(J", "iso2022_jp_ext"),
            (b"\x1b$)C", "iso2022_kr"))  # fmt: skip
_TOLERATED = 0.02  # share of characters that may be damaged
_GOOD_FOR_BAD = 2  # well-formed sequences of UTF-8 for each damaged one
# Supersets by which browsers read these labels (WHATWG Encoding Standard); Python's codecs are the bare standards.
_SUPERSETS = {"gbk": "gb18030", "gb2312": "gb18030", "shift_jis": "cp932", "euc-kr": "cp949", "euc_kr": "cp949",
              "big5": "big5hkscs"}  # fmt: skip
# Code pages that chardetng does not know, with the one that it takes them for.
_ALSO = {
    "windows-1252": ("iso8859-15", "mac-roman", "cp850"),
    "windows-1251": ("mac-cyrillic",),
    "ibm866": ("mac-cyrillic",),
    "windows-1250": ("cp852",),
}
# chardetng takes these for windows-1252 where a text has few of the letters in which they differ.
_BY_LANGUAGE = dict.fromkeys(("hu", "pl", "cs", "sk", "sl", "hr", "ro"), "cp1250") | {"et": "cp1257", "tr": "cp1254"}
_LANGUAGE_NEEDS = 100  # characters
_FRAME = re.compile(r"[\s\u2500-\u259f]")  # around texts of DOS
_FRAME_BYTES = re.compile(rb"\xcd{3}|\xc4{3}|\xdb{3}")
_WRITTEN = frozenset("‘’“”„–—…€«»°§©®™•¿¡£ \u00a0\u00ad")


@dataclass(frozen=True)
class Decoded:
    """A text, and a sentence if some of its bytes could not be decoded; each of them is U+FFFD in the text."""

    text: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Decodes by byte order mark, pattern of NULs, as UTF-8, as `declared` (a web page's label), or by a guess.

    A few stray NULs are dropped. Text decoded wrongly would be embedded as nonsense, so doubtful text is refused.

    Raises:
        Unparsable: `data` is binary, or no encoding is plausible.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _marked(data[len(mark) :], encoding)
    if wide := _wide(data):
        return wide
    _refuse_binary(data)
    data = data.replace(b"\0", b"")
    for escape, encoding in _ESCAPED:
        if escape in data and data.isascii():
            return _tolerated(data, encoding) or Decoded(data.decode())
    return _utf_8(data) or _labelled(data, declared) or _mixed(data) or _guessed(data)


def _marked(data: bytes, encoding: str) -> Decoded:
    if decoded := _tolerated(data, encoding):
        return decoded
    raise Unparsable(f"unknown text encoding: looks like {encoding} but is not", UnicodeDecodeError.__name__)


def _tolerated(data: bytes, encoding: str) -> Decoded | None:
    """The text if few characters are damaged; one may be, since files are cut off anywhere."""
    text = data.decode(encoding, "replace")
    damaged = text.count("\ufffd") - (data.count("\ufffd".encode()) if encoding == "utf-8" else 0)
    if damaged > max(1, _TOLERATED * len(text)) or 0 < len(text) <= damaged:
        return None
    return Decoded(text, _damage(damaged, encoding))


def _damage(damaged: int, encoding: str) -> tuple[str, ...]:
    characters = "1 character" if damaged == 1 else f"{damaged:,} characters"
    return (f"{characters} not valid in {encoding}, shown as \ufffd",) if damaged > 0 else ()


def _wide(data: bytes) -> Decoded | None:
    """UTF-16 or UTF-32 without a byte order mark: NULs at the same place of every unit, and words with spaces."""
    sample = data[: _SAMPLE & ~3]
    if _is_utf_8(sample.replace(b"\0", b"")) and sample.count(0) <= _controls_of_text(sample):
        return None  # stray NULs
    for encoding in _WIDE if b"\0" in sample else ():
        width = 4 if "32" in encoding else 2
        high = sample[width - 1 :: width] if encoding.endswith("le") else sample[::width]
        low = sample[::width] if encoding.endswith("le") else sample[width - 1 :: width]
        # A high byte is one of few values in any script, and NUL for spaces and line ends; a low byte is hardly NUL.
        if low.count(0) > 1 + _CONTROL_SHARE * len(low) or not high.count(0):
            continue
        decoded = _tolerated(data, encoding)
        if decoded and _is_prose(decoded.text):
            return decoded
    return None


def _is_prose(text: str) -> bool:
    """Whether nearly all characters are letters, digits, spaces and common punctuation, in few blocks of Unicode."""
    sample = text[:_SAMPLE]
    usual = sum(character.isascii() or unicodedata.category(character)[0] in "LMNPZ" for character in sample)
    controls = sum(character < " " and character not in "\t\n\r\f" for character in sample)
    blocks = {ord(character) >> 8 for character in sample if character.isalpha() and ord(character) < 0x2E80}
    return usual > 0.9 * len(sample) and controls <= _CONTROL_SHARE * len(sample) and len(blocks) <= 8


def _refuse_binary(data: bytes) -> None:
    sample = data[:_SAMPLE].rstrip(b"\0")
    if len(_CONTROL.findall(sample)) > _controls_of_text(sample):
        raise Unparsable("binary data in a text file")


def _controls_of_text(sample: bytes) -> float:
    return max(_CONTROL_SHARE * len(sample), min(_FEW_CONTROLS, _FEW_SHARE * len(sample)))


def _utf_8(data: bytes) -> Decoded | None:
    """UTF-8, also with some damage: sequences of it that are well-formed hardly arise in other encodings."""
    try:
        return Decoded(data.decode())
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
    good = sum(character > "\x7f" for character in text)
    damaged = text.count("\ufffd")
    if good - damaged < _GOOD_FOR_BAD * damaged:
        return None
    return Decoded(text, _damage(damaged, "utf-8"))


def _labelled(data: bytes, label: str | None) -> Decoded | None:
    """By a label as browsers understand it: iso-8859-1 means windows-1252, gb2312 means gb18030."""
    import webencodings

    known = webencodings.lookup(label) if label else None
    return _tolerated(data, _codec(known.name)) if known and known.name != "utf-8" else None


def _codec(name: str) -> str:
    """Python's codec for an encoding of the WHATWG."""
    import webencodings

    known = webencodings.lookup(name)
    codec = known.codec_info.name if known else name
    return _SUPERSETS.get(name, _SUPERSETS.get(codec, codec))


def _mixed(data: bytes) -> Decoded | None:
    """Lines in UTF-8 among lines in another encoding, as in logs and files that were joined."""
    lines = data.split(b"\n")
    marked = [line for line in lines if not line.isascii()]
    others = [line for line in marked if not _is_utf_8(line)]
    if len(marked) - len(others) < max(2, len(marked) / 4):
        return None
    codec = _guess(b"\n".join(others))
    text = "\n".join(line.decode("utf-8" if _is_utf_8(line) else codec, "replace") for line in lines)
    return Decoded(text, _damage(text.count("\ufffd"), codec))


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _guessed(data: bytes) -> Decoded:
    codec = _guess(data)
    decoded = _tolerated(data, codec)
    if decoded is None or _oddness(decoded.text) > 0.5:
        raise Unparsable(f"unknown text encoding: not UTF-8, and no other is plausible; closest: {codec}")
    return decoded


def _guess(data: bytes) -> str:
    """Python's codec of the most plausible encoding."""
    from chardetng_py import EncodingDetector

    detector = EncodingDetector()
    detector.feed(data, last=True)
    name = detector.guess(tld=None, allow_utf8=False).lower()
    sample = data[:_SAMPLE]
    candidates = [_codec(name), *_ALSO.get(name, ())]
    candidates += ["cp850"] if _FRAME_BYTES.search(sample) else []
    best = min(candidates, key=lambda codec: _oddness(sample.decode(codec, "replace")))
    if best == "cp1252" and len(sample) > _LANGUAGE_NEEDS:
        return _BY_LANGUAGE.get(detect_language(sample.decode(best, "replace")) or "", best)
    return best


def _oddness(text: str) -> float:
    """Share of the characters beyond ASCII that nobody writes there: signs in words, capitals after small letters."""
    beyond = [index for index, character in enumerate(text) if character > "\x7f"]
    return sum(_is_odd(text, index) for index in beyond) / max(1, len(beyond))


def _is_odd(text: str, index: int) -> bool:
    character, before, after = text[index], text[index - 1 : index], text[index + 1 : index + 2]
    if _FRAME.fullmatch(character):
        return not (_FRAME.fullmatch(before or " ") and _FRAME.fullmatch(after or " "))
    if character.isupper() and character == before == after:  # such a frame in another code page
        return True
    if character.isalpha() and character not in "ªºƒˆı":
        return character.isupper() and before.islower() and not after.isupper()
    return character not in _WRITTEN or (character in "£€¿¡§©®™°•" and before.isalpha() and after.isalpha())
