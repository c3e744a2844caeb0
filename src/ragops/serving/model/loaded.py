"""A logged chain loaded again, and asked as whoever serves it would ask."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ragops.errors import UserError
from ragops.quality.evaluation.answers import Outcome
from ragops.quality.questions import Question
from ragops.serving.model.configuration import ChainConfiguration

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_SMOKED = 5
"""Questions that a smoke test tries: where too little is found for one of them, no model is asked."""


@dataclass(frozen=True, slots=True)
class Smoke:
    """The first question that got an answer, or the last one tried; and how many were `asked`."""

    question: str
    response: Mapping[str, Any]
    asked: int

    @property
    def abstained(self) -> bool:
        """Whether none of them got an answer."""
        return self.response["custom_outputs"]["abstained"] is not None

    def __str__(self) -> str:
        """Question, answer, and how it came about."""
        result = self.response["custom_outputs"]
        came = f"by {result['model'] or 'nobody'} from {result['generation']}, evidence {result['evidence']:.2f}"
        if failed := result.get("failed"):
            came += f"; {result['model']} stood in for {', '.join(f'{name} ({why})' for name, why in failed.items())}"
        if self.abstained:
            came += f"; {self.asked} asked, none answered: evaluate_release asks them all"
        elif self.asked > 1:
            came += f"; {self.asked - 1} asked before got no answer"
        return "\n\n".join((self.question, text_of(self.response), came))


class LoadedChain:
    """A chain from MLflow, by any of its URIs: runs:/, models:/NAME/VERSION, models:/NAME@champion."""

    def __init__(self, uri: str) -> None:
        """Loads it: its code, its prompts, its models; and opens its index.

        Raises:
            UserError: what it needs is not to be had here.
        """
        import mlflow

        self.uri = uri
        self._model: PyFuncModel = mlflow.pyfunc.load_model(uri)

    @property
    def digest(self) -> str:
        """Of the configuration that was logged."""
        return str((self._model.metadata.metadata or {}).get("digest", ""))

    @property
    def primary(self) -> str:
        """The model that should answer."""
        return ChainConfiguration.model_validate(self._model.model_config).use_case.models.answer.primary

    def respond(self, question: str, groups: tuple[str, ...] = (), who: str = "release") -> dict[str, Any]:
        """The whole response to one question."""
        request = {
            "input": [{"role": "user", "content": question}],
            "custom_inputs": {"groups": list(groups)},
            "context": {"user_id": who},
        }
        return cast(dict[str, Any], self._model.predict(request))

    def ask(self, question: str) -> Outcome:
        """The answer as an evaluation judges it."""
        started = time.monotonic()
        return outcome(self.respond(question), time.monotonic() - started)

    def smoke(self, questions: Sequence[Question]) -> Smoke:
        """Asks a few of the questions, one at least, until one is answered; those that have an answer come first.

        Raises:
            UserError: a response is empty.
        """
        for asked, one in enumerate(sorted(questions, key=lambda one: not one.answerable)[:_SMOKED], start=1):
            smoke = Smoke(one.question, self.respond(one.question, who="smoke test"), asked)
            if not text_of(smoke.response).strip():
                raise UserError(f"model {self.uri}: it answered {one.question!r} with nothing; see its trace in MLflow")
            if not smoke.abstained:
                break
        return smoke


def outcome(response: Mapping[str, Any], seconds: float) -> Outcome:
    """A response as an evaluation judges it; `seconds` as whoever asked waited."""
    result = response["custom_outputs"]
    cited = tuple((source["path"], source["text"]) for source in result["sources"] if source["cited"])
    return Outcome(
        text=text_of(response),
        cited=cited,
        abstained=result["abstained"] is not None,
        # Versions that were logged before these were told: what stands in their answers.
        valid_citations=result.get("valid_citations", len(cited)),
        removed_citations=result["removed_citations"],
        model=result["model"],
        quoted=result["quoted"],
        seconds=seconds,
        failure=next(iter(result.get("failed", {}).values()), ""),
    )


def text_of(response: Mapping[str, Any]) -> str:
    """The text of a response's messages."""
    parts = [part for item in response["output"] for part in item.get("content") or ()]
    return "".join(part.get("text", "") for part in parts)
