import errno
import os
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragops.corpus.documents.limits import MIB, ParseLimits
from ragops.corpus.documents.parsers import ocr
from ragops.corpus.documents.parsing import ParsedDocument, parse
from ragops.corpus.documents.sniffing import FORMATS
from ragops.corpus.documents.types import Unparsable

PROSE = "The harbour opens at six in the morning and closes when the last ship has left for the open sea."
MAGIC = [
    b"",
    b"%PDF-1.7\n",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"II*\x00",
    b"GIF89a",
    b"PK\x03\x04",
    b"BM",
    b"RIFF",
]


def refused(path: Path, limits: ParseLimits = ParseLimits()) -> Unparsable:  # noqa: B008 - frozen
    with pytest.raises(Unparsable) as caught:
        parse(path, limits)
    return caught.value


@pytest.mark.parametrize(
    ("name", "title", "markdown"),
    [
        ("a.md", "Harbour rules", f"# Opening hours\n\n{PROSE}"),
        ("a.txt", "A", PROSE),
        ("a.html", "Harbour rules", f"# Opening hours\n\n{PROSE}\n\n| Ship |\n| --- |\n| sea_gull |"),
        ("a.docx", "Opening hours", f"# Opening hours\n\n{PROSE}\n\n- call sea_gull"),
        (
            "a.pptx",
            "Opening hours",
            f"<!-- page: 1 -->\n\n# Opening hours\n\n{PROSE}\n\n<!-- page: 2 -->\n\n# Fees\n\n{PROSE}",
        ),
        (
            "a.xlsx",
            "Fees",
            "## Fees\n\n| ship | fee | since |\n| --- | --- | --- |\n| sea\\|gull | 12 | 2024 |\n| heron | 0.3 |  |",
        ),
        (
            "a.pdf",
            "Harbour rules",
            f"<!-- page: 1 -->\n\n# Opening hours\n\n{PROSE} {PROSE}\n\n<!-- page: 2 -->\n\n# Fees\n\n{PROSE} {PROSE}",
        ),
    ],
)
def test_every_text_format_is_parsed_to_markdown(samples: Path, name: str, title: str, markdown: str) -> None:
    parsed = parse(samples / name, ParseLimits())
    assert parsed.markdown == markdown
    assert parsed.title == title
    assert parsed.format == name.split(".")[1]
    assert parsed.pages == (2 if name in ("a.pdf", "a.pptx") else None)
    assert parsed.language == "en"
    assert not parsed.ocr


def test_files_without_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"")
    (tmp_path / "b.md").write_bytes(b" \n\n")
    (tmp_path / "c.html").write_bytes(b"<html><script>x</script></html>")
    (tmp_path / "d.md").write_bytes(b"---\n\n* * *\n")
    assert refused(tmp_path / "a.md").reason == "empty: the file has no bytes"
    assert refused(tmp_path / "d.md").reason == "empty: no text found"
    assert refused(tmp_path / "b.md").reason == "empty: no text found"
    assert refused(tmp_path / "c.html").reason == "empty: no text found"


def test_a_pdf_of_blank_pages_is_refused(tmp_path: Path) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.output(str(tmp_path / "a.pdf"))
    assert refused(tmp_path / "a.pdf").reason == "empty: no text found"


def test_an_encrypted_pdf_is_refused(samples: Path) -> None:
    error = refused(samples / "encrypted.pdf")
    assert error.reason == "encrypted: the file needs a password"
    assert (error.exception_type, error.parser) == ("PdfiumError", "pypdfium2")


def test_200_mib_are_refused_without_reading(tmp_path: Path) -> None:
    with (tmp_path / "a.md").open("wb") as stream:
        stream.truncate(200 * MIB)
    assert refused(tmp_path / "a.md").reason == "too large: 200 MiB, at most 100 MiB"


def test_too_many_pages_slides_and_images_are_refused(samples: Path) -> None:
    assert refused(samples / "a.pdf", ParseLimits(max_pages=1)).reason == "too large: 2 pages, at most 1 are allowed"
    assert refused(samples / "a.pptx", ParseLimits(max_pages=1)).reason == "too large: 2 slides, at most 1 are allowed"
    none = ParseLimits(max_ocr_pages=0)
    assert refused(samples / "scan.pdf", none).limit == "max_ocr_pages"


def test_too_many_pixels_are_refused_before_they_are_decoded(samples: Path) -> None:
    reason = refused(samples / "a.png", ParseLimits(max_pixels=1_000)).reason
    assert reason == "too large: 640 x 120 pixels, at most 1,000"


def test_too_much_text_is_refused(samples: Path) -> None:
    assert refused(samples / "a.txt", ParseLimits(max_characters=50)).reason.startswith(
        "too large: 96 characters of text"
    )


