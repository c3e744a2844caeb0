"""E-mails: .eml files, Outlook's .msg files, and web pages that a browser saved as one file (.mht)."""

import email
import re
from collections.abc import Iterator
from email.message import MIMEPart
from email.policy import default
from io import BytesIO
from pathlib import Path

from olefile import OleFileIO

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.html import markdown_of
from ragops.corpus.documents.parsers.soup import parse_page
from ragops.corpus.documents.types import Extract

_SHOWN = ("From", "To", "Cc", "Date")
_TEXTS = ("text/plain", "text/html", "text/calendar", "text/enriched", "text/markdown", "message/delivery-status")
_MACHINES = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_EVENT = ("SUMMARY", "DESCRIPTION", "LOCATION", "DTSTART", "DTEND", "ORGANIZER")
_DEEPEST = 3  # messages attached to messages


def parse_eml(path: Path, limits: ParseLimits) -> Extract:
    """Subject, sender, recipients, date and text of a message, and of messages attached to it."""
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    warnings: list[str] = []
    return Extract(_message(message, warnings, 0), title=_header(message, "Subject"), warnings=tuple(warnings))


def _message(message: MIMEPart, warnings: list[str], depth: int) -> str:
    subject = _header(message, "Subject")
    heading = f"{'#' * (depth + 1)} {subject}" if subject else ""
    fields = "\n".join(f"{name}: {value}" for name in _SHOWN if (value := _header(message, name)))
    texts = _texts(message, warnings, depth)
    return "\n\n".join(part for part in (heading, fields, *texts) if part)


def _texts(part: MIMEPart, warnings: list[str], depth: int) -> Iterator[str]:
    """What a mail program shows of a part, in order: Apple Mail divides a text at each picture in it."""
    kind, inside = part.get_content_type(), list(part.iter_parts()) if part.is_multipart() else []
    if kind == "multipart/alternative":
        yield from _best(inside, warnings, depth)
    elif kind == "message/rfc822" and inside and depth < _DEEPEST:
        yield _message(inside[0], warnings, depth + 1)
    elif kind.startswith("multipart/"):
        for each in inside:
            yield from _texts(each, warnings, depth)
    elif kind in _TEXTS and part.get_content_disposition() != "attachment":
        yield _text_of(part)
    elif not (kind.startswith("image/") and part.get("Content-ID")) and kind not in _MACHINES:  # pictures of the text
        warnings.append(f"attachment {part.get_filename() or kind}: left out")


def _best(alternatives: list[MIMEPart], warnings: list[str], depth: int) -> list[str]:
    """The last alternative that says something, as mail programs choose; calendars only where nothing else does."""
    found: list[str] = []
    calendars = [each for each in alternatives if each.get_content_type() == "text/calendar"]
    others = [each for each in alternatives if each not in calendars]
    for each in (*reversed(others), *calendars):
        own: list[str] = []
        found = [text for text in _texts(each, own, depth) if text]
        if found:
            warnings += own
            break
    return found


def _header(message: MIMEPart, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _text_of(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):  # a report of a server: blocks of fields
        blocks = part.get_payload()
        return "\n\n".join(str(block).strip() for block in blocks) if isinstance(blocks, list) else ""
    decoded = decode(content, part.get_content_charset())
    if part.get_content_type() == "text/calendar":
        return "\n".join(
            line for line in decoded.text.splitlines() if line.partition(":")[0].partition(";")[0] in _EVENT
        )
    is_page = part.get_content_subtype() == "html"
    return markdown_of(parse_page(decoded.text)).strip() if is_page else decoded.text.strip()


def parse_mht(path: Path, limits: ParseLimits) -> Extract:
    """The page of a web archive, without the pictures and sheets in it."""
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    title = _header(message, "Subject")
    return Extract("\n\n".join(_text_of(part) for part in pages[:1]), title=title or None)


# Property tags of MS-OXPROPS as Outlook names the streams that hold them; 001F is UTF-16, 001E the message's code page.
_SUBJECT, _BODY, _HTML = "0037", "1000", "1013"
_FIELDS = {"From": "0C1A", "To": "0E04", "Cc": "0E03"}
_HEADERS = "007D"
_NAME, _LONG_NAME = "3704", "3707"


def parse_msg(path: Path, limits: ParseLimits) -> Extract:
    """Subject, sender, recipients, date and text of an Outlook message. Text that is only in RTF is left out."""
    with OleFileIO(BytesIO(path.read_bytes())) as ole:
        subject = _property(ole, [], _SUBJECT)
        lines = [f"{name}: {value}" for name, tag in _FIELDS.items() if (value := _property(ole, [], tag))]
        sent = re.search(r"^Date: (.+)$", _property(ole, [], _HEADERS), re.MULTILINE)
        lines += [f"Date: {sent[1].strip()}"] if sent else []
        body = _property(ole, [], _BODY)
        if page := _page(ole):
            body = markdown_of(parse_page(page))
        warnings = [f"attachment {name}: left out" for name in _attachments(ole)]
        if not body.strip() and ole.exists("__substg1.0_10090102"):
            warnings.append("text: in Rich Text Format only")
    parts = [f"# {subject}" if subject else "", "\n".join(lines), body.strip()]
    return Extract("\n\n".join(part for part in parts if part), title=subject or None, warnings=tuple(warnings))


def _property(ole: OleFileIO, folder: list[str], tag: str) -> str:
    for kind, encoding in (("001F", "utf-16-le"), ("001E", None)):
        place = [*folder, f"__substg1.0_{tag}{kind}"]
        if ole.exists(place):
            data = ole.openstream(place).read()
            text = data.decode(encoding, "replace") if encoding else decode(data).text
            return text.rstrip("\0").replace("\r\n", "\n")
    return ""


def _page(ole: OleFileIO) -> str:
    place = f"__substg1.0_{_HTML}0102"
    return decode(ole.openstream(place).read()).text if ole.exists(place) else _property(ole, [], _HTML)


def _attachments(ole: OleFileIO) -> Iterator[str]:
    folders = {parts[0] for parts in ole.listdir() if parts[0].startswith("__attach")}
    for folder in sorted(folders):
        yield _property(ole, [folder], _LONG_NAME) or _property(ole, [folder], _NAME) or "without a name"
