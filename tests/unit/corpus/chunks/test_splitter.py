import hashlib
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.corpus.chunks.splitter import Chunk, ChunkSizes, embedded_text, split, splitter_fingerprint
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.errors import UserError

SMALL = ChunkSizes(min_tokens=5, max_tokens=20, embedded_tokens=60)


def ids(chunks: list[Chunk]) -> list[str]:
    return [chunk.chunk_id for chunk in chunks]


def texts(chunks: list[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks]


def test_the_ids_of_this_splitter_version_do_not_change(words: TokenCounter) -> None:
    """If the same document gets other ids, increase SPLITTER_VERSION and enter the new ids here."""
    chunks = split("guide", "Guide", "# Setup\n\nInstall it.\n\nRun it.\n", words, ChunkSizes())
    assert ids(chunks) == ["e17fd9f75f5bee2da02b989775826aa1"]
    assert splitter_fingerprint(ChunkSizes()) == "37cb548d"


def test_a_chunk_has_its_ordinal_headings_and_page(words: TokenCounter) -> None:
    markdown = "Intro.\n\n<!-- page: 4 -->\n\n# Setup\n\nInstall it.\n\n<!-- page: 5 -->\n\n## More\n\nRun it now."
    chunks = split("guide", "Guide", markdown, words, ChunkSizes())
    assert [(c.ordinal, c.heading_path, c.text, c.tokens, c.page) for c in chunks] == [
        (0, (), "Intro.", 2, None),
        (1, ("Setup",), "Install it.", 3, 4),
        (2, ("Setup", "More"), "Run it now.", 4, 5),
    ]
    assert {chunk.doc_id for chunk in chunks} == {"guide"}


def test_the_hash_is_that_of_the_embedded_text(words: TokenCounter) -> None:
    (chunk,) = split("guide", "Guide", "# Setup\n\nInstall it.", words, ChunkSizes())
    assert chunk.embedded_text == "Guide > Setup\n\nInstall it."
    assert chunk.text_hash == hashlib.sha256(b"Guide > Setup\n\nInstall it.").hexdigest()


def test_a_title_equal_to_the_first_heading_is_embedded_once() -> None:
    assert embedded_text("Guide", ["Guide", "Setup"], "Go.") == "Guide > Setup\n\nGo."
    assert embedded_text("Guide", [], "Go.") == "Guide\n\nGo."
    assert embedded_text(None, [], "Go.") == "Go."


def test_equal_texts_under_equal_headings_have_different_ids(words: TokenCounter) -> None:
    chunks = split("guide", None, "# A\n\nSame.\n\n# A\n\nSame.\n", words, ChunkSizes())
    assert texts(chunks) == ["Same.", "Same."]
    assert len(set(ids(chunks))) == 2
    assert len({chunk.text_hash for chunk in chunks}) == 1


@pytest.mark.parametrize(
    "other", [("other", "# A\n\nSame."), ("guide", "# B\n\nSame."), ("guide", "# A\n\nOther."), ("guide", "Same.")]
)
def test_the_id_depends_on_document_headings_and_text(words: TokenCounter, other: tuple[str, str]) -> None:
    assert ids(split("guide", None, "# A\n\nSame.", words, ChunkSizes())) != ids(
        split(other[0], None, other[1], words, ChunkSizes())
    )


def test_sections_that_are_swapped_keep_their_ids(words: TokenCounter) -> None:
    one, two = "# One\n\nFirst text.\n\n", "# Two\n\nSecond text.\n\n"
    there = split("guide", None, one + two, words, ChunkSizes())
    back = split("guide", None, two + one, words, ChunkSizes())
    assert ids(there) == ids(back)[::-1]
    assert [chunk.ordinal for chunk in back] == [0, 1]


def test_a_title_changes_what_is_embedded_but_not_the_id(words: TokenCounter) -> None:
    old, new = (split("guide", title, "Text.", words, ChunkSizes()) for title in ("Old", "New"))
    assert ids(old) == ids(new)
    assert old[0].text_hash != new[0].text_hash


def test_a_table_that_fits_stays_whole_in_the_chunk_of_its_text(words: TokenCounter) -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    assert texts(split("guide", None, f"See:\n\n{table}\n\nDone.", words, ChunkSizes())) == [
        f"See:\n\n{table}\n\nDone."
    ]


def test_a_table_that_does_not_fit_repeats_its_header(words: TokenCounter) -> None:
    header = "| name | value |\n|---|---|"
    rows = [f"| row {i} | {i * i} |" for i in range(40)]
    sizes = ChunkSizes(min_tokens=20, max_tokens=60)
    chunks = split("guide", None, "\n".join([header, *rows]), words, sizes)
    assert len(chunks) > 5
    assert all(text.startswith(header + "\n") for text in texts(chunks))
    assert [line for text in texts(chunks) for line in text.split("\n")[2:]] == rows


def test_a_fence_that_does_not_fit_is_closed_and_reopened(words: TokenCounter) -> None:
    lines = [f"call({i})" for i in range(40)]
    chunks = split("guide", None, "\n".join(["```python", *lines, "```"]), words, ChunkSizes(20, 60))
    assert len(chunks) > 3
    assert all(text.startswith("```python\n") and text.endswith("\n```") for text in texts(chunks))
    assert [line for text in texts(chunks) for line in text.split("\n")[1:-1]] == lines


def test_a_header_too_long_to_repeat_appears_once(words: TokenCounter) -> None:
    markdown = "| " + "name " * 12 + "|\n|---|\n" + "| v |\n" * 10
    joined = " ".join(texts(split("guide", None, markdown, words, SMALL)))
    assert joined.count("name") == 12
    assert joined.count("| v |") == 10


def test_a_thematic_break_separates_chunks(words: TokenCounter) -> None:
    assert texts(split("guide", None, "One.\n\n---\n\nTwo.", words, ChunkSizes())) == ["One.", "Two."]


def test_long_headings_shorten_the_text(words: TokenCounter) -> None:
    body = "One two three. " * 30
    short, long = (
        split("guide", None, f"# {heading}\n\n{body}", words, ChunkSizes(5, 40, 60)) for heading in ("H", "h " * 30)
    )
    assert max(chunk.tokens for chunk in short) > 30
    assert max(chunk.tokens for chunk in long) <= 30
    assert max(len(words([chunk.embedded_text])) for chunk in long) <= 60


def test_a_document_without_words_has_no_chunks(minilm: TokenCounter) -> None:
    for markdown in ("", " \n\t\n", "---\n\n***\n", "<!-- page: 1 -->\n"):
        assert split("guide", "Guide", markdown, minilm, ChunkSizes()) == []


@pytest.mark.parametrize(("smallest", "largest"), [(0, 200), (101, 200), (4, 15), (50, 40)])
def test_sizes_that_leave_no_choice_are_refused(smallest: int, largest: int) -> None:
    with pytest.raises(UserError, match=f"min_tokens {smallest} and max_tokens {largest}"):
        ChunkSizes(min_tokens=smallest, max_tokens=largest)


def test_the_fingerprint_depends_on_every_size() -> None:
    sizes = ChunkSizes()
    others = [replace(sizes, **{name: value + 2}) for name, value in vars(sizes).items()]
    assert len({splitter_fingerprint(each) for each in [sizes, *others]}) == 1 + len(others) == 4


@given(st.text())
def test_any_text_is_split_without_loss(minilm: TokenCounter, text: str) -> None:
    chunks = split("guide", None, text, minilm, SMALL)
    assert all(chunk.text.strip() for chunk in chunks)
    assert all(chunk.tokens <= SMALL.max_tokens for chunk in chunks)
    assert len(set(ids(chunks))) == len(chunks)
    assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
    kept = "".join("".join((*chunk.heading_path, chunk.text)) for chunk in chunks)
    assert set(re.findall(r"\w", text)) <= set(kept)


def pieces(number: int) -> list[str]:
    """Paragraphs, lists and code blocks of random words, some longer than a small chunk."""
    rng = random.Random(number)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(1, 12))) for _ in range(200)]

    def sentence() -> str:
        return " ".join(rng.choices(words, k=rng.randint(1, 30))).capitalize() + "."

    def piece() -> str:
        lines = [sentence() for _ in range(rng.randint(1, 6))]
        return rng.choice(
            [" ".join(lines), "\n".join(f"- {line}" for line in lines), "\n".join(["```", *lines[:2], "```"])]
        )

    return [piece() for _ in range(number)]