@pytest.mark.parametrize(
    ("name", "limit", "value"),
    [
        ("a.md", "max_bytes", 10),
        ("a.md", "max_characters", 5),
        ("a.docx", "max_entries", 1),
        ("a.docx", "max_unpacked_bytes", 10),
        ("a.pptx", "max_pages", 1),
        ("a.pdf", "max_pages", 1),
        ("scan.pdf", "max_ocr_pages", 0),
        ("a.tiff", "max_pixels", 10),
    ],
)
def test_a_refusal_names_the_limit_to_raise(samples: Path, name: str, limit: str, value: int) -> None:
    failure = refused(samples / name, replace(ParseLimits(), **{limit: value})).failure()
    assert (failure.limit, failure.transient) == (limit, False)


@pytest.mark.parametrize(
    ("number", "transient"), [(errno.EIO, True), (errno.ESTALE, True), (errno.EACCES, False), (None, False)]
)
def test_storage_errors_are_transient_and_file_errors_are_not(
    samples: Path, monkeypatch: pytest.MonkeyPatch, number: int | None, transient: bool
) -> None:
    def fail(path: Path) -> bytes:
        raise OSError(number, "no") if number else OSError("truncated")

    monkeypatch.setattr(Path, "read_bytes", fail)
    assert refused(samples / "a.txt").transient is transient


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(40 * MIB))
    assert refused(tmp_path / "a.docx").reason.startswith("zip bomb")


def test_corrupt_files_name_the_exception_of_the_library(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes((samples / "a.pdf").read_bytes()[:300])
    error = refused(tmp_path / "a.pdf")
    assert error.reason.startswith("corrupt: PdfiumError while reading it as pdf")
    assert error.exception_type == "PdfiumError"
    (tmp_path / "a.png").write_bytes((samples / "a.png").read_bytes()[:300])
    assert refused(tmp_path / "a.png").parser == "rapidocr"
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert refused(tmp_path / "b.png").reason.endswith(
        "UnidentifiedImageError while reading it as png: cannot identify image file 'b.png'"
    )


def test_a_zip_directory_that_points_before_the_file_is_corrupt(samples: Path, tmp_path: Path) -> None:
    """Python's zipfile raises the operating system's error for the seek."""
    data = bytearray((samples / "a.docx").read_bytes())
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 16, struct.unpack_from("<I", data, end + 16)[0] + 100_000)
    (tmp_path / "a.docx").write_bytes(bytes(data))
    assert refused(tmp_path / "a.docx").reason.startswith("corrupt: ")


def test_files_that_cannot_be_opened_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "a.md").reason == "cannot be read: No such file or directory"
    (tmp_path / "b.md").mkdir()
    assert refused(tmp_path / "b.md").reason == "not a regular file"
    os.mkfifo(tmp_path / "c.md")
    assert refused(tmp_path / "c.md").reason == "not a regular file"


def fail(message: str) -> Callable[[], NoReturn]:
    def engine() -> NoReturn:
        raise RuntimeError(message)

    return engine


def test_a_failed_allocation_in_a_library_is_a_memory_error(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "_engine", fail("while running node: std::bad_alloc"))
    with pytest.raises(MemoryError):
        parse(samples / "a.png", ParseLimits())


def test_a_stack_trace_in_a_message_is_reduced_to_its_last_line(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "_engine", fail("Traceback (most recent call last):\n  File x\nBad: no model\n"))
    assert refused(samples / "a.png").reason == "corrupt: RuntimeError while reading it as png: Bad: no model"


def test_elements_nested_thousands_deep_keep_their_text(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<div>" * 5_000 + PROSE + "</div>" * 5_000)
    assert parse(tmp_path / "a.html", ParseLimits()).markdown == PROSE


def test_nested_xml_entities_are_not_expanded(samples: Path, tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "lol">{entities}]><w:document>&l9;</w:document>'
    with zipfile.ZipFile(samples / "a.docx") as source, zipfile.ZipFile(tmp_path / "a.docx", "w") as target:
        for name in source.namelist():
            target.writestr(name, bomb if name == "word/document.xml" else source.read(name))
    assert refused(tmp_path / "a.docx").reason.startswith("corrupt")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(FORMATS)), st.sampled_from(MAGIC), st.binary(max_size=2_000) | st.text().map(str.encode))
def test_any_bytes_with_any_extension_give_a_document_or_unparsable(
    tmp_path: Path, extension: str, magic: bytes, data: bytes
) -> None:
    path = tmp_path / f"a{extension}"
    path.write_bytes(magic + data)
    try:
        parsed = parse(path, ParseLimits())
    except Unparsable as error:
        assert error.reason
        assert "\n" not in error.reason
    else:
        assert_storable(parsed)


def assert_storable(parsed: ParsedDocument) -> None:
    assert parsed.markdown.strip()
    assert parsed.markdown.encode("utf-8")
    assert parsed.title is None or ("\n" not in parsed.title and parsed.title.encode("utf-8"))
    controls = {character for character in parsed.markdown if unicodedata.category(character) == "Cc"}
    assert controls <= {"\n", "\t"}
