"""Zipped formats are judged by their directory before anything is unpacked."""

from pathlib import Path
from zipfile import ZipFile

from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.types import Unparsable

_RATIO_MATTERS = 32 * MIB
_ENCRYPTED = 0x1


def check_archive(path: Path, limits: ParseLimits) -> None:
    """Passes a docx, pptx or xlsx that may be unpacked.

    The declared sizes are enough: Python's zipfile, through which all our parsers read, never yields more bytes of
    an entry than its directory declares, so a directory that lies ends in a checksum error.

    Raises:
        Unparsable: too many entries, too much unpacked, too high a ratio (a zip bomb), or encrypted entries.
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
