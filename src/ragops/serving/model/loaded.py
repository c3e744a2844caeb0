"""A logged chain loaded again from MLflow, and queried as its clients query it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ragops.errors import UserError
from ragops.quality.evaluation.answers import Outcome, Passage
from ragops.quality.evaluation.variants import everyone
from ragops.quality.questions import Question
from ragops.serving.model.configuration import ChainConfiguration

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_SMOKE_QUESTIONS = 5
"""Questions that a smoke test tries: if retrieval finds too little for one of them, no language model is called."""


@dataclass(frozen=True, slots=True)
class SmokeResult:
    """The first question that got an answer, or the last one tried; and how many were `asked`."""

    question: str
    response: Mapping[str, Any]
    asked: int

    @property
    def abstained(self) -> bool:
        """Whether no question got an answer."""
        return self.response["custom_outputs"]["abstained"] is not None

    def __str__(self) -> str:
        """Question, answer, and how the answer was produced."""
        outputs = self.response["custom_outputs"]
        source = f"by {outputs['model'] or 'no model'} from {outputs['generation']}, evidence {outputs['evidence']:.2f}"
        if failed := outputs.get("failed"):
            source += f"; fallback for {', '.join(f'{name} ({reason})' for name, reason in failed.items())}"
        if self.abstained:
            source += f"; no answer to {self.asked} questions; evaluate_release asks all of them"
        elif self.asked > 1:
            source += f"; no answer to {self.asked - 1} earlier question{'s' * (self.asked > 2)}"
        return "\n\n".join((self.question, answer_text(self.response), source))


class LoadedChain:
    """A chain from MLflow, by any of its URIs: runs:/, models:/NAME/VERSION, models:/NAME@champion."""

    def __init__(self, uri: str) -> None:
        """Loads code, prompts and models, and opens the index.

        Raises:
            UserError: something that it needs is not available here.
        """
        import mlflow

        self.uri = uri
        self._model: PyFuncModel = mlflow.pyfunc.load_model(uri)
        self.configuration = ChainConfiguration.model_validate(self._model.model_config)

    @property
    def digest(self) -> str:
        """The digest of the logged configuration."""
        return str((self._model.metadata.metadata or {}).get("digest", ""))

    @property
    def primary(self) -> str:
        """The name of the primary language model."""
        return self.configuration.use_case.models.answer.primary

    def respond(self, question: str, groups: tuple[str, ...] = (), who: str = "release") -> dict[str, Any]:
        """The whole response to one question."""
        request = {
            "input": [{"role": "user", "content": question}],
            "custom_inputs": {"groups": list(groups)},
            "context": {"user_id": who},
        }
        return cast(dict[str, Any], self._model.predict(request))

    def ask(self, question: str) -> Outcome:
        """The answer in the form that an evaluation checks, for a reader who may see every document."""
        started = time.monotonic()
        response = self.respond(question, everyone(self.configuration.use_case))
        return outcome(response, time.monotonic() - started)

    def smoke(self, questions: Sequence[Question]) -> SmokeResult:
        """Asks a few of the questions until one is answered, answerable questions first.

        Args:
            questions: At least one.

        Raises:
            UserError: a response is empty.
        """
        for asked, one in enumerate(sorted(questions, key=lambda one: not one.answerable)[:_SMOKE_QUESTIONS], start=1):
            smoke = SmokeResult(one.question, self.respond(one.question, who="smoke test"), asked)
            if not answer_text(smoke.response).strip():
                raise UserError(f"model {self.uri}: empty answer to {one.question!r}; see its trace in MLflow")
            if not smoke.abstained:
                break
        return smoke


def outcome(response: Mapping[str, Any], seconds: float) -> Outcome:
    """A response in the form that an evaluation checks; `seconds` is the client's waiting time."""
    outputs = response["custom_outputs"]
    cited = tuple((source["path"], source["text"]) for source in outputs["sources"] if source["cited"])
    return Outcome(
        text=answer_text(response),
        cited=cited,
        abstained=outputs["abstained"] is not None,
        # Versions logged before the chain reported this: the number of citations in the answer.
        valid_citations=outputs.get("valid_citations", len(cited)),
        removed_citations=outputs["removed_citations"],
        model=outputs["model"],
        quoted=outputs["quoted"],
        seconds=seconds,
        failure=next(iter(outputs.get("failed", {}).values()), ""),
        passages=tuple(Passage(one["path"], one["text"], one["cited"], one["title"]) for one in outputs["sources"]),
        prompt_tokens=outputs.get("prompt_tokens", 0),
        completion_tokens=outputs.get("completion_tokens", 0),
        trace_id=outputs.get("trace_id"),
    )


def answer_text(response: Mapping[str, Any]) -> str:
    """The text of a response's messages; reasoning and tool calls are not part of it."""
    messages = (item for item in response["output"] if item.get("type") == "message")
    return "".join(part.get("text", "") for item in messages for part in item.get("content") or ())
