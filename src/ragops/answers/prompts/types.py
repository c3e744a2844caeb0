"""The input and output of a prompt: sources and a request in, messages out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat, in the form that chat templates and chat endpoints share: who speaks, and the text."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as a prompt shows it, with the number from 1 by which an answer cites it.

    Title, path and text come from documents: all three are untrusted.
    """

    number: int
    title: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """The values that a template is rendered with.

    Attributes:
        question: the user's question; "" for a template without one.
        sources: the passages, each with its own number; None for a template without passages.
        history: earlier turns, oldest first; None for a template without history.
        values: for the template's own variables. They come from the team, never from a user or a document.
        answer: an answer to judge; None for a template without one, as the following.
        statements: the parts of an answer to judge, numbered from 1.
        reference: the right answer.
    """

    question: str
    sources: Sequence[Source] | None = None
    history: Sequence[Message] | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None
    statements: Sequence[str] | None = None
    reference: str | None = None


Shot = tuple[PromptRequest, str]
"""A worked example that comes with a request: a request for the same template, and the reply to it."""
