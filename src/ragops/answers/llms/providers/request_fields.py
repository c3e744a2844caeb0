"""The optional fields of a request that a server accepts, learned from its refusals.

Servers that decode requests strictly refuse a whole request for one unknown field, each in its own words; the known
wordings are in `tests/support/dialects.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ragops.answers.llms.settings import OPTIONAL, OptionalField
from ragops.text import one_line

_DATABRICKS_PATH = "/serving-endpoints"
_UNKNOWN_CODES = {"unsupported_parameter", "unknown_parameter", "unsupported_value"}
_MESSAGE_FIELDS = ("message", "detail", "error", "msg", "external_model_message")
_MAX_CHARACTERS = 1_000  # the rest of a message repeats the request

_SYNONYMS = {
    "streaming": "stream",
    "stop sequences": "stop",
    "stop_sequences": "stop",
    "response format": "response_format",
    "structured output": "response_format",
    "structured outputs": "response_format",
}
"""What some servers call a field in a sentence."""

_FIELD = r"(?:field|parameter|param|argument|property|key|name)s?"
_UNKNOWN = (
    r"\b(?:unknown|unsupported|unrecogni[sz]ed|unexpected|extraneous|additional|extra(?:_forbidden)?"
    rf"|(?:no such|cannot find) {_FIELD})\b"
)
_NOT_ACCEPTED = (
    r"(?:extra inputs|unsupported|unexpected|unknown|unrecogni[sz]ed|deprecated"
    r"|(?:not|n't|no longer) (?:supported|permitted|allowed|accepted|recogni[sz]ed|known)"
    rf"|not an? (?:valid|known) {_FIELD}\b(?! value))"
    r"(?! to| above| over| beyond| for values)"  # "max_tokens is not allowed to be above 4096" is about its value
)
# "model" and "messages" are also ordinary words: as fields they are in quotes, or before a colon.
_REQUIRED = r"(?<=[\"'`\[(])(?:model|messages)(?=[\"'`\])])|(?<![\w.])(?:model|messages)(?=: extra inputs)"
_NAME = rf"(?P<name>{_REQUIRED}|(?<![\w.])(?:{'|'.join((*OPTIONAL, *_SYNONYMS))})(?!\w))"
_GAP = r"[^.;\d]{0,60}?"
_REFUSES_FIELD = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_UNKNOWN}{_GAP}{_NAME}",
        rf"{_NAME}{_GAP}{_NOT_ACCEPTED}",
        rf"(?:\bnot|n't) support(?:ed)?\b{_GAP}{_NAME}",
    )
]
# Servers that take max_tokens only under its other name, one temperature only, or no schema in response_format, may not
# call the field unsupported.
_REFUSES_USE = {
    "max_tokens": re.compile(
        r"\b(?:use|missing|requires?|expects?|provide|specify)\b[^.;\d]{0,40}?\bmax_completion_tokens\b", re.IGNORECASE
    ),
    "temperature": re.compile(
        r"\btemperature\b[^.;]{0,60}?(?:\bonly\b(?! values)|must be (?:set to |equal to |exactly )?1\b"
        r"|strictly positive|greater than 0|> ?0)",
        re.IGNORECASE,
    ),
    # Servers that know the field, but not json_schema, or not every schema: DeepSeek, Volcengine, OpenAI.
    "response_format": re.compile(
        r"\bresponse[_ ]format\b[^;]{0,80}?\b(?:unavailable|not valid|invalid value|must be)\b"
        r"|\binvalid schema for response_format\b",
        re.IGNORECASE,
    ),
}
_TOO_LONG = re.compile(
    r"context_length_exceeded|prompt token count \(?\d+\)? cannot exceed|maximum context length"
    r"|exceeds? (?:the )?(?:available )?context"
    r"|(?:prompt|input) is too long|input token count .*exceeds|maximum (?:model|prompt) length",
    re.IGNORECASE,
)


class RequestFields:
    """The fields that one server accepts. Threads may share it: it only ever learns more refusals."""

    def __init__(self, omit: Collection[OptionalField], base_url: str) -> None:
        """Starts with the known refusals: `omit` from the use case, and those of Databricks' model API."""
        self._refused: set[str] = set(omit)
        if urlsplit(base_url).path.rstrip("/").endswith(_DATABRICKS_PATH):
            self._refused.add("stream_options")  # its own models send usage without being asked

    def accepted(self, body: Mapping[str, Any], refused: Collection[str] = ()) -> dict[str, Any]:
        """The fields of a body to send; `max_tokens` under its other name if the server takes only that.

        `refused`: fields refused during this request, which are not known to be the cause yet.
        """
        without = self._refused | set(refused)
        sent = {name: value for name, value in body.items() if name not in without}
        if "max_tokens" not in sent and "max_completion_tokens" not in without:
            sent["max_completion_tokens"] = body["max_tokens"]
        return sent

    def omit(self, names: Collection[str]) -> list[str]:
        """Omits these fields from now on; returns those that were sent before, sorted."""
        new = sorted(set(names) - self._refused)
        self._refused.update(new)
        return new

    def accepts_stop(self) -> bool:
        """Whether the server ends an answer at `stop`; otherwise the client cuts the whole answer there."""
        return "stop" not in self._refused

    def streams(self, stop: Collection[str], refused: Collection[str] = ()) -> bool:
        """Whether an answer, which ends at one of `stop` if there are any, can be streamed."""
        without = self._refused | set(refused)
        return "stream" not in without and not (stop and "stop" in without)


def error_text(raw: str) -> str:
    """The messages in the body of an error, in one line: OpenAI's, Databricks' or pydantic's; else the whole body."""
    try:
        result = ": ".join(_messages(json.loads(raw)))
    except (ValueError, RecursionError):
        result = ""
    return one_line(result or raw)


def refused_field(message: str, code: object, param: object, sent: Collection[str]) -> str | None:
    """Which of the sent fields the server does not accept, by its message or by OpenAI's `code` and `param`.

    None if it refuses for another reason: a value, a name, the length.
    """
    name = param.partition(".")[0] if isinstance(param, str) else ""
    if isinstance(code, str) and code in _UNKNOWN_CODES and name in sent:
        return name
    # pydantic repeats the values that it was given, and these are untrusted texts.
    message = message.partition("'input':")[0][:_MAX_CHARACTERS]
    for pattern in _REFUSES_FIELD:
        for match in pattern.finditer(message):
            found = match["name"].lower()
            if (name := _SYNONYMS.get(found, found)) in sent:
                return name
    return next((name for name, pattern in _REFUSES_USE.items() if name in sent and pattern.search(message)), None)


def is_too_long(message: str, code: object) -> bool:
    """Whether prompt and answer together exceed the model's context, by the server's count."""
    return _TOO_LONG.search(f"{code} {message[:_MAX_CHARACTERS]}") is not None


def _messages(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for one in content:
            yield from _messages(one)
    elif isinstance(content, dict):
        if isinstance(location := content.get("loc"), list):
            yield " ".join(f"'{part}'" for part in location)
        for name in _MESSAGE_FIELDS:
            yield from _messages(content.get(name))
