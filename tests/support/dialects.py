"""How model servers refuse requests: the fields that each accepts, and its messages for other fields and long prompts.

The source of each message is noted with it. A field that a server is not known to accept is refused.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]

COMMON = frozenset({"model", "messages", "max_tokens", "temperature", "stop", "stream", "response_format"})
ALL = COMMON | {"seed", "stream_options", "max_completion_tokens"}


def _databricks(field: str, value: object) -> Body:
    """continuedev/continue#12936 (stream_options), databricks/databricks-sdk-py#1263 (another field)."""
    return {"error_code": "BAD_REQUEST", "message": f'Bad request: json: unknown field "{field}"\n'}


def _openai(field: str, value: object) -> Body:
    """community.openai.com, about `max_tokens` for o1: the message, the code and the parameter."""
    message = f"Unsupported parameter: '{field}' is not supported with this model."
    return {
        "error": {"message": message, "type": "invalid_request_error", "param": field, "code": "unsupported_parameter"}
    }


def _vllm(field: str, value: object) -> Body:
    """vllm-project/vllm before 0.6 forbade unknown fields: pydantic's errors as Python prints them."""
    errors = [
        {"type": "extra_forbidden", "loc": ("body", field), "msg": "Extra inputs are not permitted", "input": value}
    ]
    return {"object": "error", "message": str(errors), "type": "BadRequestError", "param": None, "code": 400}


def _pydantic(field: str, value: object) -> Body:
    """langchain-ai/langchain-azure#82: Mistral's models in Azure refuse `seed` with FastAPI's own body."""
    msg = "Extra inputs are not permitted"
    return {"detail": [{"type": "extra_forbidden", "loc": ["body", field], "msg": msg, "input": value}]}


@dataclass(frozen=True)
class Dialect:
    """A kind of server.

    Attributes:
        path: of its base URL.
        fields: of a request that it accepts.
        refusal: the body that refuses another field, from the field's name and value.
        too_long: the body that refuses a prompt over the context.
        status: of a refusal.
        error: the body of any other error, from its message.
        usage_unasked: whether streams report tokens without `stream_options`.
    """

    path: str
    fields: frozenset[str]
    refusal: Callable[[str, object], Body]
    too_long: Body
    status: int = 400
    error: Callable[[str], Body] = lambda message: {"error": {"message": message}}
    usage_unasked: bool = False

    def refuses(self, body: Body, also: frozenset[str]) -> Body | None:
        """Refuses the first unknown field, as a strict decoder does."""
        for field, value in body.items():
            if field not in self.fields or field in also:
                return self.refusal(field, value)
        return None


