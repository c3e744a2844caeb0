"""What the server's parts hand to each other: the chain that answers, its answer, and errors with an HTTP status."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

from ragops.answers.chain.types import Answer, Query
from ragops.answers.retrieval.search import Searcher
from ragops.errors import UserError
from ragops.serving.model.registered import ChainVersion


class Refused(UserError):
    """A request that is refused with an HTTP status of its own.

    Attributes:
        status: of HTTP.
        code: for programs, in one word.
        retry_after_s: when to try again; None if that is of no use.
    """

    def __init__(self, status: int, code: str, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after_s = status, code, retry_after_s


class NotReady(UserError):
    """There is no chain or no index to answer with at present."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A cited passage: its number [n] in the text, its id and its document's path."""

    number: int
    chunk_id: str
    path: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A checked answer in the form in which it leaves the server.

    Attributes:
        text: the answer or the abstention.
        citations: what it cites, by number.
        outputs: everything else, as `answers.chain.console.as_outputs`.
    """

    text: str
    citations: tuple[Citation, ...]
    outputs: dict[str, Any]


Answering = Generator[str, None, Answered]
"""The pieces of an answer as they arrive; the generator returns the checked answer."""


class Backend(Protocol):
    """What answers: an opened chain, or the serving endpoint behind this server. Its methods are thread-safe."""

    @property
    def version(self) -> ChainVersion:
        """Which chain it is."""

    @property
    def searcher(self) -> Searcher:
        """The index that it answers from."""

    def stream(self, query: Query) -> Answering:
        """The answer in pieces; closing the generator abandons it.

        Raises:
            UserError: as `Chain.answer`.
        """

    def close(self) -> None:
        """Releases index and models. No answer may be in progress."""


def answered(answer: Answer, outputs: dict[str, Any]) -> Answered:
    """A chain's answer with its `outputs`."""
    citations = (Citation(one.number, one.passage.chunk_id, one.passage.path) for one in answer.cited)
    return Answered(answer.text, tuple(citations), outputs)
