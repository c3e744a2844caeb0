"""Where the server's chain comes from: the bundle's files, or the registered champion."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.trace import Steps
from ragops.assembly import Locations, open_chain
from ragops.errors import UserError
from ragops.serving.model.logged import download
from ragops.serving.model.open_model import open_logged
from ragops.serving.model.registered import CHAMPION, WORKING_COPY, ChainVersion, by_alias
from ragops.serving.server.chains import OpenedChain
from ragops.serving.server.types import Backend
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow import MlflowClient

OpenTrace = Callable[..., Steps]
"""Starts the trace of an answer: with `texts`, whether it may contain any, and its inputs as keywords."""


class NoChampion(UserError):
    """The registered model has no champion, or there is no such model."""


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


class Champion:
    """The version of a registered model that its alias champion names."""

    def __init__(self, client: MlflowClient, name: str, open_trace: OpenTrace) -> None:
        """`name`: CATALOG.SCHEMA.MODEL."""
        self._client, self._name, self._open_trace = client, name, open_trace

    def wanted(self) -> ChainVersion:
        """The champion.

        Raises:
            NoChampion: there is none.
            NotPermitted: this identity may not read the model.
        """
        found = by_alias(self._client, self._name, CHAMPION)
        if found is None:
            fix = "run: localbundle run release; or serve the bundle's files with --working-copy"
            raise NoChampion(f"model {self._name}: it has no champion yet; {fix}")
        return ChainVersion(self._name, str(found.version))

    def open(self, version: ChainVersion) -> Backend:
        """Downloads and opens a version.

        Raises:
            UserError: it was logged by another version of ragops, or as `open_logged`.
        """
        folder = tempfile.TemporaryDirectory(prefix="ragops-champion-", ignore_cleanup_errors=True)
        try:
            configuration, artifacts = download(version, folder.name)
            chain = traced(open_logged(configuration, artifacts), configuration.use_case, self._open_trace)
        except BaseException:
            folder.cleanup()
            raise
        return OpenedChain(chain, version, folder.cleanup)


def traced(chain: Chain, use_case: UseCase, open_trace: OpenTrace) -> Chain:
    """The chain with the server's traces, which contain no texts of confidential documents."""
    texts = use_case.corpus.classification != "confidential"

    def opened(**inputs: object) -> Steps:
        return open_trace(texts=texts, **inputs)

    return replace(chain, open_trace=opened)
