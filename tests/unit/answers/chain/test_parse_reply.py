import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.chain.parse_reply import parse_reply
from ragops.answers.prompts.template_files import PromptSettings, load_templates
from tests.support.chains import ROOT

TEMPLATES = load_templates(PromptSettings(), ROOT)
ABSTENTION = "I cannot find the answer in the documents."


@pytest.mark.parametrize(
    ("reply", "text", "abstains"),
    [
        ("It is so [1].", "It is so [1].", False),
        (f"  {ABSTENTION}\n", ABSTENTION, True),
        ("i cannot find the answer in the documents", "i cannot find the answer in the documents", True),
        (f"{ABSTENTION} Please ask the team.", f"{ABSTENTION} Please ask the team.", True),
        (f"{ABSTENTION} See [2024] UKSC 5.", f"{ABSTENTION} See [2024] UKSC 5.", True),
        # A partial answer is an answer.
        (f"{ABSTENTION} But 毎週【1】。", f"{ABSTENTION} But 毎週【1】。", False),
        (f"It opens at nine [1]. {ABSTENTION}", f"It opens at nine [1]. {ABSTENTION}", False),
    ],
)
def test_a_plain_reply_is_the_answer_or_an_abstention(reply: str, text: str, abstains: bool) -> None:
    parsed = parse_reply(reply, TEMPLATES["cite_or_abstain"], [ABSTENTION])
    assert (parsed.text, parsed.abstains) == (text, abstains)


def test_reasoning_is_not_part_of_the_answer() -> None:
    template = TEMPLATES["step_by_step"]
    assert parse_reply("[1] says nine.\nFinal answer:\nAt nine [1].", template, [ABSTENTION]).text == "At nine [1]."
    assert parse_reply(f"Nothing fits.\nFinal answer: {ABSTENTION}", template, [ABSTENTION]).abstains


@pytest.mark.parametrize(
    ("reply", "text", "abstains"),
    [
        ('{"answerable": true, "answer": "At nine [1].", "citations": [1]}', "At nine [1].", False),
        ('{"answerable": true, "answer": "At nine.", "citations": [2, 2, "x"]}', "At nine. [2]", False),
        ('Sure!\n```json\n{"answerable": true, "answer": "At nine [1]."}\n```', "At nine [1].", False),
        ('{"answerable": false, "answer": "At nine [1].", "citations": []}', "At nine [1].", True),
        ('{"answerable": true, "answer": "", "citations": []}', "", True),
        ("At nine [1].", "At nine [1].", False),
        ('{"answerable": tru', '{"answerable": tru', False),
        ("[1, 2]", "[1, 2]", False),
        ('{"answerable": true, "answer": "At nine.", "citations": [true, 1.5, null, [1]]}', "At nine.", False),
        ('{"answerable": true, "answer": "At nine.", "citations": null}', "At nine.", False),
        ('{"answerable": null, "answer": null}', "", True),
        # JSON of another form is read as text.
        ('{"answer": "At nine.", "citations": 5}', '{"answer": "At nine.", "citations": 5}', False),
        ('{"answer": ["at", "nine"]}', '{"answer": ["at", "nine"]}', False),
        ('{"answer": ' * 20_000 + "1" + "}" * 20_000, '{"answer": ' * 20_000 + "1" + "}" * 20_000, False),
    ],
)
def test_a_structured_reply_is_read_from_its_json_or_as_text(reply: str, text: str, abstains: bool) -> None:
    parsed = parse_reply(reply, TEMPLATES["structured"], [ABSTENTION])
    assert (parsed.text, parsed.abstains) == (text, abstains)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda part: st.lists(part, max_size=3)))
def test_any_json_value_in_a_reply_is_tolerated(value: object) -> None:
    for name in ("answerable", "answer", "citations"):
        parsed = parse_reply(json.dumps({"answer": "At nine.", name: value}), TEMPLATES["structured"], [ABSTENTION])
        assert isinstance(parsed.text, str)