def read(text: str) -> list[str]:
    """The words in order; fences may be repeated."""
    return [word for word in text.split() if word != "```"]


body = st.lists(st.sampled_from(pieces(60)), max_size=5).map("\n\n".join)


@given(body)
@settings(deadline=None)
def test_chunks_contain_all_words_in_order_with_correct_token_counts(minilm: TokenCounter, text: str) -> None:
    sizes = ChunkSizes(min_tokens=12, max_tokens=48)
    chunks = split("guide", None, text, minilm, sizes)
    assert read(" ".join(texts(chunks))) == read(text)
    assert minilm(texts(chunks)) == [chunk.tokens for chunk in chunks]
    assert all(chunk.tokens <= sizes.max_tokens for chunk in chunks)
    assert chunks == split("guide", None, text, minilm, sizes)


@given(st.lists(st.tuples(st.integers(1, 4), body), min_size=1, max_size=6), st.data())
@settings(deadline=None)
def test_an_edit_in_a_section_changes_ids_in_that_section_only(
    words: TokenCounter, sections: list[tuple[int, str]], data: st.DataObject
) -> None:
    def written(parts: list[tuple[int, str]]) -> str:
        return "".join(f"{'#' * level} Section {i}\n\n{text}\n\n" for i, (level, text) in enumerate(parts))

    def ids_elsewhere(parts: list[tuple[int, str]]) -> list[str]:
        own = f"Section {edited}"
        chunks = split("guide", "Guide", written(parts), words, SMALL)
        return [c.chunk_id for c in chunks if c.heading_path[-1:] != (own,) and c.text.lstrip("# ") != own]

    edited = data.draw(st.integers(0, len(sections) - 1))
    level = sections[edited][0]
    after = [*sections[:edited], (level, data.draw(body)), *sections[edited + 1 :]]
    assert ids_elsewhere(after) == ids_elsewhere(sections)
