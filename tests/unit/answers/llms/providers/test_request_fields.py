import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragops.answers.llms.providers.request_fields import RequestFields, error_text, is_too_long, refused_field
from ragops.answers.llms.settings import OPTIONAL
from tests.support.dialects import FIELD_REFUSALS, LENGTH_REFUSALS, OTHER_REFUSALS

SENT = ("model", "messages", *OPTIONAL)


@pytest.mark.parametrize("server", FIELD_REFUSALS)
@pytest.mark.parametrize("field", SENT)
def test_the_refused_field_is_found_in_each_server_s_message(server: str, field: str) -> None:
    message = error_text(FIELD_REFUSALS[server](field))
    # Without quotes these two may be ordinary words of the sentence.
    a_word = field in ("model", "messages") and server in {"openai, older", "xai", "at the start of a sentence"}
    assert refused_field(message, None, None, SENT) == (None if a_word else field)
    assert not is_too_long(message, None)
    assert "\n" not in message


def test_a_field_that_was_not_sent_is_not_refused() -> None:
    message = error_text(FIELD_REFUSALS["serde"]("seed"))
    assert refused_field(message, None, None, ("temperature",)) is None


@pytest.mark.parametrize("code", ["unsupported_parameter", "unknown_parameter", "unsupported_value"])
def test_openai_s_code_and_parameter_name_the_refused_field(code: str) -> None:
    assert refused_field("no", code, "stream_options.include_usage", SENT) == "stream_options"
    assert refused_field("no", "invalid_value", "max_tokens", SENT) is None
    assert refused_field("no", code, None, SENT) is None


@pytest.mark.parametrize("server", LENGTH_REFUSALS)
def test_a_prompt_too_long_is_recognized_in_each_server_s_message(server: str) -> None:
    message = error_text(LENGTH_REFUSALS[server])
    assert is_too_long(message, None)


def test_openai_s_code_means_a_prompt_too_long() -> None:
    assert is_too_long("too long", "context_length_exceeded")


@pytest.mark.parametrize("name", OTHER_REFUSALS)
def test_other_refusals_name_no_field_and_no_length(name: str) -> None:
    message = error_text(OTHER_REFUSALS[name])
    assert refused_field(message, None, None, SENT) is None
    assert not is_too_long(message, None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["message", "detail", "error", "loc", "msg", "code", "x"]), inner)
        ),
    )
)
def test_any_body_gives_a_one_line_message(content: object) -> None:
    message = error_text(json.dumps(content))
    assert "\n" not in message
    assert refused_field(message, content, content, SENT) in {None, *SENT}


@given(st.lists(st.sampled_from(OPTIONAL)), st.booleans())
def test_only_refused_fields_are_omitted(refused: list[str], databricks: bool) -> None:
    fields = RequestFields((), "https://x.cloud/serving-endpoints" if databricks else "https://x.cloud/v1")
    body = {name: 1 for name in SENT if name != "max_completion_tokens"}
    known = {"stream_options"} if databricks else set()
    assert fields.omit(refused) == sorted({*refused} - known)
    assert fields.omit(refused) == []
    sent = fields.accepted(body)
    assert not sent.keys() & set(refused)
    assert ("stream_options" in sent) == (not databricks and "stream_options" not in refused)
    assert body.keys() - sent.keys() <= {*refused, "stream_options"}
    assert ("max_completion_tokens" in sent) == ("max_tokens" in refused and "max_completion_tokens" not in refused)


def test_refusals_during_a_request_apply_to_it_alone() -> None:
    fields = RequestFields((), "https://x.cloud/v1")
    body = {"max_tokens": 9, "seed": 7, "stop": ["x"]}
    assert fields.accepted(body, {"seed", "max_tokens"}) == {"stop": ["x"], "max_completion_tokens": 9}
    assert not fields.streams(["x"], {"stop"}) and not fields.streams([], {"stream"}) and fields.streams([], {"stop"})
    assert fields.accepted(body) == body and fields.streams(["x"])


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("This endpoint does not support streaming.", "stream"),
        ("This model doesn't support streaming", "stream"),
        ("Streaming is not supported for this model", "stream"),
        ("stop_sequences: Extra inputs are not permitted", "stop"),
        ("Stop sequences are not supported", "stop"),
        ("Structured outputs are not supported by this model", "response_format"),
        ("Model does not support response format json_schema", "response_format"),
        ("seed: unknown", "seed"),
        ("Field 'seed' not recognized", "seed"),
        ("Invalid request: seed is not a valid field", "seed"),
        ("no such field: seed", "seed"),
        ("Cannot find field: seed", "seed"),
        ("This model requires `max_completion_tokens`.", "max_tokens"),
        ("Use 'max_completion_tokens' instead of 'max_tokens'.", "max_tokens"),
        ("Missing required parameter: 'max_completion_tokens'", "max_tokens"),
        ("Unsupported value: 'temperature' does not support 0.0 with this model.", "temperature"),
        ("gpt-5 models don't support temperature=0.0. Only temperature=1 is supported.", "temperature"),
        ("`temperature` may only be set to 1 when thinking is enabled.", "temperature"),
        ("invalid temperature: only 1 is allowed for this model", "temperature"),
        ("temperature must be 1", "temperature"),
        ("`temperature` must be strictly positive", "temperature"),
        ("temperature is not valid: it must be at most 1", None),
        ("temperature must be between 0 and 1", None),
        ("max_tokens is above the 4096 of max_completion_tokens", None),
        ("Invalid parameter: max_tokens must be smaller", None),
        ("max_tokens is not a valid parameter value", None),
        ("Unknown model 'llama'", None),
    ],
)
def test_a_refused_field_is_found_in_other_wordings(message: str, field: str | None) -> None:
    sent = [name for name in SENT if name != "max_completion_tokens"]
    assert refused_field(message, None, None, sent) == field


@pytest.mark.parametrize(
    "message",
    [
        "This response_format type is unavailable now",
        "The parameter `response_format.type` specified in the request are not valid: invalid value: `json_schema`, "
        "supported values are: `json_object` and `text`.",
        "Invalid schema for response_format 'answer': In context=(), 'required' is required to be supplied",
        "This model does not support response format `json_schema`.",
    ],
)
def test_a_server_without_schemas_refuses_the_response_format(message: str) -> None:
    """DeepSeek's and Volcengine's (nanobrowser/nanobrowser#47), OpenAI's and Groq's wordings."""
    assert refused_field(message, None, None, SENT) == "response_format"
    assert refused_field(message, None, None, ("seed",)) is None
