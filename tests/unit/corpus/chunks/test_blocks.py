from ragops.corpus.chunks.blocks import Block, Rank
from ragops.corpus.chunks.structure import read_sections, read_source


def blocks(markdown: str) -> list[Block]:
    return [block for section in read_sections(read_source(markdown)) for block in section.blocks]


def cut_at(markdown: str) -> list[tuple[str, Rank]]:
    """The rest of the line after each cut of the only block."""
    (block,) = blocks(markdown)
    return [(markdown[offset:].split("\n")[0], rank) for offset, rank in block.cuts]


def test_a_paragraph_that_ends_a_sentence_is_the_strongest_border() -> None:
    assert [block.end_rank for block in blocks('One.\n\nTwo!\n\nThree?"\n\n**Four.**')] == [Rank.PARAGRAPH] * 4


def test_a_paragraph_that_ends_no_sentence_is_a_weaker_border() -> None:
    assert [block.end_rank for block in blocks("As follows:\n\n**Note**\n\nthe end")] == [Rank.SENTENCE] * 3


def test_list_items_are_borders_and_nested_ones_are_weaker() -> None:
    assert cut_at("- a\n- b\n  - c\n  - d\n- e\n") == [
        ("- b", Rank.ITEM),
        ("  - c", Rank.SENTENCE),
        ("  - d", Rank.SENTENCE),
        ("- e", Rank.ITEM),
    ]


def test_lines_that_the_author_ended_are_borders() -> None:
    text = "Bring enough bread for everybody at the table\nwine.\nglasses, plates and whatever else is used to eat\n"
    assert cut_at(text + "and a bottle opener:\na good one\n") == [
        ("glasses, plates and whatever else is used to eat", Rank.ITEM),
        ("a good one", Rank.SENTENCE),
    ]


def test_wrapped_lines_are_no_borders() -> None:
    assert cut_at("The quick brown fox jumps over\nthe lazy dog. Then it goes on\nand sleeps.\n") == []


def test_every_line_end_is_a_border_if_lines_are_too_long_to_be_wrapped() -> None:
    long = "word " * 30
    assert cut_at(f"{long}\nTitle\n{long}ends.\nNext\n") == [
        ("Title", Rank.ITEM),
        (f"{long}ends.", Rank.SENTENCE),
        ("Next", Rank.ITEM),
    ]


def test_a_table_repeats_its_header_and_is_cut_at_rows() -> None:
    markdown = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n"
    (block,) = blocks(markdown)
    assert block.frame == ("| a | b |\n|---|---|\n", "")
    assert markdown[slice(*block.body)] == "| 1 | 2 |\n| 3 | 4 |\n"
    assert cut_at(markdown) == [("| 3 | 4 |", Rank.ITEM)]


def test_a_table_with_a_blank_header_repeats_its_first_row() -> None:
    markdown = "|  |  |\n|---|---|\n| a | b |\n| 1 | 2 |\n| 3 | 4 |\n"
    (block,) = blocks(markdown)
    assert block.frame == ("|  |  |\n|---|---|\n| a | b |\n", "")
    assert cut_at(markdown) == [("| 3 | 4 |", Rank.ITEM)]
    (single,) = blocks("|  |  |\n|---|---|\n| a | b |\n")
    assert single.frame == ("|  |  |\n|---|---|\n", "")


def test_a_fence_repeats_its_two_lines_and_is_cut_at_lines_best_at_empty_ones() -> None:
    markdown = "```python\nx\ny\n\nz\n```\n"
    (block,) = blocks(markdown)
    assert block.frame == ("```python\n", "```")
    assert markdown[slice(*block.body)] == "x\ny\n\nz\n"
    assert cut_at(markdown) == [("y", Rank.ITEM), ("", Rank.ITEM), ("z", Rank.PARAGRAPH)]


def test_an_unclosed_fence_extends_to_the_end() -> None:
    markdown = "```\nx\ny\n"
    (block,) = blocks(markdown)
    assert block.frame == ("```\n", "")
    assert markdown[slice(*block.body)] == "x\ny\n"


def test_a_table_or_fence_without_a_body_is_plain_text() -> None:
    assert [block.frame for block in blocks("| a |\n|---|\n\n```\n```\n")] == [None, None]