DATABRICKS = Dialect(
    path="/serving-endpoints",
    fields=COMMON,
    refusal=_databricks,
    # Quoted in Databricks' own exam questions; "max_tokens (10000) cannot exceed 8192" has the same shape
    # (databricks/databricks-sdk-go#1183).
    too_long={
        "error_code": "BAD_REQUEST",
        "message": "Bad request: rpc error: code = InvalidArgument desc = "
        "prompt token count (4595) cannot exceed 4096...",
    },
    error=lambda message: {"error_code": "BAD_REQUEST", "message": message},
    usage_unasked=True,  # databricks/databricks-ai-bridge#176
)
OPENAI = Dialect(
    path="/v1",
    fields=ALL,
    refusal=_openai,
    too_long={
        "error": {
            "message": "This model's maximum context length is 4097 tokens. However, your messages resulted in 7575.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
)
VLLM = Dialect(
    path="/v1",
    fields=ALL,
    refusal=_vllm,
    too_long={
        "object": "error",
        "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
        "(4900 in the messages, 100 in the completion). Please reduce the length of the messages or completion.",
        "type": "BadRequestError",
        "param": None,
        "code": 400,
    },
)
PYDANTIC = Dialect(
    path="/v1",
    fields=ALL,
    refusal=_pydantic,
    too_long={"detail": "prompt is too long: 202609 tokens > 200000 maximum"},
    status=422,
)
DIALECTS = {"databricks": DATABRICKS, "openai": OPENAI, "vllm": VLLM, "pydantic": PYDANTIC}

FIELD_REFUSALS: dict[str, Callable[[str], str]] = {
    "databricks": lambda field: json.dumps(_databricks(field, 7)),
    "openai": lambda field: json.dumps(_openai(field, 7)),
    "openai, older": lambda field: json.dumps(
        {"error": {"message": f"Unrecognized request argument supplied: {field}", "param": None, "code": None}}
    ),
    "openai, unknown": lambda field: json.dumps({"error": {"message": f"Unknown parameter: '{field}'.", "code": None}}),
    "vllm": lambda field: json.dumps(_vllm(field, 7)),
    "pydantic": lambda field: json.dumps(_pydantic(field, 7)),
    "anthropic": lambda field: json.dumps(
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": f"{field}: Extra inputs are not permitted"},
        }
    ),
    "anthropic, temperature": lambda field: json.dumps(
        {"error": {"type": "invalid_request_error", "message": f"`{field}` is deprecated for this model."}}
    ),
    "gemini": lambda field: json.dumps(
        {
            "error": {
                "code": 400,
                "message": f'Invalid JSON payload received. Unknown name "{field}": Cannot find field.',
            }
        }
    ),
    "litellm": lambda field: json.dumps(
        {"error": {"message": f"databricks does not support parameters: ['{field}'], for model=dbrx.", "code": "400"}}
    ),
    "bedrock": lambda field: json.dumps(
        {"message": f"Malformed input request: #: extraneous key [{field}] is not permitted, please reformat"}
    ),
    "xai": lambda field: json.dumps({"code": "400", "error": f"Argument not supported on this model: {field}"}),
    "groq": lambda field: json.dumps({"error": {"message": f"property '{field}' is unsupported"}}),
    "at the start of a sentence": lambda field: f"{field.capitalize()} is not supported with this model.",
    "serde": lambda field: f"Failed to deserialize: unknown field `{field}`, expected one of `model`, `messages`, `n`",
    "json schema": lambda field: json.dumps(
        {"error": {"message": f"Additional properties are not allowed ('{field}' was unexpected)"}}
    ),
    "external model": lambda field: json.dumps(
        {
            "error": "Received error from databricks-model-serving",
            "external_model_message": {"error_code": "BAD_REQUEST", "message": f'json: unknown field "{field}"'},
        }
    ),
}
"""The body with which each server refuses a field."""

LENGTH_REFUSALS: dict[str, str] = {
    **{name: json.dumps(dialect.too_long) for name, dialect in DIALECTS.items()},
    "vllm, the engine": json.dumps(
        {"message": "The decoder prompt (length 5000) is longer than the maximum model length of 4096."}
    ),
    "anthropic": json.dumps(
        {"error": {"message": "input length and `max_tokens` exceed context limit: 198981 + 21333 > 200000"}}
    ),
    "anthropic, the prompt": json.dumps({"error": {"message": "prompt is too long: 202609 tokens > 200000 maximum"}}),
    "bedrock": json.dumps({"message": "Input is too long for requested model."}),
    "gemini": json.dumps(
        {
            "error": {
                "message": "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576)."
            }
        }
    ),
    "xai": json.dumps(
        {"error": "This model's maximum prompt length is 131072 but the request contains 136973 tokens."}
    ),
    "llama.cpp": json.dumps({"error": {"message": "the request exceeds the available context size"}}),
}
"""The body with which each server refuses a prompt over the context."""

OTHER_REFUSALS: dict[str, str] = {
    "a value": '{"error_code": "BAD_REQUEST", "message": "max_tokens (10000) cannot exceed 8192. Please reduce the '
    'length of max output tokens generated."}',
    "a value, other wording": '{"error": {"message": "max_tokens is not allowed to be above 4096"}}',
    "openai, a value": '{"error": {"message": "max_tokens is too large: 5000. This model supports at most 4096 '
    'completion tokens, whereas you provided 5000.", "param": "max_tokens", "code": "invalid_value"}}',
    "a range": '{"error": {"message": "Invalid value for temperature: must be at most 1"}}',
    "a name": '{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "model llama does not exist or is not supported"}',
    "vllm, a value with what was sent": json.dumps(
        {"message": "[{'type': 'string_type', 'loc': ('body', 'stop'), 'msg': 'a string', 'input': 'unknown seed'}]"}
    ),
    "nothing": "",
    "not JSON": "<html>Bad Request</html>",
    "a number": "7",
    "depth": "[" * 5_000,
}
"""Bodies of refusals for other reasons."""
