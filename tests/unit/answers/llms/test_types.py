from dataclasses import replace

import pytest

from ragops.answers.llms.errors import ContextOverflow, check_context
from ragops.answers.llms.types import Pieces, Reply, drain
from ragops.answers.prompts.types import Message
from tests.support.llms import ask


def test_everything_that_can_change_the_answer_changes_the_digest() -> None:
    request = ask()
    changes = [
        {"messages": (Message("user", "other"),)},
        {"messages": (Message("system", "What is it?"),)},
        {"max_tokens": 1},
        {"temperature": 0.5},
        {"seed": 1},
        {"stop": ("x",)},
        {"response_schema": {}},
        {"question": "q"},
        {"evidence": ("e",)},
    ]
    digests = {replace(request, **change).digest() for change in changes} | {request.digest()}
    assert len(digests) == len(changes) + 1
    assert replace(request, timeout_s=3.0).digest() == request.digest() == ask().digest()


def pieces() -> Pieces:
    yield "a "
    yield "b"
    return Reply("a b", "m", "scripted", 1, 2, 0.0, "stop")


def test_draining_a_generator_gives_its_pieces_and_its_result() -> None:
    found: list[str] = []
    assert drain(pieces(), found.append).text == drain(pieces()).text == "a b"
    assert found == ["a ", "b"]


def test_a_full_context_is_accepted_and_one_token_more_refused() -> None:
    check_context("m", 90, 10, 100)
    with pytest.raises(ContextOverflow, match="Model m: 91 .* 10 .* 100; give"):
        check_context("m", 91, 10, 100)
