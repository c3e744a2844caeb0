from ragops.corpus.chunks.structure import LONGEST_HEADING, Section, read_sections, read_source


def paths(markdown: str) -> list[tuple[str, ...]]:
    return [section.heading_path for section in read_sections(read_source(markdown)) if section.blocks]


def texts(markdown: str) -> list[list[str]]:
    source = read_source(markdown)
    return [[source.text[b.start : b.end].strip() for b in s.blocks] for s in read_sections(source) if s.blocks]


def sections(markdown: str) -> list[Section]:
    return read_sections(read_source(markdown))


def test_page_marks_are_removed_and_their_offsets_recorded() -> None:
    source = read_source("one\n<!-- page: 2 -->\ntwo\n  <!--page:3-->\nthree")
    assert source.text == "one\n\ntwo\n\nthree"
    assert source.pages == ((4, 2), (9, 3))


def test_other_comments_and_marks_inside_a_line_are_text() -> None:
    text = "<!-- page: two -->\nsee <!-- page: 2 -->"
    assert read_source(text).text == text


def test_all_kinds_of_line_ends_are_normalized() -> None:
    assert read_source("a\r\nb\rc\n").text == "a\nb\nc\n"


def test_wide_gaps_are_narrowed() -> None:
    assert read_source("a" + " " * 500 + "b").text == "a" + " " * 32 + "b"


def test_a_heading_path_contains_the_headings_above() -> None:
    assert paths("intro\n# A\na\n### B\nb\n## C\nc\n# D\nd") == [(), ("A",), ("A", "B"), ("A", "C"), ("D",)]


def test_underlined_headings_count_too() -> None:
    assert paths("A\n===\na\n\nB\n---\nb") == [("A",), ("A", "B")]


def test_headings_lose_their_markup() -> None:
    assert paths("# The *big* `x_y` and [link](http://host/) #\na") == [("The big x_y and link",)]


def test_a_heading_without_words_adds_nothing_to_the_path() -> None:
    assert paths("# A\na\n##\nb") == [("A",), ("A",)]


def test_headings_in_lists_quotes_and_code_are_text() -> None:
    assert paths("# A\n- # x\n\n> # y\n\n```\n# z\n```\n") == [("A",)]


def test_a_heading_with_nothing_below_it_becomes_text_of_its_parent() -> None:
    assert paths("# A\na\n## B\n## C\nc") == [("A",), ("A",), ("A", "C")]
    assert texts("# A\na\n## B\n## C\nc") == [["a"], ["## B"], ["c"]]


def test_a_heading_with_only_deeper_headings_below_it_has_no_blocks() -> None:
    assert paths("# A\n## B\nb") == [("A", "B")]


def test_a_very_long_heading_is_a_paragraph() -> None:
    long = "x " * LONGEST_HEADING
    assert paths(f"# {long}\na") == [()]


def test_link_definitions_are_kept_as_text() -> None:
    assert texts("a\n\n[x]: http://host/\n\nb") == [["a", "[x]: http://host/", "b"]]


def test_a_thematic_break_is_not_a_block() -> None:
    assert texts("a\n\n---\n\nb") == [["a", "b"]]


def test_a_section_starts_at_its_own_text() -> None:
    assert [section.start for section in sections("# A\n\na\n# B\nb")] == [0, 5, 11]


def test_a_document_without_words_has_no_blocks() -> None:
    assert paths("") == paths("\n \n") == paths("***\n\n<!-- page: 1 -->") == []
