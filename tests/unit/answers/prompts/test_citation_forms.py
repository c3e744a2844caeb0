import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.prompts.citation_forms import CODE, MOST_PASSAGES, citations, cites


@pytest.mark.parametrize(
    ("text", "passages", "numbers"),
    [
        ("So [1][2, 9].", 3, [(1,), (2, 9)]),
        ("So [2-4] and [4-2].", 3, [(2, 3, 4), (4, 2)]),
        ("So [1-999999].", 3, [(1, 999999)]),
        ("Since [1500] so [1].", 3, [(1,)]),
        ("Since [1500] so [1].", 2000, [(1500,), (1,)]),
        ("In `xs[1]` xs[2] is an item.", 3, []),
    ],
)
def test_each_citation_has_its_numbers_as_written(text: str, passages: int, numbers: list[tuple[int, ...]]) -> None:
    assert [one.numbers for one in citations(text, passages)] == numbers


@given(st.text(alphabet="ab 019.,-()[]【】［］†`\n", max_size=60), st.integers(1, 12))
def test_citations_are_brackets_outside_of_code_in_order(text: str, passages: int) -> None:
    end = 0
    for one in citations(text, passages):
        assert end <= one.start < one.end
        assert text[one.start] in "[【［" and text[one.end - 1] in "]】］" and one.numbers
        assert not any(code.start() <= one.start < code.end() for code in CODE.finditer(text))
        end = one.end


@pytest.mark.parametrize("text", ["So [1].", "So[7]。", "So 【2】."])
def test_a_text_with_a_citation_cites(text: str) -> None:
    assert cites(text)


@pytest.mark.parametrize("text", ["", "Per [2024] UKSC 5.", "`[1]`", "xs[0]", f"So [{MOST_PASSAGES + 1}]."])
def test_a_text_without_one_does_not(text: str) -> None:
    assert not cites(text)
