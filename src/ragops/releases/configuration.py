"""What a logged chain knows: its card, its prompts, where its index is, all as plain data in the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ragops.llms.settings import Models, OpenVinoGguf
from ragops.prompts.template import Template
from ragops.usecase import UseCase
from ragops.workspace import Workspace

ENCODER, CONVERTED, INDEX = "encoder", "converted", "index"
"""Names of artifacts: the embedding model's files, their conversion for the CPU, and the index of a pinned chain."""


class ChainConfiguration(BaseModel):
    """Everything but files. `pinned` names the index generation that travels inside; None follows the live one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalog: str
    schema_name: str
    card: UseCase
    templates: dict[str, Template]
    pinned: str | None = None

    @property
    def workspace(self) -> Workspace:
        """The catalog and schema whose index and ledger it uses."""
        return Workspace(self.catalog, self.schema_name)

    @property
    def digest(self) -> str:
        """64 hex digits of everything that decides an answer beside the code and the index's content."""
        told = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()

    def card_with(self, artifacts: Mapping[str, Path]) -> UseCase:
        """The card with models that came as files taken from there."""
        card = self.card
        if ENCODER in artifacts:
            embedding = card.embedding.model_copy(update={"source": str(artifacts[ENCODER])})
            card = card.model_copy(update={"embedding": embedding})
        known = [
            one.model_copy(update={"source": str(artifacts[gguf_artifact(one)])})
            if isinstance(one, OpenVinoGguf) and gguf_artifact(one) in artifacts
            else one
            for one in card.models.known
        ]
        models: Models = card.models.model_copy(update={"known": tuple(known)})
        return card.model_copy(update={"models": models})


def gguf_artifact(model: OpenVinoGguf) -> str:
    """The artifact's name for a model in a GGUF file."""
    return f"gguf_{model.name}"
