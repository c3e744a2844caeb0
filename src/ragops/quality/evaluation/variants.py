"""Ways to answer that differ in prompt, model or fusion: which there are, and a chain for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, get_args

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.ledger import CallRow, Sink, Spool
from ragops.answers.llms.open import open_gateway
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.availability import why_unavailable
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find
from ragops.answers.retrieval.settings import Fusion, RetrievalSettings
from ragops.assembly import (
    Locations,
    delimiter_key,
    hide_texts_in_traces,
    open_searcher,
    query_encoder,
    retrieval_within_context,
)
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
        """What the use case has chosen."""
        return cls(use_case.prompts.answer, use_case.models.answer.primary, use_case.retrieval.fusion)

    @property
    def label(self) -> str:
        """All three names."""
        return f"{self.prompt}, {self.llm}, {self.fusion}"

    def applied(self, use_case: UseCase) -> UseCase:
        """The use case with this variant's choices.

        Nobody steps in for the model, and no answer comes from memory: a comparison would be of something else.
        """
        answer = use_case.models.answer.model_copy(update={"primary": self.llm, "fallback": ()})
        return use_case.model_copy(
            update={
                "models": use_case.models.model_copy(update={"answer": answer, "cache": 0}),
                "prompts": use_case.prompts.model_copy(update={"answer": self.prompt}),
                "retrieval": use_case.retrieval.model_copy(update={"fusion": self.fusion}),
            }
        )


def grid(
    own: Variant, prompts: Sequence[str] = (), llms: Sequence[str] = (), fusions: Sequence[Fusion] = ()
) -> list[Variant]:
    """The use case's `own` variant, and every combination of what is named; what is not named is the use case's."""
    named = product(llms or [own.llm], prompts or [own.prompt], fusions or [own.fusion])
    return list(dict.fromkeys([own, *(Variant(prompt, llm, fusion) for llm, prompt, fusion in named)]))


def labels(variants: Sequence[Variant]) -> list[str]:
    """What tells the variants from each other: only the names in which they differ."""
    parts = [(one.prompt, one.llm, one.fusion) for one in variants]
    differing = [place for place in range(3) if len({names[place] for names in parts}) > 1] or [0]
    return [", ".join(names[place] for place in differing) for names in parts]


def everyone(use_case: UseCase) -> tuple[str, ...]:
    """All groups that the use case's access rules name: what is compared are answers, not readers."""
    return tuple(sorted({group for rule in use_case.corpus.access for group in rule.groups}))


class Watched:
    """A sink that keeps what passes on to another: `taken` gives the rows since it was last asked."""

    def __init__(self, onward: Sink) -> None:
        self._onward = onward
        self._rows: list[CallRow] = []

    def write(self, row: CallRow) -> None:
        """Keeps a row and passes it on."""
        self._rows.append(row)
        self._onward.write(row)

    def taken(self) -> tuple[CallRow, ...]:
        """The rows since the last time."""
        rows, self._rows = tuple(self._rows), []
        return rows


class Chains:
    """Chains of several variants, which share the encoder, opened indexes and loaded models."""

    def __init__(
        self, use_case: UseCase, templates: Mapping[str, Template], place: Locations, sink: Sink | None = None
    ) -> None:
        """`calls` sees every row of the ledger on its way to the schema's volume, or to `sink`."""
        self.use_case, self.templates, self._place = use_case, templates, place
        self.calls = Watched(sink or Spool(place.workspace.volume(LEDGER)))
        self._searchers: dict[RetrievalSettings, Searcher] = {}
        self._gateways: dict[str, Gateway] = {}

    def add(self, name: str, template: Template) -> None:
        """Lets variants name a template that is in no file."""
        self.templates = {**self.templates, name: template}

    def check(self, variants: Sequence[Variant]) -> None:
        """Refuses variants that cannot be had here, before any of them is asked.

        Raises:
            UserError: names the prompt or the model, which may be one that may not see the texts.
        """
        for one in variants:
            find(self.templates, one.prompt, "answer")
        for llm in dict.fromkeys(one.llm for one in variants):
            model = self.use_case.models.named(llm)
            Policy(self.use_case.corpus.classification).check([model])
            if reason := why_unavailable(model, self._place.workspace):
                raise UserError(f"model {llm}: not available here ({reason}); `ragops models` lists those that are")

    def open(self, variant: Variant) -> Chain:
        """A variant's chain.

        Raises:
            UserError: there is no such prompt or model, or no index.
        """
        hide_texts_in_traces(self.use_case)
        template = find(self.templates, variant.prompt, "answer")
        use_case = variant.applied(self.use_case)
        return Chain(
            searcher=self._searcher(use_case),
            gateway=self._gateway(use_case),
            prompt=template,
            rewrite=find(self.templates, use_case.prompts.rewrite, "rewrite"),
            settings=use_case.answers,
            values=use_case.prompts.values_for(template),
            key=delimiter_key(self._place.workspace),
        )

    def _searcher(self, use_case: UseCase) -> Searcher:
        settings = retrieval_within_context(use_case)
        if settings not in self._searchers:
            self._searchers[settings] = open_searcher(use_case, self._place, settings, self._encoder)
        return self._searchers[settings]

    def _gateway(self, use_case: UseCase) -> Gateway:
        llm = use_case.models.answer.primary
        if llm not in self._gateways:
            self._gateways[llm] = open_gateway(
                use_case.models, use_case.corpus.classification, self._place.workspace, self.calls
            )
        return self._gateways[llm]

    @cached_property
    def _encoder(self) -> Encoder:
        return query_encoder(self.use_case, self._place.models)
