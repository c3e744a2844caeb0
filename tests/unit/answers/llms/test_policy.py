import pytest

from ragops.answers.llms.errors import PolicyError
from ragops.answers.llms.policy import Policy, redacted
from ragops.answers.llms.settings import OpenAICompatible
from ragops.answers.llms.types import Request
from ragops.answers.prompts.types import Message
from ragops.corpus.documents.personal import find_personal
from tests.support.llms import served

PUBLIC_MODEL = OpenAICompatible.model_validate(served("gpt"))
PRIVATE_MODEL = OpenAICompatible.model_validate(served("own", private=True, base_url="https://llm.firm/v1"))
ENVIRONMENT_MODEL = OpenAICompatible.model_validate(served("env", private=True))
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
def test_classification_and_privacy_decide_how_texts_are_sent(
    classification: str, private: bool, handling: str
) -> None:
    model = PRIVATE_MODEL if private else PUBLIC_MODEL
    policy = Policy(classification)
    assert policy.handling(model) == handling
    if handling == "not at all":
        with pytest.raises(PolicyError, match="Model gpt: confidential documents may go to private models only"):
            policy.prepared(REQUEST, model)
    else:
        assert policy.prepared(REQUEST, model) == (REQUEST if handling == "as it is" else redacted(REQUEST))


@pytest.mark.parametrize(
    ("address", "private"),
    [  # which addresses are this machine: tests/unit/platform/test_model_servers.py
        ("http://127.8.0.1/v1", True),
        ("http://127.0.0.1@firm.de/v1", False),
        ("", False),
    ],
)
def test_without_a_base_url_only_this_machine_is_private(
    address: str, private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    policy = Policy("confidential")
    assert policy.handling(ENVIRONMENT_MODEL) == ("as it is" if private else "not at all")
    assert policy.handling(PRIVATE_MODEL) == "as it is"
    if not private:
        with pytest.raises(PolicyError, match="Model env: .*OPENAI_BASE_URL.*private: true"):
            policy.check([ENVIRONMENT_MODEL])


def test_the_workspace_s_own_endpoints_are_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    assert Policy("confidential").handling(ENVIRONMENT_MODEL) == "as it is"


def test_equal_values_get_equal_placeholders_in_all_texts() -> None:
    cleaned = redacted(REQUEST)
    assert [one.content for one in cleaned.messages] == ["Help.", "Who is [EMAIL_1], [PHONE_1]?"]
    assert cleaned.question == "Who is [EMAIL_1]?"
    assert cleaned.evidence == ("Jane: [EMAIL_1]", "Joe: [EMAIL_2]")
    assert not any(find_personal(repr(cleaned)).values())
