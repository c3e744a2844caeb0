"""Verdicts in replies: found in prose, never guessed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.quality.judges.replies import SCALE, Verdicts, as_reply, declines, read_verdicts, verdict_names

some_verdicts = st.lists(st.sampled_from(list(SCALE)), min_size=1, max_size=6)


@given(
    some_verdicts,
    st.text(max_size=50),
    st.text(alphabet="ab {}\n", max_size=20),
    st.text(alphabet="ab }\n", max_size=9),
)
def test_what_a_judge_should_write_is_read_in_any_prose(
    given_verdicts: list[str], reason: str, before: str, after: str
) -> None:
    text = f"{before}{as_reply(given_verdicts, reason, len(given_verdicts))}{after}"
    found = read_verdicts(text, len(given_verdicts))
    assert found == Verdicts(tuple(given_verdicts), " ".join(reason.split()))


@given(st.text(max_size=200), st.none() | st.integers(1, 3))
def test_no_text_breaks_the_reader(text: str, parts: int | None) -> None:
    found = read_verdicts(text, parts)
    assert found is None or len(found.verdicts) == len(verdict_names(parts))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yes",
        "The verdict is yes.",
        '{"reason": "so"}',
        '{"reason": "so", "verdict": "good"}',
        '{"reason": "so", "verdict": true}',
        '{"reason": "so", "verdict": null}',
        '{"reason": "so", "verdict": ["yes"]}',
        '{"reason": "so", "verdict": "yes"',
        '["yes"]',
        '{"verdict": "yes"} or rather {"verdict": "no"}',
        '{"a":' * 5000,
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    assert read_verdicts(text, None) is None


def test_a_missing_part_leaves_no_verdict_at_all() -> None:
    text = json.dumps({"reason": "so", "v1": "yes", "v3": "no"})
    assert read_verdicts(text, 3) is None
    assert read_verdicts(text, 1) == Verdicts(("yes",), "so")


def test_objects_that_agree_are_one_verdict() -> None:
    assert read_verdicts('{"verdict": "yes"} So: {"verdict": "YES.", "reason": "so"}', None) == Verdicts(("yes",), "so")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I cannot judge this.", True),
        ("  Sorry, no.", True),
        ("As an AI, I do not judge.", True),
        ("I can see that the answer is right.", False),
        ("The answer says: I'm sorry.", False),
    ],
)
def test_declining_differs_from_talking(text: str, expected: bool) -> None:
    assert declines(text) is expected
