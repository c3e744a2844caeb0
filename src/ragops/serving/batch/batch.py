"""A batch: the chain that answers, without fallback, and the tables that it works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ragops.answers.chain.checked import Checks
from ragops.answers.llms.ledger.calls import Caller
from ragops.answers.llms.open import why_unavailable
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.settings import AnyModel, VllmOffline
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find, load_templates
from ragops.assembly import Locations, open_chain, retrieval_within_context
from ragops.corpus.embeddings.model import fingerprint
from ragops.errors import UserError
from ragops.platform.workspace import Workspace
from ragops.serving.batch.tables import ANSWERS, BatchTables
from ragops.text import digest
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain

# Of a model's settings, those that cannot change an answer.
_NOT_IN_THE_ANSWER = {
    "timeout_s",
    "price_per_million_input",
    "price_per_million_output",
    "price_per_second",
    "private",
    "concurrency",
    "requests_per_minute",
    "gpu_memory_utilization",
}
_DIGITS = 16


@dataclass(frozen=True)
class Batch:
    """What all steps of a batch share.

    Attributes:
        workspace: of the index, the tables and the ledger.
        use_case: with the chosen model as its only one that answers: nobody waits for a batch, so what a model failed
            to answer is asked again later, and not answered by a fallback.
        output: the name of the table of answers.
    """

    workspace: Workspace
    use_case: UseCase
    output: str = ANSWERS.name

    @classmethod
    def of(cls, workspace: Workspace, use_case: UseCase, llm: str = "", output: str = ANSWERS.name) -> Batch:
        """The batch that this model answers; "" for the use case's primary one.

        Raises:
            UserError: there is no such model, or it may not see the documents.
        """
        models = use_case.models.with_primary(llm)
        models = models.model_copy(update={"answer": models.answer.model_copy(update={"fallback": ()})})
        Policy(use_case.corpus.classification).check(models.chain())
        return cls(workspace, use_case.model_copy(update={"models": models}), output)

    @property
    def model(self) -> AnyModel:
        """The settings of the model that answers."""
        return self.use_case.models.chain()[0]

    @property
    def on_gpus(self) -> bool:
        """Whether Spark's workers generate the answers, each with its own engine."""
        return isinstance(self.model, VllmOffline)

    @property
    def tables(self) -> BatchTables:
        """The tables of answers, requests and replies."""
        return BatchTables.named(self.output)

    @cached_property
    def prompt(self) -> Template:
        """The template for answers. Raises UserError if there is none of that name."""
        prompts = self.use_case.prompts
        return find(load_templates(prompts, self.use_case.folder), prompts.answer, "answer")

    @property
    def checks(self) -> Checks:
        """How a reply becomes an answer."""
        return Checks(self.prompt, self.use_case.answers, self.use_case.models.quotes)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of what determines an answer besides code and documents.

        Not the index generation: a refresh every half hour would make all answers stale.
        """
        use_case = self.use_case
        of_chain = {
            "answers": use_case.answers.model_dump(mode="json"),
            "classification": use_case.corpus.classification,
            "embedding": fingerprint(use_case.embedding),
            "model": self.model.model_dump(mode="json", exclude=_NOT_IN_THE_ANSWER),
            "prompt": self.prompt.content_hash,
            "quotes": use_case.models.quotes.model_dump(mode="json", exclude=_NOT_IN_THE_ANSWER),
            "retrieval": retrieval_within_context(use_case).model_dump(mode="json"),
            "values": use_case.prompts.values_for(self.prompt),
        }
        return digest(of_chain)[:_DIGITS]

    def caller(self) -> Caller:
        """The job's user, for the ledger."""
        who = str(self.workspace.spark.sql("SELECT current_user()").collect()[0][0])
        return Caller(who, "batch", self.prompt.name, self.prompt.content_hash[:8])

    def open_chain(self) -> Chain:
        """The chain, opened where questions are searched.

        Raises:
            UserError: there is no index, or the model is not available; a model for GPUs is not looked for here.
        """
        reason = "" if self.on_gpus else why_unavailable(self.model, self.workspace)
        if reason:
            raise UserError(f"parameter llm: model {self.model.name} is not available here ({reason}); choose another")
        return open_chain(self.use_case, Locations.of(self.workspace))
