import pytest

from ragops.answers.chain.types import Query
from ragops.errors import RequestError


def test_a_query_has_its_text_without_surrounding_white_space() -> None:
    assert Query("  Why?\n") == Query("Why?")


@pytest.mark.parametrize("text", ["", "  \n", "x" * 1_000_000, "a\x00b", "\udcff\udcfe"])
def test_an_invalid_question_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="^question: "):
        Query(text)
