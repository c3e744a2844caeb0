"""The smoke corpus is written completely, and its check finds every wrong answer."""

from pathlib import Path

import pytest

from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.documents.limits import ParseLimits
from ragops.corpus.documents.parsing import parse
from ragops.corpus.documents.types import ParsedDocument
from ragops.demo.smoke_corpus import Edition, Search, check, edition, write_edition
from ragops.errors import UserError
from ragops.jobs.smoke import ALL_PASSAGES

FIRST, SECOND = edition("first", "7"), edition("second", "7")


def finding(documents: Edition) -> Search:
    """A search that puts the right passage first, since it knows the answers."""

    def search(question: str) -> list[tuple[str, str]]:
        right, _ = documents.answers.get(question, ("ferry.md", ""))
        return sorted(documents.documents.items(), key=lambda document: document[0] != right)

    return search


def texts(documents: Edition) -> set[str]:
    chunks = [
        split(path, "The title", text, lambda texts: [len(text) for text in texts], ChunkSizes(max_tokens=500))
        for path, text in documents.documents.items()
    ]
    return {chunk.text_hash for document in chunks for chunk in document}


def test_the_edit_contains_no_text_that_is_new_to_the_index() -> None:
    assert texts(SECOND) < texts(FIRST)
    assert FIRST.documents["notice.md"] != SECOND.documents["notice.md"]


def test_each_run_has_its_own_notice() -> None:
    assert edition("first", "8").documents["notice.md"] != FIRST.documents["notice.md"]


def test_the_folder_contains_the_edition_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    assert [path.name for path in write_edition(folder, FIRST)] == sorted(FIRST.documents)
    assert [path.name for path in write_edition(folder, SECOND)] == sorted(SECOND.documents)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FIRST.documents.keys() - {"draft.md"})
    plain = {name: text for name, text in SECOND.documents.items() if not name.endswith(".png")}
    assert {name: (folder / name).read_text() for name in plain} == plain
    assert [path.name for path in write_edition(folder, FIRST)] == sorted(FIRST.documents)


def test_a_folder_with_other_documents_is_not_changed(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "minutes.md").touch()
    with pytest.raises(UserError, match="contracts.*nothing was changed"):
        write_edition(tmp_path, FIRST)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contracts", "minutes.md"]


@pytest.mark.parametrize("corpus", [FIRST, SECOND])
def test_there_are_more_documents_than_the_driver_processes_and_fewer_than_a_search_lists(corpus: Edition) -> None:
    assert 16 < len(corpus.documents) < ALL_PASSAGES


def test_one_document_is_a_picture_that_ocr_reads(tmp_path: Path) -> None:
    write_edition(tmp_path, FIRST)
    (picture,) = tmp_path.glob("*.png")
    document = parse(picture, ParseLimits())
    assert isinstance(document, ParsedDocument) and document.ocr
    assert "students pay three euros" in " ".join(document.markdown.split())


@pytest.mark.parametrize("corpus", [FIRST, SECOND])
def test_right_answers_pass(corpus: Edition) -> None:
    assert len(list(check(corpus, finding(corpus)))) == len(corpus.answers) + len(corpus.gone)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (lambda question: [], "finds nothing first"),
        (lambda question: [("ferry.md", "The ferry")], "finds ferry.md first .The ferry., not notice.md"),
        (lambda question: [("notice.md", FIRST.documents["notice.md"])], "finds notice.md first .* with 'Order 7-B'"),
        (finding(edition("second", "6")), "with 'Order 7-B'"),
        (
            lambda question: [*finding(SECOND)(question), ("old.md", FIRST.documents["notice.md"])],
            "'Order 7-A' was removed and is still found in old.md",
        ),
    ],
    ids=["nothing", "another document", "the old text", "an earlier run", "both"],
)
def test_a_wrong_answer_is_reported_in_one_line(search: Search, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        list(check(SECOND, search))
    assert "\n" not in str(raised.value)
