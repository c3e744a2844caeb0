"""A batch: the chain that answers, and the tables that it works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ragops.answers.chain.checked import Checks
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.open import open_gateway, why_unavailable
from ragops.answers.llms.settings import AnyModel, OpenVinoGguf, VllmOffline
from ragops.answers.prompts.template import Template
from ragops.assembly import Locations, open_chain
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.platform.mlflow_store import store_errors, use_mlflow
from ragops.platform.workspace import Workspace
from ragops.serving.batch.chosen import ChosenChain
from ragops.serving.batch.tables import ANSWERS, BatchTables
from ragops.serving.model.logged import download
from ragops.serving.model.registered import ChainVersion
from ragops.text import reason
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from pathlib import Path

    from ragops.answers.chain.chain import Chain
    from ragops.answers.llms.gateway import Gateway
    from ragops.answers.llms.ledger.sinks import Sink
    from ragops.serving.model.configuration import ChainConfiguration


@dataclass(frozen=True)
class Batch:
    """What all steps of a batch share.

    Attributes:
        workspace: of the index, the tables and the ledger.
        chain: answers.
        output: the name of the table of answers.
    """

    workspace: Workspace
    chain: ChosenChain
    output: str = ANSWERS.name

    @cached_property
    def use_case(self) -> UseCase:
        """The chain's, with the chosen model as its only one that answers."""
        return self.chain.use_case

    @property
    def model(self) -> AnyModel:
        """The settings of the model that answers."""
        return self.chain.model

    @property
    def on_gpus(self) -> bool:
        """Whether Spark's workers generate the answers, each with its own engine."""
        return isinstance(self.model, VllmOffline)

    @property
    def tables(self) -> BatchTables:
        """The tables of answers, requests and replies."""
        return BatchTables.named(self.output)

    @property
    def prompt(self) -> Template:
        """The template for answers. Raises UserError if there is none of that name."""
        return self.chain.prompt

    @property
    def checks(self) -> Checks:
        """How a reply becomes an answer."""
        return Checks(self.prompt, self.use_case.answers, self.use_case.models.quotes)

    @cached_property
    def fingerprint(self) -> str:
        """Of the chain: `ChosenChain.fingerprint`."""
        return self.chain.fingerprint

    @property
    def generation(self) -> str:
        """The index generation that is searched: the one inside the model, or the live one.

        Raises:
            UserError: there is no index.
        """
        pinned = self.chain.configuration.pinned
        return pinned or PublishedIndex(index_root(self.workspace)).pointer().generation

    def caller(self) -> Caller:
        """The job's user, for the ledger."""
        who = str(self.workspace.spark.sql("SELECT current_user()").collect()[0][0])
        return Caller(who, "batch", self.prompt.name, self.prompt.content_hash[:8])

    def open_chain(self) -> Chain:
        """The chain, opened where questions are searched.

        Raises:
            UserError: there is no index, the model is not available, or the chain's files cannot be read; a model for
                GPUs is not looked for here.
        """
        why = "" if self.on_gpus else why_unavailable(self.model, self.workspace)
        if why:
            raise UserError(f"parameter llm: model {self.model.name} is not available here ({why}); choose another")
        if version := self.chain.registered:
            from ragops.serving.model.open_model import open_logged

            configuration, files = _download(version)
            return open_logged(configuration.model_copy(update={"use_case": self.use_case}), files)
        templates = self.chain.configuration.templates
        return open_chain(self.use_case, Locations.of(self.workspace), templates)

    def open_gateway(self, sink: Sink) -> Gateway:
        """The gateway to the model, for models that need no GPU; a model in a file is the one that was logged.

        Raises:
            UserError: the chain's files cannot be read; or as `llms.open.open_gateway`.
        """
        use_case, version = self.use_case, self.chain.registered
        own = self.model in self.chain.configuration.use_case.models.known
        if version and own and isinstance(self.model, OpenVinoGguf):
            configuration, files = _download(version)
            use_case = configuration.model_copy(update={"use_case": use_case}).use_case_with(files)
        return open_gateway(use_case.models, use_case.corpus.classification, self.workspace, sink)


def _download(version: ChainVersion) -> tuple[ChainConfiguration, dict[str, Path]]:
    use_mlflow()
    try:
        return download(version)
    except store_errors() as error:
        line = f"{version}: its files cannot be read ({reason(error)}); if it was deleted, run the whole job again"
        raise UserError(line) from error
