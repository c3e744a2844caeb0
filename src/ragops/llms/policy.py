"""Which model may see which text: the documents' classification and who runs the model decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from ragops.documents.personal import Redactor
from ragops.llms.failures import PolicyError
from ragops.llms.model import Request
from ragops.llms.settings import ModelSettings

Classification = Literal["public", "internal", "confidential"]
Handling = Literal["as it is", "without personal data", "not at all"]


@dataclass(frozen=True)
class Policy:
    """The rules for documents of one classification."""

    classification: Classification

    def handling(self, model: ModelSettings) -> Handling:
        """How texts may be sent to a model."""
        if model.private or self.classification == "public":
            return "as it is"
        return "without personal data" if self.classification == "internal" else "not at all"

    def check(self, models: Iterable[ModelSettings]) -> None:
        """Refuses models that may not see the texts.

        Raises:
            PolicyError: names the first of them.
        """
        for model in models:
            if self.handling(model) == "not at all":
                raise PolicyError(
                    f"Model {model.name}: {self.classification} documents may go to private models only, and the card "
                    "does not call it private; nothing was sent. Choose another with --model or in usecase.yml"
                )

    def prepared(self, request: Request, model: ModelSettings) -> Request:
        """The request as the model may see it: personal data gives way to placeholders where it must.

        Raises:
            PolicyError: the model may not see the texts at all.
        """
        self.check([model])
        return request if self.handling(model) == "as it is" else redacted(request)


def redacted(request: Request) -> Request:
    """The request with placeholders for personal data, the same value with the same one in all its texts."""
    redact = Redactor().redact
    return replace(
        request,
        messages=tuple(replace(message, content=redact(message.content)) for message in request.messages),
        question=redact(request.question),
        evidence=tuple(redact(text) for text in request.evidence),
    )
