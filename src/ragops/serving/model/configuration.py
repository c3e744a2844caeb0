"""The configuration of a logged chain: its use case, prompts and index, stored as plain data in the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from ragops.answers.llms.settings import OpenAICompatible, OpenVinoGguf
from ragops.answers.prompts.template import Template
from ragops.answers.prompts.template_files import find, load_templates
from ragops.answers.retrieval.settings import RerankModel
from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.platform.workspace import Workspace
from ragops.usecase import UseCase

ENCODER, RERANKER, CONVERTED, INDEX = "encoder", "reranker", "converted", "index"
"""Names of artifacts: the files of the embedding model and the cross-encoder, their conversions for the CPU, and the
index of a pinned chain."""

_Model = TypeVar("_Model", EmbeddingModel, RerankModel, OpenVinoGguf)


class ChainConfiguration(BaseModel):
    """Everything except files.

    Attributes:
        pinned: The index generation inside the model; None if the chain follows the live one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalog: str
    schema_name: str
    # Models logged by earlier versions call it card.
    use_case: UseCase = Field(validation_alias=AliasChoices("use_case", "card"))
    templates: dict[str, Template]
    pinned: str | None = None

    @classmethod
    def of(cls, workspace: Workspace, use_case: UseCase, pinned: str | None = None) -> ChainConfiguration:
        """The configuration of the bundle's own chain, with the two prompts that its use case names.

        Raises:
            UserError: there is no such prompt.
        """
        templates, prompts = load_templates(use_case.prompts, use_case.folder), use_case.prompts
        chosen = (find(templates, prompts.answer, "answer"), find(templates, prompts.rewrite, "rewrite"))
        return cls(
            catalog=workspace.catalog,
            schema_name=workspace.schema,
            use_case=use_case,
            templates={one.name: one for one in chosen},
            pinned=pinned,
        )

    @property
    def workspace(self) -> Workspace:
        """The catalog and schema whose index and ledger the chain uses."""
        return Workspace(self.catalog, self.schema_name)

    @property
    def digest(self) -> str:
        """SHA-256, as 64 hex digits, of everything that determines an answer except code and index content."""
        # Not the server's limits, nor do versions that were registered before the section existed have it.
        # Not text.digest: tags of registered versions have this form.
        answering = self.model_dump(mode="json", exclude={"use_case": {"serving"}})
        text = json.dumps(answering, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def endpoints(self) -> list[str]:
        """The workspace's serving endpoints that it calls: the language models' and the encoder's."""
        answering = [one for one in self.use_case.models.chain() if isinstance(one, OpenAICompatible)]
        names = [one.served_name for one in answering if one.base_url is None]
        embedding = self.use_case.embedding
        if embedding.is_endpoint and not embedding.base_url:
            names.append(embedding.served_name)
        return list(dict.fromkeys(names))

    @property
    def secrets(self) -> list[str]:
        """Keys in the workspace's secret scope that the chain or one of its language models needs."""
        models = self.use_case.models
        named = [one.key for one in models.chain() if isinstance(one, OpenAICompatible) and one.key]
        return list(dict.fromkeys([*named, *([models.ledger.key] if models.ledger.payloads == "encrypted" else [])]))

    def use_case_with(self, artifacts: Mapping[str, Path]) -> UseCase:
        """The use case with its models read from those artifacts that exist."""
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
    """The artifact's name of a model in a GGUF file."""
    return f"gguf_{model.name}"


def _from(artifacts: Mapping[str, Path], name: str, model: _Model) -> _Model:
    """The model with the files of that artifact; unchanged if there is none."""
    return model.model_copy(update={"source": str(artifacts[name])}) if name in artifacts else model
