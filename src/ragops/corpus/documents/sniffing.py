"""What a file is: extension and first bytes must agree, and an archive must be safe to unpack."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.types import Unparsable

FORMATS = {
    ".md": "md", ".markdown": "md", ".txt": "txt", ".text": "txt", ".log": "txt", ".rst": "txt", ".adoc": "txt",
    ".html": "html", ".htm": "html", ".xhtml": "html", ".mht": "mht", ".mhtml": "mht",
    ".docx": "docx", ".docm": "docx", ".dotx": "docx", ".dotm": "docx",
    ".pptx": "pptx", ".pptm": "pptx", ".ppsx": "pptx", ".ppsm": "pptx", ".potx": "pptx",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".xltx": "xlsx", ".xltm": "xlsx",
    ".odt": "odt", ".ott": "odt", ".ods": "ods", ".ots": "ods", ".odp": "odp", ".otp": "odp",
    ".rtf": "rtf", ".epub": "epub", ".eml": "eml", ".msg": "msg", ".ipynb": "ipynb",
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".xml": "xml", ".pdf": "pdf", ".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff",
    ".bmp": "bmp", ".gif": "gif", ".webp": "webp",
} | dict.fromkeys((
    ".py", ".js", ".ts", ".java", ".kt", ".go", ".rs", ".c", ".h", ".cpp", ".hpp", ".cs", ".rb", ".php", ".swift",
    ".scala", ".sh", ".bash", ".ps1", ".bat", ".sql", ".r", ".jl", ".lua", ".pl", ".yaml", ".yml", ".toml", ".ini",
    ".cfg", ".conf", ".properties", ".css", ".tf", ".proto", ".graphql", ".tex",
), "code")  # fmt: skip
IMAGES = frozenset({"png", "jpeg", "tiff", "bmp", "gif", "webp"})
OFFICE = frozenset({"docx", "pptx", "xlsx"})
TEXTS = frozenset({"md", "txt", "html", "mht", "eml", "ipynb", "csv", "json", "jsonl", "xml", "code"})
# Formats that many folders have and that no parser of ours reads, with what to do.
_UNSUPPORTED = {
    ".doc": "Word 97; save it as .docx", ".xls": "Excel 97; save it as .xlsx",
    ".ppt": "PowerPoint 97; save it as .pptx",
    ".xlsb": "Excel's binary format; save it as .xlsx", ".pages": "Apple Pages; export it as .docx or .pdf",
    ".numbers": "Apple Numbers; export it as .xlsx", ".key": "Apple Keynote; export it as .pptx or .pdf",
    ".zip": "an archive; unpack it", ".7z": "an archive; unpack it", ".rar": "an archive; unpack it",
    ".gz": "an archive; unpack it", ".tar": "an archive; unpack it", ".pst": "an Outlook store; export its messages",
    ".mbox": "a mailbox; export its messages as .eml",
}  # fmt: skip

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"),
    (b"GIF87a", "gif"), (b"GIF89a", "gif"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"), (b"{\\rtf", "rtf"),
)  # fmt: skip
_OFFICE_PARTS = (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx"))
_MIME_TYPES = {
    b"application/epub+zip": "epub",
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}
_HEAD = 1024  # PDF readers look for the header in the first 1,024 bytes
_OUTLOOK = "__properties_version1.0".encode("utf-16-le")
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


def sniff_format(path: Path) -> str:
    """Determines a file's format from its extension and content. An image may have another image format's extension.

    Raises:
        Unparsable: unknown extension, content of another format, an encrypted Office file, or a damaged one.
        OSError: the file cannot be read.
    """
    expected = FORMATS.get(path.suffix.lower())
    if expected is None:
        raise Unparsable(_unknown(path.suffix.lower()))
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    found = _content_format(path, head)
    if found == expected or (found in IMAGES and expected in IMAGES):
        return found
    if found == "ole" and expected in OFFICE and _ENCRYPTED_OFFICE in path.read_bytes():
        raise Unparsable("encrypted: the file needs a password")
    if found is None and expected in TEXTS:
        return expected
    if found is None:
        raise Unparsable(f"corrupt: the content is not {expected}")
    raise Unparsable(f"wrong extension: extension says {expected}, content is {_NAMES.get(found, found)}")


def _unknown(extension: str) -> str:
    if hint := _UNSUPPORTED.get(extension):
        return f"unsupported type: {extension} ({hint})"
    return f"unknown type: extension {extension!r}" if extension else "unknown type: no extension"


_NAMES = {"zip": "a zip archive", "ole": "an old Office file (doc, xls or ppt)"}


def _content_format(path: Path, head: bytes) -> str | None:
    found = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if found == "zip":
        return _zipped_format(path)
    if found == "ole" and _OUTLOOK in path.read_bytes():
        return "msg"
    if found is None and head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "bmp"
    if found is None and head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    # Text that merely mentions %PDF- is text: only a .pdf file may have bytes (added by mailers) before its header.
    if found is None and (head.startswith(b"%PDF-") or (path.suffix.lower() == ".pdf" and b"%PDF-" in head)):
        return "pdf"
    return found


def _zipped_format(path: Path) -> str:
    try:
        with ZipFile(path) as archive:
            names = [name.replace("\\", "/").lstrip("/").lower() for name in archive.namelist()]
            kind = archive.read("mimetype")[:100].strip() if "mimetype" in names else b""
    except (BadZipFile, NotImplementedError, ValueError, OverflowError, RuntimeError) as error:
        raise Unparsable(f"corrupt: damaged zip archive ({error})", type(error).__name__) from error
    if known := _MIME_TYPES.get(kind.removesuffix(b"-template")):
        return known
    return next((name for part, name in _OFFICE_PARTS if any(entry.startswith(part) for entry in names)), "zip")


_RATIO_MATTERS = 32 * MIB
_ENCRYPTED = 0x1


def check_archive(path: Path, limits: ParseLimits) -> None:
    """Checks, before anything is unpacked, that a zipped format is safe to unpack.

    The declared sizes are enough: Python's zipfile, which all parsers use, never yields more bytes of
    an entry than its directory declares, so a false directory ends in a checksum error.

    Raises:
        Unparsable: too many entries, unpacked size or ratio too large (a zip bomb), or encrypted entries.
    """
    with ZipFile(path) as archive:
        entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > limits.max_entries:
        reason = f"zip bomb: {len(entries):,} files inside, at most {limits.max_entries:,} are allowed"
        raise Unparsable(reason, limit="max_entries")
    if unpacked > limits.max_unpacked_bytes:
        allowed = limits.max_unpacked_bytes // MIB
        reason = f"zip bomb: unpacks to {unpacked // MIB:,} MiB, at most {allowed:,} MiB are allowed"
        raise Unparsable(reason, limit="max_unpacked_bytes")
    if unpacked > _RATIO_MATTERS and unpacked > limits.max_ratio * path.stat().st_size:
        raise Unparsable(f"zip bomb: unpacks to more than {limits.max_ratio} times its size", limit="max_ratio")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise Unparsable("encrypted: the file needs a password")
