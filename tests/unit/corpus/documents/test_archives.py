import struct
import zipfile
from pathlib import Path

import pytest

from ragops.corpus.documents.archives import check_archive
from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.types import Unparsable


def pack(path: Path, *sizes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(f"word/{number}.xml", bytes(size))
    return path


def declare(path: Path, size: int) -> Path:
    """Overwrites the unpacked size of the first entry in the directory and in its own header."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
    struct.pack_into("<I", data, data.index(b"PK\x03\x04") + 22, size)
    path.write_bytes(bytes(data))
    return path


def test_a_real_file_passes(samples: Path) -> None:
    check_archive(samples / "a.docx", ParseLimits())


def test_a_high_ratio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="zip bomb: unpacks to more than 200 times its size"):
        check_archive(pack(tmp_path / "x.docx", 40 * MIB), ParseLimits())


def test_a_large_sum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="zip bomb: unpacks to 6 MiB, at most 5 MiB"):
        check_archive(pack(tmp_path / "x.docx", 3 * MIB, 3 * MIB), ParseLimits(max_unpacked_bytes=5 * MIB))


def test_many_entries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="zip bomb: 11 files inside"):
        check_archive(pack(tmp_path / "x.docx", *[1] * 11), ParseLimits(max_entries=10))


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.docx", 10)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Unparsable, match="encrypted"):
        check_archive(path, ParseLimits())


def test_a_directory_that_lies_yields_no_more_than_it_declares(tmp_path: Path) -> None:
    """What check_archive relies on: 8 MiB that are declared as 1,000 bytes are never unpacked."""
    path = declare(pack(tmp_path / "x.docx", 8 * MIB), 1_000)
    check_archive(path, ParseLimits(max_unpacked_bytes=2_000))
    with zipfile.ZipFile(path) as archive, archive.open("word/0.xml") as entry:
        with pytest.raises(zipfile.BadZipFile):
            entry.read()
        assert entry.tell() <= 1_000
