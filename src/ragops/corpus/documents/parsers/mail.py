"""E-mails: .eml files, Outlook's .msg files, and web pages that a browser saved as one file (.mht)."""

import email
import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart
from email.policy import default
from io import BytesIO
from pathlib import Path

from bs4 import BeautifulSoup
from olefile import OleFileIO

from ragops.corpus.documents.decoding import decode
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsers.html import markdown_of
from ragops.corpus.documents.types import Extract

_SHOWN = ("From", "To", "Cc", "Date")
_DEEPEST = 3  # messages attached to messages


def parse_eml(path: Path, limits: ParseLimits) -> Extract:
    """Subject, sender, recipients, date and text of a message, and of messages attached to it."""
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    warnings: list[str] = []
    return Extract(_message(message, warnings, 0), title=_header(message, "Subject"), warnings=tuple(warnings))


def _message(message: EmailMessage, warnings: list[str], depth: int) -> str:
    subject = _header(message, "Subject")
    lines = [f"{name}: {value}" for name in _SHOWN if (value := _header(message, name))]
    body = message.get_body(preferencelist=("html", "plain"))
    text = _text_of(body) if body is not None else ""
    parts = [f"{'#' * (depth + 1)} {subject}" if subject else "", "\n".join(lines), text]
    for attachment in message.iter_attachments():
        name = attachment.get_filename() or attachment.get_content_type()
        if attachment.get_content_type() == "message/rfc822" and depth < _DEEPEST:
            parts.append(_message(attachment.get_content(), warnings, depth + 1))
        elif not (attachment.get_content_maintype() == "image" and attachment.get("Content-ID")):  # of the text
            warnings.append(f"attachment {name}: left out")
    return "\n\n".join(part for part in parts if part)


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _text_of(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    decoded = decode(content if isinstance(content, bytes) else b"", part.get_content_charset())
    is_page = part.get_content_subtype() == "html"
    return markdown_of(BeautifulSoup(decoded.text, "lxml")).strip() if is_page else decoded.text.strip()


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
            body = markdown_of(BeautifulSoup(page, "lxml"))
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
