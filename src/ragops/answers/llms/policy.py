"""Which model may see which text, by the documents' classification and by who operates the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ragops.answers.llms.errors import PolicyError
from ragops.answers.llms.settings import ModelSettings, OpenAICompatible
from ragops.answers.llms.types import Request
from ragops.corpus.documents.personal import Redactor
from ragops.platform.model_servers import Serving, is_this_machine

Classification = Literal["public", "internal", "confidential"]
Handling = Literal["as it is", "without personal data", "not at all"]


@dataclass(frozen=True)
class Policy:
    """The rules for documents of one classification."""

    classification: Classification

    def handling(self, model: ModelSettings) -> Handling:
        """How texts may be sent to a model."""
        if self.classification == "public" or not why_not_private(model):
            return "as it is"
        return "without personal data" if self.classification == "internal" else "not at all"

    def check(self, models: Iterable[ModelSettings]) -> None:
        """Rejects models that may not see the texts.

        Raises:
            PolicyError: names the first of them.
        """
        for model in models:
            if self.handling(model) == "not at all":
                raise PolicyError(
                    f"Model {model.name}: {self.classification} documents may go to private models only, and "
                    f"{why_not_private(model)}; nothing was sent. Choose another with --model or in usecase.yml"
                )

    def check_embedding(self, name: str, address: str, own: bool) -> None:
        """Rejects an embedding server that may not see the texts as they are: redacted ones would get other vectors.

        Args:
            name: the embedding model's.
            address: the server's base URL.
            own: whether it is this workspace's.

        Raises:
            PolicyError: the documents are not public, and the server is neither the workspace's nor on this machine.
        """
        if self.classification != "public" and not own and not is_this_machine(address):
            raise PolicyError(
                f"Embedding model {name}: {self.classification} documents may go to this workspace's own endpoints or "
                f"this machine only, and '{address}' is neither; nothing was sent. Correct embedding.source"
            )

    def prepared(self, request: Request, model: ModelSettings) -> Request:
        """Returns the request as the model may see it, if necessary with placeholders for personal data.

        Raises:
            PolicyError: the model may not see the texts at all.
        """
        self.check([model])
        return request if self.handling(model) == "as it is" else redacted(request)


def why_not_private(model: ModelSettings) -> str:
    """Why texts sent to a model may leave the organization; "" for a private model.

    `private: true` in usecase.yml applies to a `base_url` given there, and to this workspace's own endpoints. Without
    both, OPENAI_BASE_URL decides where the model is, and only this machine is known to be the organization's.
    """
    if not model.private:
        return "usecase.yml does not declare it private"
    if not isinstance(model, OpenAICompatible) or model.base_url:
        return ""
    server = Serving()
    if server.ours or is_this_machine(server.address):
        return ""
    return (
        "OPENAI_BASE_URL, which is not on this machine, decides where it is (to vouch for an address, give the model a "
        "base_url together with private: true)"
    )


def redacted(request: Request) -> Request:
    """The request with placeholders for personal data; equal values get equal placeholders in all its texts."""
    redact = Redactor().redact
    return replace(
        request,
        messages=tuple(replace(message, content=redact(message.content)) for message in request.messages),
        question=redact(request.question),
        evidence=tuple(redact(text) for text in request.evidence),
    )
