"""Text of others made harmless to what reads a prompt: the tokenizer and its special tokens, and our own marks.

Words are left as they are: what a passage says is told from what we say by where it stands (`marks`), not by a filter.
"""

import re
from collections.abc import Collection

_OPENING, _CLOSING = "<＜", ">＞"

# Characters that carry, or split, text and are not seen: tags, variation selectors, zero-width spaces, soft hyphens,
# direction overrides, controls.
# The joiners U+200C and U+200D stay: Persian, Hindi and emoji are spelt with them.
_INVISIBLE = re.compile(
    "[\U000e0000-\U000e01ef\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\xad\x00-\x08\x0b-\x1f\x7f-\x9f]"
)

# Special tokens of the chat syntaxes in use. A model's own are known from its tokenizer and come on top.
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

# Our own marks, whatever code they claim and whether or not they are closed.
_MARK = re.compile(
    rf"[{_OPENING}][^\S\n]*/?[^\S\n]*(?:passage|conversation)[^{_OPENING}{_CLOSING}]*[{_CLOSING}]?", re.IGNORECASE
)

_BRACKETS = str.maketrans("<＜[>＞]", "((()))")
_SHORTEST_TOKEN = 3  # a shorter one is a letter or white space, not syntax


def neutralise(text: str, special_tokens: Collection[str] = ()) -> str:
    """The text with invisible characters gone and brackets of chat syntax and of our marks as parentheses.

    Args:
        text: of a user or a document.
        special_tokens: the model's own, as its tokenizer spells them (`ChatSyntax.special_tokens`).

    Returns:
        Text in which no tokenizer finds a special token; the same text where there was none.
    """
    text = _INVISIBLE.sub("", text)
    for pattern in (_CHAT_SYNTAX, _MARK, *_own(special_tokens)):
        text = pattern.sub(_broken, text)
    return text


def one_line(text: str, limit: int, special_tokens: Collection[str] = ()) -> str:
    """Neutralised text on one line of at most `limit` characters, for what stands in front of the text proper."""
    line = neutralise(" ".join(text.split()), special_tokens)
    return line if len(line) <= limit else line[: limit - 3] + "..."


def _own(special_tokens: Collection[str]) -> list[re.Pattern[str]]:
    tokens = sorted((t for t in special_tokens if len(t.strip()) >= _SHORTEST_TOKEN), key=len, reverse=True)
    return [re.compile("|".join(map(re.escape, tokens)))] if tokens else []


def _broken(match: re.Match[str]) -> str:
    token = match[0]
    changed = token.translate(_BRACKETS)
    return changed if changed != token else f"{token[0]} {token[1:]}"
