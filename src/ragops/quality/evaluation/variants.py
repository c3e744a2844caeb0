"""Variants of the chain, which differ in prompt, model or fusion: lists them, and opens a chain for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, get_args

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.llms.ledger.sinks import Sink, Spool
from ragops.answers.llms.open import open_gateway, why_unavailable
from ragops.answers.llms.policy import Policy
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find
from ragops.answers.retrieval.settings import Fusion, RetrievalSettings
from ragops.assembly import Locations, open_chain, open_searcher, query_encoder, retrieval_within_context
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.retrieval.search import Searcher
    from ragops.corpus.embeddings.interface import Encoder

FUSIONS: tuple[Fusion, ...] = get_args(Fusion)


@dataclass(frozen=True, slots=True)
class Variant:
    """A prompt template, a model of the use case and a fusion, by their names."""

    prompt: str
    llm: str
    fusion: Fusion

    @classmethod
    def of_use_case(cls, use_case: UseCase) -> Variant:
        """The choice in usecase.yml."""
        return cls(use_case.prompts.answer, use_case.models.answer.primary, use_case.retrieval.fusion)

    @property
    def label(self) -> str:
        """All three names."""
        return f"{self.prompt}, {self.llm}, {self.fusion}"

    def applied(self, use_case: UseCase) -> UseCase:
        """The use case with this variant's choices, without fallback models and cached answers.

        Either of them would make a comparison measure something else than the variant.
        """
        answer = use_case.models.answer.model_copy(update={"primary": self.llm, "fallback": ()})
        return use_case.model_copy(
            update={
                "models": use_case.models.model_copy(update={"answer": answer, "cache": 0}),
                "prompts": use_case.prompts.model_copy(update={"answer": self.prompt}),
                "retrieval": use_case.retrieval.model_copy(update={"fusion": self.fusion}),
            }
        )


def variant_grid(
    own: Variant, prompts: Sequence[str] = (), llms: Sequence[str] = (), fusions: Sequence[Fusion] = ()
) -> list[Variant]:
    """The `own` variant first, then every combination of the names given; what is not given is `own`'s."""
    named = product(llms or [own.llm], prompts or [own.prompt], fusions or [own.fusion])
    return list(dict.fromkeys([own, *(Variant(prompt, llm, fusion) for llm, prompt, fusion in named)]))


def labels(variants: Sequence[Variant]) -> list[str]:
    """A short label for each variant: only the names in which they differ."""
    parts = [(one.prompt, one.llm, one.fusion) for one in variants]
    differing = [part for part in range(3) if len({names[part] for names in parts}) > 1] or [0]
    return [", ".join(names[part] for part in differing) for names in parts]


def everyone(use_case: UseCase) -> tuple[str, ...]:
    """All groups that the use case's access rules name: a comparison measures answers, not what readers may see."""
    return tuple(sorted({group for rule in use_case.corpus.access for group in rule.groups}))


class RecordingSink:
    """A ledger sink that passes rows on to another one and keeps them until they are taken."""

    def __init__(self, onward: Sink) -> None:
        self._onward = onward
        self._rows: list[CallRow] = []

    def write(self, row: CallRow) -> None:
        """Keeps a row and passes it on."""
        self._rows.append(row)
        self._onward.write(row)

    def take(self) -> tuple[CallRow, ...]:
        """The rows since the last time."""
        rows, self._rows = tuple(self._rows), []
        return rows


class Chains:
    """Opens chains of several variants, which share the encoder, opened indexes and loaded models."""

    def __init__(
        self, use_case: UseCase, templates: Mapping[str, Template], locations: Locations, sink: Sink | None = None
    ) -> None:
        """`calls` records every row of the ledger on its way to the schema's volume, or to `sink`."""
        self.use_case = use_case
        self.templates = templates
        self._locations = locations
        self.calls = RecordingSink(sink or Spool(locations.workspace.volume(LEDGER)))
        self._searchers: dict[RetrievalSettings, Searcher] = {}
        self._gateways: dict[str, Gateway] = {}

    def add(self, name: str, template: Template) -> None:
        """Makes a template that is not in a file available to variants."""
        self.templates = {**self.templates, name: template}

    def check(self, variants: Sequence[Variant]) -> None:
        """Refuses variants that are not available here, before any question is asked.

        Raises:
            UserError: there is no such prompt, or the model is unknown, not available or may not see the documents.
        """
        for one in variants:
            find(self.templates, one.prompt, "answer")
        for llm in dict.fromkeys(one.llm for one in variants):
            model = self.use_case.models.named(llm)
            Policy(self.use_case.corpus.classification).check([model])
            if reason := why_unavailable(model, self._locations.workspace):
                raise UserError(f"model {llm}: not available here ({reason}); `ragops models` lists those that are")

    def open(self, variant: Variant) -> Chain:
        """A variant's chain.

        Raises:
            UserError: there is no such prompt or model, or no index.
        """
        find(self.templates, variant.prompt, "answer")  # before an index is opened and a model is loaded
        use_case = variant.applied(self.use_case)
        return open_chain(
            use_case,
            self._locations,
            self.templates,
            searcher=self._searcher(use_case),
            gateway=self._gateway(use_case),
        )

    def _searcher(self, use_case: UseCase) -> Searcher:
        settings = retrieval_within_context(use_case)
        if settings not in self._searchers:
            self._searchers[settings] = open_searcher(use_case, self._locations, settings, self._encoder)
        return self._searchers[settings]

    def _gateway(self, use_case: UseCase) -> Gateway:
        llm = use_case.models.answer.primary
        if llm not in self._gateways:
            self._gateways[llm] = open_gateway(
                use_case.models, use_case.corpus.classification, self._locations.workspace, self.calls
            )
        return self._gateways[llm]

    @cached_property
    def _encoder(self) -> Encoder:
        return query_encoder(self.use_case, self._locations.models)
