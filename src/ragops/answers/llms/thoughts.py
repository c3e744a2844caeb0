"""A model's thoughts in its answer, between tags such as <think> and </think>: they are no part of the answer.

A server with a reasoning parser sends thoughts in a field of their own; one without leaves them in the text.
"""

from __future__ import annotations

import re

# <think>: DeepSeek, Qwen; <thought>: Gemini; <seed:think>: ByteDance; [THINK]: Mistral; ◁think▷: Kimi; <|begin_of_
# thought|>: Sky-T1. A tag in a code block or directly after a backtick is a word of the answer.
_TAG = re.compile(
    r"(?P<fence>```)|(?<!`)(?:<(?P<close>/?)(?:(?:seed:)?think(?:ing)?|thoughts?|reasoning)>"
    r"|\[(?P<close2>/?)think\]|◁(?P<close3>/?)think▷|<\|(?:begin|(?P<close4>end))_of_thought\|>)",
    re.IGNORECASE,
)
_MAYBE_A_TAG = re.compile(r"`*(?:<[^<>\s]{0,20}|\[[/a-z]{0,6}|◁[^▷\s]{0,6}|`+)\Z", re.IGNORECASE)
_CLOSING = ("close", "close2", "close3", "close4")


class ThoughtFilter:
    """Passes an answer on piece by piece, without the thoughts in it. Thoughts that do not end last to the end.

    Attributes:
        text: all that the model has written, thoughts included.
        answer: what is known of the answer; after `end`, all of it.
        began_inside: whether the first tag was a closing one: some chat templates write the opening tag themselves.
    """

    def __init__(self, starts_inside: bool = False) -> None:
        """`starts_inside`: the model's answers begin inside thoughts, so nothing is passed on before a tag."""
        self.text = ""
        self.answer = ""
        self.began_inside = False
        self._expected = starts_inside
        self._thinking = starts_inside
        self._in_block = False
        self._has_tags = False
        self._unread = ""

    def feed(self, piece: str) -> str:
        """The part of the answer that is certain with this piece; "" if none is."""
        self.text += piece
        self._unread += piece
        end = match.start() if (match := _MAYBE_A_TAG.search(self._unread)) else len(self._unread)
        ready, self._unread = self._unread[:end], self._unread[end:]
        return self._read(ready)

    def end(self, cut_off: bool) -> str:
        """The rest of the answer.

        Where thoughts were expected and the text has no tag, it is an answer without thoughts, unless it was `cut_off`
        at the limit of tokens.
        """
        rest, self._unread = self._read(self._unread), ""
        if self._expected and not self._has_tags and not cut_off:
            rest = self.answer = self.text
        return rest

    def _read(self, text: str) -> str:
        """Reads a text that ends in no part of a tag; returns what it adds to the answer."""
        before, at = self.answer, 0
        for match in _TAG.finditer(text):
            if match["fence"]:
                self._in_block ^= not self._thinking  # thoughts may contain half of a code block
            elif not self._in_block:
                self._add(text[at : match.start()])
                self._pass(closes=any(match[name] for name in _CLOSING))
                at = match.end()
        self._add(text[at:])
        # If the first tag is a closing one, what was passed on before it turns out to be thoughts.
        return self.answer.removeprefix(before) if self.answer.startswith(before) else self.answer

    def _add(self, text: str) -> None:
        if not self._thinking:
            is_first = self._has_tags and not self.answer
            self.answer += text.lstrip() if is_first else text

    def _pass(self, closes: bool) -> None:
        if closes and not self._thinking:
            self.answer = ""
        if not self.answer.strip():
            self.answer = ""
        self.began_inside |= closes and not self._has_tags
        self._has_tags, self._thinking = True, not closes


def without_thoughts(text: str) -> str:
    """The answer in a complete text."""
    whole = ThoughtFilter()
    whole.feed(text)
    whole.end(cut_off=True)
    return whole.answer
