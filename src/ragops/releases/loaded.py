"""A logged chain loaded again, and asked as whoever serves it would ask."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ragops.errors import UserError
from ragops.evaluation.answers import Outcome

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel


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

    def smoke(self, question: str) -> dict[str, Any]:
        """Asks one question. Raises UserError when what comes back is no answer."""
        response = self.respond(question, who="smoke test")
        if not text_of(response).strip():
            raise UserError(f"model {self.uri}: it answered {question!r} with nothing; see its trace in MLflow")
        return response


def outcome(response: Mapping[str, Any], seconds: float) -> Outcome:
    """A response as an evaluation judges it; `seconds` as whoever asked waited."""
    told = response["custom_outputs"]
    cited = tuple((source["path"], source["text"]) for source in told["sources"] if source["cited"])
    return Outcome(
        text=text_of(response),
        cited=cited,
        abstained=told["abstained"] is not None,
        removed_citations=told["removed_citations"],
        asked=bool(told["model"]),
        quoted=told["quoted"],
        seconds=seconds,
    )


def text_of(response: Mapping[str, Any]) -> str:
    """The text of a response's messages."""
    parts = [part for item in response["output"] for part in item.get("content") or ()]
    return "".join(part.get("text", "") for part in parts)
