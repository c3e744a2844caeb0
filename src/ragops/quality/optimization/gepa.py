"""GEPA as MLflow's prompt optimizer, with proposals that go through our own gateway to models.

MLflow's own `GepaPromptOptimizer` calls the reflection model through LiteLLM, past policy, limits and ledger, and lets
it rewrite all turns of a prompt as JSON. Here only the system text is rewritten: where passages and the question go,
and which delimiters surround them, is not up for optimization. Needs `ragops[optimize]`.

Source: GEPA, "Reflective Prompt Evolution Can Outperform Reinforcement Learning", arXiv 2507.19457.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gepa.api import optimize
from gepa.core.adapter import EvaluationBatch, GEPAAdapter
from gepa.core.result import GEPAResult
from gepa.core.state import GEPAState
from mlflow.genai.optimize.optimizers import BasePromptOptimizer
from mlflow.genai.optimize.types import EvaluationResultRecord, PromptOptimizerOutput

from ragops.quality.optimization.proposals import system_text

SYSTEM = "system"
CANDIDATES = "candidates.json"
"""The artifact with all instructions that were tried on all training questions, and their scores."""

Evaluate = Callable[[dict[str, str], list[dict[str, Any]]], list[EvaluationResultRecord]]
Propose = Callable[[str, Sequence[EvaluationResultRecord]], str | None]


class SystemTextOptimizer(BasePromptOptimizer):
    """Evolves one chat prompt's system text on the given questions, within a number of answers."""

    def __init__(self, propose: Propose, most_answers: int, on_progress: Callable[[int, float], None]) -> None:
        """Sets up a run.

        Args:
            propose: gives new instructions from the present ones and the records of their answers.
            most_answers: the budget.
            on_progress: called after each batch with the number of answers and the best score.
        """
        self._propose = propose
        self._most_answers = most_answers
        self._on_progress = on_progress

    def optimize(
        self,
        eval_fn: Evaluate,
        train_data: list[dict[str, Any]],
        target_prompts: dict[str, str],
        enable_tracking: bool = True,
    ) -> PromptOptimizerOutput:
        """Called by MLflow, with the prompt's turns as JSON.

        Raises:
            Exception: what `propose` raised, if nothing better had been found before.
        """
        ((name, prompt),) = target_prompts.items()
        adapter = _Adapter(eval_fn, name, json.loads(prompt), len(train_data), self._propose, self._on_progress)
        found: GEPAResult[Any, Any] = optimize(
            seed_candidate={SYSTEM: adapter.seed},
            trainset=train_data,
            adapter=adapter,
            custom_candidate_proposer=adapter.propose,
            max_metric_calls=self._most_answers,
            stop_callbacks=adapter.is_over,
            logger=_Silent(),
        )
        if adapter.failure and found.best_idx == 0:
            raise adapter.failure
        if enable_tracking:
            _track([one[SYSTEM] for one in found.candidates], found.val_aggregate_scores)
        scores = found.val_aggregate_scores
        best = adapter.prompt({SYSTEM: found.candidates[found.best_idx][SYSTEM]})
        return PromptOptimizerOutput(best, initial_eval_score=scores[0], final_eval_score=scores[found.best_idx])


class _Adapter(GEPAAdapter[dict[str, Any], EvaluationResultRecord, Any]):
    """How GEPA tries instructions, and what it shows of the answers."""

    propose_new_texts = None

    def __init__(
        self,
        evaluate: Evaluate,
        name: str,
        turns: list[dict[str, str]],
        questions: int,
        propose: Propose,
        on_progress: Callable[[int, float], None],
    ) -> None:
        self._evaluate = evaluate
        self._name = name
        self._turns = turns
        self._questions = questions
        self._propose = propose
        self._on_progress = on_progress
        self._answers = 0
        self._best = 0.0
        self.failure: Exception | None = None

    @property
    def seed(self) -> str:
        return system_text(self._turns)

    def prompt(self, candidate: Mapping[str, str]) -> dict[str, str]:
        turns = [turn | {"content": candidate[SYSTEM]} if turn["role"] == SYSTEM else turn for turn in self._turns]
        return {self._name: json.dumps(turns)}

    def is_over(self, gepa_state: GEPAState[Any, Any]) -> bool:
        """GEPA logs what a proposal raises and goes on, so it would call a model that does not answer without end."""
        return self.failure is not None

    def evaluate(
        self, batch: list[dict[str, Any]], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[EvaluationResultRecord, Any]:
        records = self._evaluate(self.prompt(candidate), batch)
        scores = [float(record.score or 0.0) for record in records]
        self._answers += len(records)
        if len(batch) == self._questions:
            self._best = max(self._best, sum(scores) / len(scores))
        self._on_progress(self._answers, self._best)
        return EvaluationBatch(outputs=[one.outputs for one in records], scores=scores, trajectories=records)

    def make_reflective_dataset(
        self,
        candidate: dict[str, str],
        eval_batch: EvaluationBatch[EvaluationResultRecord, Any],
        components_to_update: list[str],
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {SYSTEM: [{"record": record} for record in eval_batch.trajectories or ()]}

    def propose(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        if self.failure:  # GEPA tries again what failed
            raise self.failure
        try:
            found = self._propose(candidate[SYSTEM], [one["record"] for one in reflective_dataset[SYSTEM]])
        except Exception as error:
            self.failure = error
            raise
        return {} if found is None else {SYSTEM: found}


class _Silent:
    def log(self, message: str) -> None:
        """GEPA prints every step to standard output; the command has its own progress line."""


def _track(instructions: Sequence[str], scores: Sequence[float]) -> None:
    import mlflow

    mlflow.log_table({"instructions": list(instructions), "score": list(scores)}, CANDIDATES)
