"""The corpus is the same each time it is written, complete, and of mixed formats with real text."""

import hashlib
import time
import zipfile
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics as texts

import pypdfium2
import pytest
from PIL import Image

from ragops.demo.corpus import PATHS, write_corpus
from ragops.quality.questions import holds_anchor

ONE_OF_EACH = ["with", "raise", "class", "numeric-types", "numbers", "break"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


def test_every_topic_has_its_own_file(corpus: Path) -> None:
    assert len(PATHS) == len(set(PATHS.values())) == 79
    assert PATHS.keys() <= texts.keys()
    assert {path.relative_to(corpus).as_posix() for path in corpus.rglob("*.*")} == {
        str(path) for path in PATHS.values()
    }


def test_formats_are_mixed() -> None:
    counts = Counter(path.suffix for path in PATHS.values())
    assert counts.pop(".png") == 4
    assert counts.keys() == {".md", ".html", ".docx", ".pdf", ".txt"}
    assert min(counts.values()) >= 5


def test_pictures_are_of_short_topics() -> None:
    pictures = [topic for topic, path in PATHS.items() if path.suffix == ".png"]
    assert all(len(texts[topic].split()) <= 130 for topic in pictures)


def test_a_second_write_changes_nothing(tmp_path: Path) -> None:
    paths = write_corpus(tmp_path, ONE_OF_EACH)
    before = [path.stat().st_mtime_ns for path in paths]
    assert write_corpus(tmp_path, ONE_OF_EACH) == paths == sorted(paths)
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_bytes_do_not_depend_on_the_clock(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.localtime(4_000_000_000)
    monkeypatch.setattr(time, "localtime", lambda *_: later)  # zip archives take their members' time from here
    for path in write_corpus(tmp_path, ONE_OF_EACH):
        assert _digest(path) == _digest(corpus / path.relative_to(tmp_path)), path.name


def test_a_changed_file_is_restored(tmp_path: Path) -> None:
    (path,) = write_corpus(tmp_path, ["pass"])
    content = path.read_bytes()
    path.write_bytes(b"")
    write_corpus(tmp_path, ["pass"])
    assert path.read_bytes() == content


def test_an_unknown_topic_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no-such-topic"):
        write_corpus(tmp_path, ["no-such-topic"])


def test_a_pdf_has_real_text_and_its_curly_quotes(corpus: Path) -> None:
    pages = pypdfium2.PdfDocument(corpus / PATHS["compound"])
    text = "".join(page.get_textpage().get_text_bounded() for page in pages)
    assert len(pages) > 1
    assert "’" in text
    assert holds_anchor(text, "bind the same set of names to avoid ambiguity")


def test_word_files_have_heading_styles(corpus: Path) -> None:
    """Which of the two has three levels depends on the release of Python."""
    written = ""
    for topic in ("types", "attribute-access"):
        with zipfile.ZipFile(corpus / PATHS[topic]) as archive:
            written += archive.read("word/document.xml").decode()
    assert all(f'<w:pStyle w:val="Heading{level}"/>' in written for level in (1, 2, 3))


def test_markdown_and_html_have_structure(corpus: Path) -> None:
    markdown = (corpus / PATHS["customization"]).read_text()
    page = (corpus / PATHS["specialnames"]).read_text()
    assert markdown.startswith("# Basic customization\n")
    assert "```python\ndef __hash__(self):" in markdown
    assert "<h3>Metaclasses</h3>" in page
    assert "<li>" in page


def test_a_picture_is_black_on_white(corpus: Path) -> None:
    with Image.open(corpus / PATHS["pass"]) as picture:
        assert picture.getextrema() == (0, 255)
        assert picture.getpixel((0, 0)) == 255


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
