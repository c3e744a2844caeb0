import shutil
import zipfile
from pathlib import Path

import pytest

from ragops.corpus.documents.sniffing import sniff_format
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
def test_real_files(samples: Path, name: str, format: str) -> None:
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
        ("a.txt", "x.py", "unknown type: extension '.py'"),
        ("a.txt", "README", "unknown type: no extension"),
    ],
)
def test_extension_and_content_must_agree(samples: Path, tmp_path: Path, source: str, target: str, reason: str) -> None:
    with pytest.raises(Unparsable, match=reason):
        sniff_format(copy(samples, source, tmp_path / target))


def test_pictures_may_carry_each_others_extension(samples: Path, tmp_path: Path) -> None:
    assert sniff_format(copy(samples, "a.png", tmp_path / "x.JPG")) == "png"


def test_a_pdf_may_have_junk_before_its_header(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"mailed\r\n" + (samples / "a.pdf").read_bytes())
    assert sniff_format(tmp_path / "x.pdf") == "pdf"


def test_an_office_file_with_a_password(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(OLE + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(Unparsable, match="encrypted"):
        sniff_format(tmp_path / "x.docx")


def test_an_old_office_file(tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes(OLE)
    with pytest.raises(Unparsable, match="content is an old Office file"):
        sniff_format(tmp_path / "x.docx")


def test_a_zip_that_is_no_office_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.docx", "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(Unparsable, match="content is a zip archive"):
        sniff_format(tmp_path / "x.docx")


def test_a_cut_off_office_file(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "x.docx").write_bytes((samples / "a.docx").read_bytes()[:2_000])
    with pytest.raises(Unparsable, match="damaged zip archive"):
        sniff_format(tmp_path / "x.docx")
