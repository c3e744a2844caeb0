from collections.abc import Callable, Sequence

import pytest

from ragops.answers.retrieval.joining import join, joined
from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.index.passages import Entry


def test_paragraphs_stay_paragraphs() -> None:
    assert join("One.", "Two.") == "One.\n\nTwo."
    assert join("same line", "same line") == "same line\n\nsame line"  # said twice by the document itself


def test_a_table_s_header_stands_once() -> None:
    head = "| a | b |\n|---|:-:|\n"
    assert join(head + "| 1 | 2 |", head + "| 3 | 4 |") == head + "| 1 | 2 |\n| 3 | 4 |"
    other = "| x | y |\n|---|---|\n| 3 | 4 |"
    assert join(head + "| 1 | 2 |", other) == head + "| 1 | 2 |\n\n" + other


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_code_block_that_was_cut_is_one_again(fence: str) -> None:
    before, after = f"So:\n{fence}python\na = 1\n{fence}", f"{fence}python\nb = 2\n{fence}"
    assert join(before, after) == f"So:\n{fence}python\na = 1\nb = 2\n{fence}"
    other = f"{fence}sh\nls\n{fence}"
    assert join(before, other) == f"{before}\n\n{other}"


def test_another_section_gets_its_heading(make_passage: Callable[..., Entry]) -> None:
    rows = [make_passage(0, "One."), make_passage(1, "Two."), make_passage(2, "Three.", section="Next")]
    assert joined(rows) == "One.\n\nTwo.\n\n## Next\n\nThree."


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


@pytest.mark.parametrize(
    "document",
    [
        "| k | v |\n|---|---|\n" + "\n".join(f"| key{n} | value number {n} |" for n in range(60)),
        "```python\n" + "\n".join(f"name_{n} = {n}" for n in range(80)) + "\n```",
        "\n\n".join(f"Sentence {n} is here. Another follows it, {n}." for n in range(40)),
    ],
    ids=["table", "code", "prose"],
)
def test_what_the_splitter_cut_is_joined_without_repetition(make_passage: Callable[..., Entry], document: str) -> None:
    chunks = split("d", "T", document, count, ChunkSizes(min_tokens=8, max_tokens=40, embedded_tokens=60))
    assert len(chunks) > 2
    whole = joined([make_passage(chunk.ordinal, chunk.text) for chunk in chunks])
    assert whole.split() == document.split()
