from ragops.corpus.documents.parsers.pdf_layout import Line, measure, to_markdown, without_running_lines


def page(*rows: tuple[str, float], top: float = 800.0, pitch: float = 12.0, fixed_pitch: bool = False) -> list[Line]:
    """Consecutive lines of (text, size); '' leaves a gap of one line."""
    lines, baseline = [], top
    for text, size in rows:
        if text:
            lines.append(Line(text, 50.0, 50.0 + 5 * len(text), baseline, size, fixed_pitch))
        baseline -= pitch
    return lines


def render(*pages: list[Line]) -> list[str]:
    typography = measure(pages)
    return [to_markdown(lines, typography) for lines in pages]


WIDE = "x" * 80  # as wide as the column, so that a line before it ends no paragraph by being short


def test_lines_of_a_paragraph_are_joined_and_gaps_separate_paragraphs() -> None:
    [markdown] = render(page((WIDE, 10), ("second line.", 10), ("", 10), ("Next paragraph", 10)))
    assert markdown == f"{WIDE} second line.\n\nNext paragraph"


def test_a_short_line_that_ends_a_sentence_ends_the_paragraph() -> None:
    [markdown] = render(page((WIDE, 10), ("The end.", 10), (WIDE, 10), ("no end", 10), (WIDE, 10)))
    assert markdown == f"{WIDE} The end.\n\n{WIDE} no end {WIDE}"


def test_larger_type_is_a_heading_ranked_by_size_in_the_document() -> None:
    first = page(("Book", 20), (WIDE, 10), (WIDE, 10))
    second = page(("Section", 14), (WIDE, 10), ("1.2", 14))
    assert render(first, second) == [f"# Book\n\n{WIDE} {WIDE}", f"## Section\n\n{WIDE}\n\n1.2"]


def test_long_large_text_is_not_a_heading() -> None:
    large = "large " * 40
    [markdown] = render(page((large.strip(), 20), *[(WIDE, 10)] * 5))
    assert markdown.startswith("large large")


def test_words_hyphenated_at_a_lines_end_are_joined() -> None:
    [markdown] = render(
        page((WIDE + " har-", 10), ("bour and well-", 10), ("Known soft\x02", 10), ("ware e\x02mail", 10))
    )
    assert markdown == f"{WIDE} harbour and well-Known software e-mail"


def test_bullets_become_list_items() -> None:
    [markdown] = render(
        page((WIDE, 10), ("• one that is", 10), ("wrapped", 10), ("– two", 10), ("1. first", 10), ("2) second", 10))
    )
    assert markdown == f"{WIDE}\n\n- one that is wrapped\n- two\n\n1. first\n\n2) second"


def test_fixed_pitch_is_code_with_its_indentation_and_gaps() -> None:
    code = [
        Line("def f():", 50, 90, 700, 10, True),
        Line("return 1", 74, 120, 688, 10, True),
        Line("f()", 50, 65, 664, 10, True),
    ]
    [markdown] = render([*page((WIDE, 10)), *code, *page((WIDE, 10), top=600)])
    assert markdown == f"{WIDE}\n\n```\ndef f():\n    return 1\n\nf()\n```\n\n{WIDE}"


def test_a_paragraph_continues_in_the_next_column() -> None:
    left, right = page((WIDE, 10), (WIDE, 10)), page((WIDE, 10))
    [markdown] = render([*left, *right])
    assert markdown == f"{WIDE} {WIDE} {WIDE}"


def test_running_headers_and_page_numbers_appear_once_and_headings_always() -> None:
    pages = [
        page(
            (f"Report 2024, page {n}", 8),
            ("Chapter", 20),
            (f"text of {'abc'[n]} and {WIDE}", 10),
            ("abc"[n] * 80, 10),
            (f"{n}", 10),
        )
        for n in range(3)
    ]
    kept = without_running_lines(pages, measure(pages))
    shown = [[line.text[:7] for line in lines] for lines in kept]
    assert shown == [
        ["Report ", "Chapter", "text of", "a" * 7, "0"],  # once: it may be the head of a table that goes on
        ["Chapter", "text of", "b" * 7],
        ["Chapter", "text of", "c" * 7],
    ]


def test_two_pages_are_too_few_to_detect_running_lines() -> None:
    pages = [page(("Same", 10), (WIDE, 10))] * 2
    assert without_running_lines(pages, measure(pages)) == pages


def test_pages_without_lines_are_empty() -> None:
    assert render([]) == [""]
