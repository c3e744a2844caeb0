"""What a server's refusal says: its words, the field that it does not take, or that the prompt is too long.

Servers that decode requests strictly refuse a whole request for one field that they do not know, and each says so in
its own words; which ones are known is in `tests/support/dialects.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator

from ragops.answers.llms.settings import OPTIONAL

_UNKNOWN_CODES = {"unsupported_parameter", "unknown_parameter", "unsupported_value"}
_WORDS = ("message", "detail", "error", "msg", "external_model_message")
_MOST = 1_000  # characters: what stands behind them repeats the request

_OTHER_WORDS = {
    "streaming": "stream",
    "stop sequences": "stop",
    "stop_sequences": "stop",
    "response format": "response_format",
    "structured output": "response_format",
    "structured outputs": "response_format",
}
"""How some servers call a field, where they tell it in a sentence."""

_FIELD = r"(?:field|parameter|param|argument|property|key|name)s?"
_UNKNOWN = (
    r"\b(?:unknown|unsupported|unrecogni[sz]ed|unexpected|extraneous|additional|extra(?:_forbidden)?"
    rf"|(?:no such|cannot find) {_FIELD})\b"
)
_NOT_TAKEN = (
    r"(?:extra inputs|unsupported|unexpected|unknown|unrecogni[sz]ed|deprecated"
    r"|(?:not|n't|no longer) (?:supported|permitted|allowed|accepted|recogni[sz]ed|known)"
    rf"|not an? (?:valid|known) {_FIELD}\b(?! value))"
    r"(?! to| above| over| beyond| for values)"  # "max_tokens is not allowed to be above 4096" is about its value
)
# "model" and "messages" are also words of any sentence: as fields they stand in quotes, or before a colon.
_NEEDED = r"(?<=[\"'`\[(])(?:model|messages)(?=[\"'`\])])|(?<![\w.])(?:model|messages)(?=: extra inputs)"
_NAME = rf"(?P<name>{_NEEDED}|(?<![\w.])(?:{'|'.join((*OPTIONAL, *_OTHER_WORDS))})(?!\w))"
_GAP = r"[^.;\d]{0,60}?"
_REFUSES_FIELD = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_UNKNOWN}{_GAP}{_NAME}",
        rf"{_NAME}{_GAP}{_NOT_TAKEN}",
        rf"(?:\bnot|n't) support(?:ed)?\b{_GAP}{_NAME}",
    )
]
_TOO_LONG = re.compile(
    r"context_length_exceeded|prompt token count \(?\d+\)? cannot exceed|maximum context length"
    r"|exceeds? (?:the )?(?:available )?context"
    r"|(?:prompt|input) is too long|input token count .*exceeds|maximum (?:model|prompt) length",
    re.IGNORECASE,
)


def words(raw: str) -> str:
    """What a body says to people, in one line: OpenAI's, Databricks', pydantic's and plain ones; all of it if none."""
    try:
        result = ": ".join(_texts(json.loads(raw)))
    except (ValueError, RecursionError):
        result = ""
    return " ".join((result or raw).split())


def refused_field(said: str, code: object, param: object, sent: Collection[str]) -> str | None:
    """The field of those sent that the server does not take, by its words or by OpenAI's `code` and `param`.

    None where it refuses for another reason: a value, a name, the length.
    """
    name = param.partition(".")[0] if isinstance(param, str) else ""
    if isinstance(code, str) and code in _UNKNOWN_CODES and name in sent:
        return name
    # pydantic repeats the values that it was given, and these are texts of others.
    result = said.partition("'input':")[0][:_MOST]
    for pattern in _REFUSES_FIELD:
        for match in pattern.finditer(result):
            said_name = match["name"].lower()
            if (name := _OTHER_WORDS.get(said_name, said_name)) in sent:
                return name
    return None


def says_too_long(said: str, code: object) -> bool:
    """Whether prompt and answer together are more than the model can hold, by the server's count."""
    return _TOO_LONG.search(f"{code} {said[:_MOST]}") is not None


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for one in content:
            yield from _texts(one)
    elif isinstance(content, dict):
        if isinstance(place := content.get("loc"), list):
            yield " ".join(f"'{part}'" for part in place)
        for name in _WORDS:
            yield from _texts(content.get(name))
