"""What a logged chain knows: its use case, its prompts, where its index is, all as plain data in the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from ragops.answers.llms.settings import OpenAICompatible, OpenVinoGguf
from ragops.answers.prompts.template import Template
from ragops.answers.retrieval.settings import RerankModel
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.platform.workspace import Workspace
from ragops.usecase import UseCase

ENCODER, RERANKER, CONVERTED, INDEX = "encoder", "reranker", "converted", "index"
"""Names of artifacts: the files of embedding model and cross-encoder, what these were converted to for the CPU, and the
index of a pinned chain."""

_Model = TypeVar("_Model", EmbeddingModel, RerankModel, OpenVinoGguf)


class ChainConfiguration(BaseModel):
    """Everything but files. `pinned` names the index generation that travels inside; None follows the live one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalog: str
    schema_name: str
    # Models logged by earlier versions call it card.
    use_case: UseCase = Field(validation_alias=AliasChoices("use_case", "card"))
    templates: dict[str, Template]
    pinned: str | None = None

    @property
    def workspace(self) -> Workspace:
        """The catalog and schema whose index and ledger it uses."""
        return Workspace(self.catalog, self.schema_name)

    @property
    def digest(self) -> str:
        """64 hex digits of everything that decides an answer beside the code and the index's content."""
        result = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(result.encode()).hexdigest()

    @property
    def endpoints(self) -> list[str]:
        """The workspace's serving endpoints that it calls: of those who answer, and of what encodes questions."""
        answering = [one for one in self.use_case.models.chain() if isinstance(one, OpenAICompatible)]
        names = [one.served_name for one in answering if one.base_url is None]
        embedding = self.use_case.embedding
        if embedding.is_endpoint and not embedding.base_url:
            names.append(embedding.served_name)
        return list(dict.fromkeys(names))

    @property
    def secrets(self) -> list[str]:
        """Keys of the workspace's scope without which it cannot be opened, or some of those who answer cannot."""
        models = self.use_case.models
        named = [one.key for one in models.chain() if isinstance(one, OpenAICompatible) and one.key]
        return list(dict.fromkeys([*named, *([models.ledger.key] if models.ledger.payloads == "encrypted" else [])]))

    def use_case_with(self, artifacts: Mapping[str, Path]) -> UseCase:
        """The use case with models that came as files taken from there."""
        use_case = self.use_case
        known = [
            _from(artifacts, gguf_artifact(one), one) if isinstance(one, OpenVinoGguf) else one
            for one in use_case.models.known
        ]
        retrieval = use_case.retrieval
        if rerank := retrieval.rerank:
            rerank = rerank.model_copy(update={"model": _from(artifacts, RERANKER, rerank.model)})
        return use_case.model_copy(
            update={
                "embedding": _from(artifacts, ENCODER, use_case.embedding),
                "retrieval": retrieval.model_copy(update={"rerank": rerank}),
                "models": use_case.models.model_copy(update={"known": tuple(known)}),
            }
        )


def gguf_artifact(model: OpenVinoGguf) -> str:
    """The artifact's name for a model in a GGUF file."""
    return f"gguf_{model.name}"


def _from(artifacts: Mapping[str, Path], name: str, model: _Model) -> _Model:
    """The model with the files of that artifact; as it is where none came."""
    return model.model_copy(update={"source": str(artifacts[name])}) if name in artifacts else model
