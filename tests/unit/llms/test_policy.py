import pytest

from ragops.documents.personal import find_personal
from ragops.llms.failures import PolicyError
from ragops.llms.model import Request
from ragops.llms.policy import Policy, redacted
from ragops.llms.settings import OpenAICompatible
from ragops.prompts.messages import Message
from tests.unit.llms.cards import served

PUBLIC_MODEL = OpenAICompatible.model_validate(served("gpt"))
PRIVATE_MODEL = OpenAICompatible.model_validate(served("own", private=True))
REQUEST = Request(
    (Message("system", "Help."), Message("user", "Who is jane@firm.de, +49 30 1234567?")),
    question="Who is jane@firm.de?",
    evidence=("Jane: jane@firm.de", "Joe: joe@firm.de"),
)


@pytest.mark.parametrize(
    ("classification", "private", "handling"),
    [
        ("public", False, "as it is"),
        ("public", True, "as it is"),
        ("internal", False, "without personal data"),
        ("internal", True, "as it is"),
        ("confidential", False, "not at all"),
        ("confidential", True, "as it is"),
    ],
)
def test_who_may_see_what(classification: str, private: bool, handling: str) -> None:
    model = PRIVATE_MODEL if private else PUBLIC_MODEL
    policy = Policy(classification)
    assert policy.handling(model) == handling
    if handling == "not at all":
        with pytest.raises(PolicyError, match="Model gpt: confidential documents may go to private models only"):
            policy.prepared(REQUEST, model)
    else:
        assert policy.prepared(REQUEST, model) == (REQUEST if handling == "as it is" else redacted(REQUEST))


def test_the_same_value_has_the_same_placeholder_in_all_texts() -> None:
    cleaned = redacted(REQUEST)
    assert [one.content for one in cleaned.messages] == ["Help.", "Who is [EMAIL_1], [PHONE_1]?"]
    assert cleaned.question == "Who is [EMAIL_1]?"
    assert cleaned.evidence == ("Jane: [EMAIL_1]", "Joe: [EMAIL_2]")
    assert not any(find_personal(repr(cleaned)).values())
