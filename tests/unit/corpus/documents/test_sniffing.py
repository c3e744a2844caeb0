import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.sniffing import check_archive, sniff_format
from ragops.corpus.documents.types import Unparsable

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def copy(samples: Path, source: str, target: Path) -> Path:
    return Path(shutil.copy(samples / source, target))


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.md", "md"), ("a.txt", "txt"), ("a.html", "html"), ("a.docx", "docx"), ("a.pptx", "pptx"),
        ("a.xlsx", "xlsx"), ("a.pdf", "pdf"), ("a.png", "png"),
         ("a.jpg", "jpeg"), ("a.tiff", "tiff"), ("a.bmp", "bmp"), ("a.gif", "gif"),
        ("a.webp", "webp"),
    ],
)  # fmt: skip
def test_every_sample_has_its_format(samples: Path, name: str, format: str) -> None:
    assert sniff_format(samples / name) == format


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("a.pdf", "x.docx", "extension says docx, content is pdf"),
        ("a.docx", "x.pdf", "extension says pdf, content is docx"),
        ("a.xlsx", "x.docx", "extension says docx, content is xlsx"),
        ("a.png", "x.txt", "extension says txt, content is png"),
        ("a.pdf", "x.md", "extension says md, content is pdf"),
        ("a.txt", "x.pdf", "corrupt: the content is not pdf"),
        ("a.txt", "x.xyz", "unknown type: extension '.xyz'"),
        ("a.txt", "x.DOC", r"unsupported type: .doc \(Word 97; save it as .docx\)"),
        ("a.docx", "x.epub", "extension says epub, content is docx"),
        ("a.txt", "README", "unknown type: no extension"),
    ],
)
def test_extension_and_content_must_agree(samples: Path, tmp_path: Path, source: str, target: str, reason: str) -> None:
    with pytest.raises(Unparsable, match=reason):
        sniff_format(copy(samples, source, tmp_path / target))


def test_images_may_have_each_others_extension(samples: Path, tmp_path: Path) -> None:
    assert sniff_format(copy(samples, "a.png", tmp_path / "x.JPG")) == "png"


def test_a_pdf_may_have_other_bytes_before_its_header(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"mailed\r\n" + (samples / "a.pdf").read_bytes())
    assert sniff_format(tmp_path / "x.pdf") == "pdf"


def test_an_office_file_with_a_password_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(OLE + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(Unparsable, match="encrypted"):
        sniff_format(tmp_path / "x.docx")


def test_an_old_office_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(OLE)
    with pytest.raises(Unparsable, match="content is an old Office file"):
        sniff_format(tmp_path / "x.docx")


def test_a_zip_archive_that_is_not_an_office_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.docx", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(Unparsable, match="content is a zip archive"):
        sniff_format(tmp_path / "x.docx")


def test_a_truncated_office_file_is_refused(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes((samples / "a.docx").read_bytes()[:2_000])
    with pytest.raises(Unparsable, match="damaged zip archive"):
        sniff_format(tmp_path / "x.docx")


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


def test_a_normal_archive_is_accepted(samples: Path) -> None:
    check_archive(samples / "a.docx", ParseLimits())


def test_an_archive_with_a_high_ratio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="zip bomb: unpacks to more than 200 times its size"):
        check_archive(pack(tmp_path / "x.docx", 40 * MIB), ParseLimits())


def test_an_archive_with_a_large_unpacked_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="zip bomb: unpacks to 6 MiB, at most 5 MiB"):
        check_archive(pack(tmp_path / "x.docx", 3 * MIB, 3 * MIB), ParseLimits(max_unpacked_bytes=5 * MIB))


def test_an_archive_with_many_entries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unparsable, match="zip bomb: 11 files inside"):
        check_archive(pack(tmp_path / "x.docx", *[1] * 11), ParseLimits(max_entries=10))


def test_an_archive_with_encrypted_entries_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.docx", 10)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(Unparsable, match="encrypted"):
        check_archive(path, ParseLimits())


def test_a_false_directory_never_unpacks_more_than_it_declares(tmp_path: Path) -> None:
    """check_archive relies on this: 8 MiB that are declared as 1,000 bytes are never unpacked."""
    path = declare(pack(tmp_path / "x.docx", 8 * MIB), 1_000)
    check_archive(path, ParseLimits(max_unpacked_bytes=2_000))
    with zipfile.ZipFile(path) as archive, archive.open("word/0.xml") as entry:
        with pytest.raises(zipfile.BadZipFile):
            entry.read()
        assert entry.tell() <= 1_000
