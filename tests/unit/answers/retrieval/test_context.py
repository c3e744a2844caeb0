from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.answers.retrieval.context import Context, join, joined, pack
from ragops.answers.retrieval.pipeline import Found
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Entry
from tests.support.memory_generation import make_generation, make_passage


def count(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def found(entries: Sequence[Entry]) -> list[Found]:
    return [Found(entry, 1 / rank, rank, None) for rank, entry in enumerate(entries, start=1)]


def packed(generation: Generation, hits: Sequence[Entry], **chosen: object) -> Context:
    return pack(found(hits), generation.neighbors, count, RetrievalSettings(**{"context_tokens": 50, **chosen}))


@pytest.fixture
def rows() -> list[Entry]:
    """Ten chunks of five words, the last three in another section."""
    return [make_passage(number, section="A" if number < 7 else "B") for number in range(10)]


def test_sources_are_numbered_best_first(rows: list[Entry]) -> None:
    context = packed(make_generation(rows), [rows[5], rows[0]])
    assert [(one.number, one.passage.ordinal, one.text) for one in context.sources] == [
        (1, 5, rows[5].text),
        (2, 0, rows[0].text),
    ]
    assert (context.tokens, context.left_out) == (10, 0)


def test_neighbors_are_taken_from_the_same_section(rows: list[Entry]) -> None:
    generation = make_generation(rows)
    inside = packed(generation, [rows[6]], neighbours=1)
    assert inside.sources[0].chunk_ids == ("d005", "d006")
    across = packed(generation, [rows[6]], neighbours=1, within_section=False)
    assert across.sources[0].chunk_ids == ("d005", "d006", "d007")
    assert across.sources[0].text == f"{rows[5].text}\n\n{rows[6].text}\n\n## B\n\n{rows[7].text}"
    section = packed(generation, [rows[3]], neighbours=50, context_tokens=500)
    assert section.sources[0].chunk_ids == tuple(f"d00{n}" for n in range(7))


def test_adjacent_hits_become_one_source(rows: list[Entry]) -> None:
    context = packed(make_generation(rows), [rows[3], rows[5], rows[4], rows[1]], neighbours=1, context_tokens=500)
    assert [one.chunk_ids for one in context.sources] == [("d002", "d003", "d004"), ("d005", "d006"), ("d000", "d001")]
    assert context.left_out == 0


def test_hits_take_the_budget_before_neighbors(rows: list[Entry]) -> None:
    hits = [rows[n] for n in (0, 2, 4, 6, 8)]
    context = packed(make_generation(rows), hits, neighbours=1, context_tokens=50)
    assert len(context.sources) == 5
    assert context.tokens == 50  # five neighbors fill the rest of the budget


def test_hits_over_the_budget_are_left_out_and_counted() -> None:
    rows = [make_passage(0, "a " * 40), make_passage(2, "b " * 40), make_passage(4, "c " * 5)]
    context = packed(make_generation(rows), rows)
    assert [one.passage.ordinal for one in context.sources] == [0, 4]
    assert (context.tokens, context.left_out) == (45, 1)


def test_a_source_that_does_not_fit_loses_the_hits_found_last() -> None:
    rows = [make_passage(number, f"word{number} " * 15) for number in range(7)]
    hits = [rows[n] for n in (6, 3, 2, 4, 1)]
    context = packed(make_generation(rows), hits)
    assert [one.chunk_ids for one in context.sources] == [("d006",), ("d002", "d003")]
    assert (context.tokens, context.left_out) == (45, 2)


def test_the_best_hit_of_a_source_over_the_budget_is_kept() -> None:
    rows = [make_passage(number, f"word{number} " * 30) for number in range(3)]
    context = packed(make_generation(rows), [rows[2], rows[1], rows[0]])
    assert [one.chunk_ids for one in context.sources] == [("d002",)]


def test_a_first_passage_over_budget_is_cut_at_a_word() -> None:
    rows = [make_passage(0, " ".join(f"word{n}" for n in range(90)))]
    context = packed(make_generation(rows), rows, neighbours=1)
    assert context.sources[0].text.split() == [f"word{n}" for n in range(50)]
    assert context.tokens == 50


def test_no_hits_give_an_empty_context() -> None:
    assert packed(make_generation([]), [], neighbours=2) == Context((), 0, 0)


def test_neighbors_restricted_to_other_groups_are_left_out() -> None:
    rows = [make_passage(0, groups=("hr",)), make_passage(1), make_passage(2)]
    context = packed(make_generation(rows), [rows[1]], neighbours=2)
    assert context.sources[0].chunk_ids == ("d001", "d002")


@settings(deadline=None)
@given(
    hits=st.lists(st.integers(0, 29), unique=True, max_size=8),
    neighbours=st.integers(0, 4),
    budget=st.integers(50, 200),
    within=st.booleans(),
)
def test_no_chunk_appears_twice_and_the_budget_is_kept(
    hits: list[int], neighbours: int, budget: int, within: bool
) -> None:
    rows = [
        make_passage(number % 15, "word " * (1 + number * 7 % 30), f"doc{number // 15}", "AB"[number % 15 > 8])
        for number in range(30)
    ]
    context = packed(
        make_generation(rows),
        [rows[number] for number in hits],
        neighbours=neighbours,
        context_tokens=budget,
        within_section=within,
    )
    ids = [chunk_id for one in context.sources for chunk_id in one.chunk_ids]
    assert len(ids) == len(set(ids))
    assert context.tokens == sum(count([one.text for one in context.sources])) <= budget
    assert [one.number for one in context.sources] == list(range(1, len(context.sources) + 1))
    hit_ids = {rows[number].chunk_id for number in hits}
    assert context.left_out == len(hit_ids - set(ids))
    assert all(one.passage.chunk_id in one.chunk_ids for one in context.sources)
    assert bool(context.sources) is bool(hits)


def test_paragraphs_are_joined_as_paragraphs() -> None:
    assert join("One.", "Two.") == "One.\n\nTwo."
    assert join("same line", "same line") == "same line\n\nsame line"  # the document itself repeats it


def test_a_repeated_table_header_is_dropped() -> None:
    head = "| a | b |\n|---|:-:|\n"
    assert join(head + "| 1 | 2 |", head + "| 3 | 4 |") == head + "| 1 | 2 |\n| 3 | 4 |"
    other = "| x | y |\n|---|---|\n| 3 | 4 |"
    assert join(head + "| 1 | 2 |", other) == head + "| 1 | 2 |\n\n" + other


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_split_code_block_is_joined(fence: str) -> None:
    before, after = f"So:\n{fence}python\na = 1\n{fence}", f"{fence}python\nb = 2\n{fence}"
    assert join(before, after) == f"So:\n{fence}python\na = 1\nb = 2\n{fence}"
    other = f"{fence}sh\nls\n{fence}"
    assert join(before, other) == f"{before}\n\n{other}"


def test_a_new_section_gets_its_heading() -> None:
    rows = [make_passage(0, "One."), make_passage(1, "Two."), make_passage(2, "Three.", section="Next")]
    assert joined(rows) == "One.\n\nTwo.\n\n## Next\n\nThree."


@pytest.mark.parametrize(
    "document",
    [
        "| k | v |\n|---|---|\n" + "\n".join(f"| key{n} | value number {n} |" for n in range(60)),
        "```python\n" + "\n".join(f"name_{n} = {n}" for n in range(80)) + "\n```",
        "\n\n".join(f"Sentence {n} is here. Another follows it, {n}." for n in range(40)),
    ],
    ids=["table", "code", "prose"],
)
def test_split_documents_are_joined_without_repetition(document: str) -> None:
    chunks = split("d", "T", document, count, ChunkSizes(min_tokens=8, max_tokens=40, embedded_tokens=60))
    assert len(chunks) > 2
    whole = joined([make_passage(chunk.ordinal, chunk.text) for chunk in chunks])
    assert whole.split() == document.split()
