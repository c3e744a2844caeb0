"""Where the server's chain comes from: the bundle's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.trace import Steps
from ragops.assembly import Locations, open_chain
from ragops.serving.server.chains import OpenedChain
from ragops.serving.server.types import WORKING_COPY, Backend, ChainVersion
from ragops.usecase import UseCase

OpenTrace = Callable[..., Steps]
"""Starts the trace of an answer: with `texts`, whether it may contain any, and its inputs as keywords."""


class WorkingCopy:
    """The chain of the bundle's own files, opened once."""

    def __init__(self, use_case: UseCase, locations: Locations, open_trace: OpenTrace) -> None:
        self._use_case, self._locations, self._open_trace = use_case, locations, open_trace

    def wanted(self) -> ChainVersion:
        """Always the same."""
        return ChainVersion(self._use_case.name, WORKING_COPY)

    def open(self, version: ChainVersion) -> Backend:
        """Opens it. Raises as `assembly.open_chain`."""
        chain = open_chain(self._use_case, self._locations)
        return OpenedChain(traced(chain, self._use_case, self._open_trace), version)


def traced(chain: Chain, use_case: UseCase, open_trace: OpenTrace) -> Chain:
    """The chain with the server's traces, which contain no texts of confidential documents."""
    texts = use_case.corpus.classification != "confidential"

    def opened(**inputs: object) -> Steps:
        return open_trace(texts=texts, **inputs)

    return replace(chain, open_trace=opened)
