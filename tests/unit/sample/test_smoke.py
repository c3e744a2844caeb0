"""The smoke corpus is laid whole, and its check lets nothing wrong pass."""

from pathlib import Path

import pytest

from ragops.chunks.splitter import ChunkSizes, split
from ragops.errors import UserError
from ragops.sample.smoke import Edition, Search, check, edition, lay

FIRST, SECOND = edition("first", "7"), edition("second", "7")


def finding(documents: Edition) -> Search:
    """A search that puts the right passage first, by a peep at the answers."""

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


def test_the_edit_brings_no_text_that_was_not_embedded_before() -> None:
    assert texts(SECOND) < texts(FIRST)
    assert FIRST.documents["notice.md"] != SECOND.documents["notice.md"]


def test_runs_share_no_notice() -> None:
    assert edition("first", "8").documents["notice.md"] != FIRST.documents["notice.md"]


def test_the_folder_holds_the_edition_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    assert [path.name for path in lay(folder, FIRST)] == ["canteen.html", "draft.md", "ferry.md", "notice.md"]
    (folder / "forgotten.md").touch()
    assert [path.name for path in lay(folder, SECOND)] == ["canteen.html", "ferry.md", "notice.md"]
    assert {path.name: path.read_text() for path in folder.iterdir()} == SECOND.documents


@pytest.mark.parametrize("corpus", [FIRST, SECOND])
def test_right_answers_pass(corpus: Edition) -> None:
    assert len(list(check(corpus, finding(corpus)))) == 3 + len(corpus.gone)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        (lambda question: [], "finds nothing first"),
        (lambda question: [("ferry.md", "The ferry")], "finds ferry.md first .The ferry., not notice.md"),
        (lambda question: [("notice.md", FIRST.documents["notice.md"])], "finds notice.md first .* with 'Order 7-B'"),
        (finding(edition("second", "6")), "with 'Order 7-B'"),
        (
            lambda question: [*finding(SECOND)(question), ("old.md", FIRST.documents["notice.md"])],
            "'Order 7-A' was edited away and is still found in old.md",
        ),
    ],
    ids=["nothing", "another document", "the old text", "an earlier run", "both"],
)
def test_wrong_answers_raise_one_line(search: Search, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        list(check(SECOND, search))
    assert "\n" not in str(raised.value)
