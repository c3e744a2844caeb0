import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.thoughts import ThoughtFilter, without_thoughts


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The pump needs oil [1].", "The pump needs oil [1]."),
        ("<think>So [2]?</think>\n\nThe pump [1].", "The pump [1]."),
        ("<think>\n\n</think>\n\nThe pump [1].", "The pump [1]."),
        ("<THINKING>So [2]?</THINKING> The pump [1].", "The pump [1]."),
        ("<thought>So [2]?</thought>The pump [1].", "The pump [1]."),
        ("[THINK]So [2]?[/THINK]The pump [1].", "The pump [1]."),
        ("<seed:think>So [2]?</seed:think>The pump [1].", "The pump [1]."),
        ("<|begin_of_thought|>So [2]?<|end_of_thought|>The pump [1].", "The pump [1]."),
        ("◁think▷So [2]?◁/think▷The pump [1].", "The pump [1]."),
        ("Oil [1]. <think>More [2]?</think>Water [3].", "Oil [1]. Water [3]."),
        ("<think>One <think>in</think> another [2].</think>The pump.", "The pump."),
        ("<think>Half of a block: ```python</think>The pump.", "The pump."),
        ("So [2]?</think>The pump [1].", "The pump [1]."),
        ("<think>So [2] and [3", ""),
        ("Oil [1].\n<think>So [2]", "Oil [1].\n"),
        ("So [2].</think>", ""),
        ("The tag `<think>` begins, `</think>` ends.", "The tag `<think>` begins, `</think>` ends."),
        ("```\n<think>x</think>\n```\nso [1]", "```\n<think>x</think>\n```\nso [1]"),
        ("if a <thin and [thi", "if a <thin and [thi"),
        ("", ""),
    ],
)
def test_the_answer_is_what_stands_outside_the_thoughts(text: str, answer: str) -> None:
    assert without_thoughts(text) == answer


PIECES = ["<think>", "</think>", "<thi", "nk>", "</", "[THINK]", "[/THINK]", "```", "`", "oil", " ", "\n", "<", "[1]"]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans(), st.booleans(), st.data())
def test_any_division_into_pieces_gives_the_same_answer(
    pieces: list[str], starts_inside: bool, cut_off: bool, data: st.DataObject
) -> None:
    text = "".join(pieces)
    whole, streamed = ThoughtFilter(starts_inside), ThoughtFilter(starts_inside)
    whole.feed(text)
    whole.end(cut_off)
    shown = [streamed.feed(piece) for piece in pieces] + [streamed.end(cut_off)]
    assert streamed.answer == whole.answer
    assert "".join(shown).endswith(streamed.answer)
    assert streamed.text == text


@given(st.text(alphabet="ab <>/[]`\n", max_size=60))
def test_a_text_without_tags_is_the_answer(text: str) -> None:
    written = ThoughtFilter()
    assert "".join([*map(written.feed, text), written.end(cut_off=True)]) == text


def test_thoughts_that_are_known_to_come_first_are_not_passed_on() -> None:
    written = ThoughtFilter(starts_inside=True)
    assert [written.feed(piece) for piece in ("So ", "[2]?", "</think>", "Oil.")] == ["", "", "", "Oil."]
    assert written.began_inside


@pytest.mark.parametrize(("cut_off", "answer"), [(False, "Oil [1]."), (True, "")])
def test_without_any_tag_expected_thoughts_are_the_answer_unless_cut_off(cut_off: bool, answer: str) -> None:
    written = ThoughtFilter(starts_inside=True)
    assert written.feed("Oil [1].") == ""
    assert written.end(cut_off) == answer == written.answer
    assert not written.began_inside
