"""Untrusted text made harmless for whatever reads a prompt: special tokens of tokenizers, and our own delimiters.

Words stay as they are: what tells a passage from instructions is where it stands (`delimiters`), not a filter on words.
"""

import re
from collections.abc import Collection

from ragops import text as texts

_OPENING, _CLOSING = "<＜", ">＞"

# Characters that carry or split text and are not visible: tags, variation selectors, zero-width spaces, soft hyphens,
# direction overrides, controls.
# The joiners U+200C and U+200D stay: Persian, Hindi and emoji need them.
_INVISIBLE = re.compile(
    "[\U000e0000-\U000e01ef\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\xad\x00-\x08\x0b-\x1f\x7f-\x9f]"
)

# Special tokens of the chat syntaxes in use. A model's own, known from its tokenizer, can be passed in addition.
_CHAT_SYNTAX = re.compile(
    rf"""
    [{_OPENING}][|｜](?:[^{_OPENING}{_CLOSING}\n]{{1,80}}[{_CLOSING}])?    # <|im_start|>  <|eot_id|>  <｜User｜>
    | [{_OPENING}][^{_OPENING}{_CLOSING}|｜\n]{{1,80}}[|｜][{_CLOSING}]   # <turn|>
    | [{_OPENING}]{{2}}\s*/?\s*sys\s*[{_CLOSING}]{{2}}                    # <<SYS>>
    | [{_OPENING}]\s*/?\s*(?:s|bos|eos|pad|unk|mask|think|tools?|tool_call|tool_response|system|user|assistant|model
        |(?:start|end)_of_\w+|\w+_(?:start|end)|sop|eop)\s*[{_CLOSING}]   # </s>  <start_of_turn>  <think>
    | \[\s*/?\s*(?:inst|img|think|args|gmask|system_prompt|available_tools|tool_\w+)\s*\]    # [INST]  [TOOL_CALLS]
    """,
    re.VERBOSE | re.IGNORECASE,
)

# Our own delimiters, with any code, closed or not.
_DELIMITER = re.compile(
    rf"[{_OPENING}][^\S\n]*/?[^\S\n]*(?:passage|conversation)[^{_OPENING}{_CLOSING}]*[{_CLOSING}]?", re.IGNORECASE
)

_BRACKETS = str.maketrans("<＜[>＞]", "((()))")
_SHORTEST_TOKEN = 3  # a shorter one is a letter or white space, not syntax


def neutralize(text: str, special_tokens: Collection[str] = ()) -> str:
    """The text without invisible characters, and with brackets of chat syntax and of delimiters as parentheses.

    Args:
        text: from a user or a document.
        special_tokens: the model's own, as its tokenizer spells them.

    Returns:
        Text in which no tokenizer finds a special token; unchanged if there was none.
    """
    text = _INVISIBLE.sub("", text)
    for pattern in (_CHAT_SYNTAX, _DELIMITER, *_patterns_of(special_tokens)):
        text = pattern.sub(_broken, text)
    return text


def neutral_line(text: str, limit: int, special_tokens: Collection[str] = ()) -> str:
    """Neutralized text in one line of at most `limit` characters, for titles, paths and earlier turns."""
    line = neutralize(texts.one_line(text), special_tokens)
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _patterns_of(special_tokens: Collection[str]) -> list[re.Pattern[str]]:
    tokens = sorted((t for t in special_tokens if len(t.strip()) >= _SHORTEST_TOKEN), key=len, reverse=True)
    return [re.compile("|".join(map(re.escape, tokens)))] if tokens else []


def _broken(match: re.Match[str]) -> str:
    token = match[0]
    changed = token.translate(_BRACKETS)
    return changed if changed != token else f"{token[0]} {token[1:]}"
