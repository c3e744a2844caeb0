"""Ways to answer that differ in prompt, model or fusion: which there are, and a chain for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, get_args

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.gateway import Door
from ragops.answers.llms.ledger.ledger import CallRow, Sink, Spool
from ragops.answers.llms.open import open_door
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.availability import why_unavailable
from ragops.answers.prompts.catalogue import find
from ragops.answers.prompts.template import Template
from ragops.answers.retrieval.settings import Fusion, RetrievalSettings
from ragops.assembly import Place, fitting, guard_traces, marks_key, open_searcher
from ragops.encoding import query_encoder
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from ragops.answers.retrieval.search import Searcher
    from ragops.corpus.embeddings.interface import Encoder

FUSIONS: tuple[Fusion, ...] = get_args(Fusion)


@dataclass(frozen=True, slots=True)
class Variant:
    """A prompt template, a model of the card and a fusion, by their names."""

    prompt: str
    llm: str
    fusion: Fusion

    @classmethod
    def of_card(cls, card: UseCase) -> Variant:
        """What the card has chosen."""
        return cls(card.prompts.answer, card.models.answer.primary, card.retrieval.fusion)

    @property
    def label(self) -> str:
        """All three names."""
        return f"{self.prompt}, {self.llm}, {self.fusion}"

    def applied(self, card: UseCase) -> UseCase:
        """The card with this variant's choices.

        Nobody steps in for the model, and no answer comes from memory: a comparison would be of something else.
        """
        answer = card.models.answer.model_copy(update={"primary": self.llm, "fallback": ()})
        return card.model_copy(
            update={
                "models": card.models.model_copy(update={"answer": answer, "cache": 0}),
                "prompts": card.prompts.model_copy(update={"answer": self.prompt}),
                "retrieval": card.retrieval.model_copy(update={"fusion": self.fusion}),
            }
        )


def grid(
    own: Variant, prompts: Sequence[str] = (), llms: Sequence[str] = (), fusions: Sequence[Fusion] = ()
) -> list[Variant]:
    """The card's `own` variant, and every combination of what is named; of what is not named it is the card's."""
    named = product(llms or [own.llm], prompts or [own.prompt], fusions or [own.fusion])
    return list(dict.fromkeys([own, *(Variant(prompt, llm, fusion) for llm, prompt, fusion in named)]))


def labels(variants: Sequence[Variant]) -> list[str]:
    """What tells the variants from each other: only the names in which they differ."""
    parts = [(one.prompt, one.llm, one.fusion) for one in variants]
    differing = [place for place in range(3) if len({names[place] for names in parts}) > 1] or [0]
    return [", ".join(names[place] for place in differing) for names in parts]


def everyone(card: UseCase) -> tuple[str, ...]:
    """All groups that the card's access rules name: what is compared are answers, not readers."""
    return tuple(sorted({group for rule in card.corpus.access for group in rule.groups}))


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
        self, card: UseCase, templates: Mapping[str, Template], place: Place, sink: Sink | None = None
    ) -> None:
        """`calls` sees every row of the ledger on its way to the schema's volume, or to `sink`."""
        self.card, self.templates, self._place = card, templates, place
        self.calls = Watched(sink or Spool(place.workspace.volume(LEDGER)))
        self._searchers: dict[RetrievalSettings, Searcher] = {}
        self._doors: dict[str, Door] = {}

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
            model = self.card.models.named(llm)
            Policy(self.card.corpus.classification).check([model])
            if reason := why_unavailable(model, self._place.workspace):
                raise UserError(f"model {llm}: not available here ({reason}); `ragops models` lists those that are")

    def open(self, variant: Variant) -> Chain:
        """A variant's chain.

        Raises:
            UserError: there is no such prompt or model, or no index.
        """
        guard_traces(self.card)
        template = find(self.templates, variant.prompt, "answer")
        card = variant.applied(self.card)
        return Chain(
            searcher=self._searcher(card),
            door=self._door(card),
            prompt=template,
            rewrite=find(self.templates, card.prompts.rewrite, "rewrite"),
            settings=card.answers,
            values=card.prompts.values_for(template),
            key=marks_key(self._place.workspace),
        )

    def _searcher(self, card: UseCase) -> Searcher:
        settings = fitting(card)
        if settings not in self._searchers:
            self._searchers[settings] = open_searcher(card, self._place, settings, self._encoder)
        return self._searchers[settings]

    def _door(self, card: UseCase) -> Door:
        llm = card.models.answer.primary
        if llm not in self._doors:
            self._doors[llm] = open_door(card.models, card.corpus.classification, self._place.workspace, self.calls)
        return self._doors[llm]

    @cached_property
    def _encoder(self) -> Encoder:
        return query_encoder(self.card, self._place.models)
