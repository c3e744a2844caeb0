"""From a prompt to a better one: learn on half of the questions, compare on the other, and register what was better."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ragops.answers.chain.chain import Chain
from ragops.answers.llms.ledger.ledger import CallRow
from ragops.answers.prompts.registry import PromptRegistry, Registered
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from ragops.quality.evaluation.bootstrap import Interval, interval
from ragops.quality.evaluation.comparison import Tried, try_variants
from ragops.quality.evaluation.tracking import tracked, tracked_run
from ragops.quality.evaluation.variants import Chains, Variant, everyone
from ragops.quality.optimization.candidates import fault, system_text, with_instructions
from ragops.quality.optimization.reflection import Reflection
from ragops.quality.optimization.score import score
from ragops.quality.optimization.split import halves
from ragops.quality.optimization.trials import Trials, example
from ragops.quality.questions import Question

if TYPE_CHECKING:
    from mlflow.genai.optimize.types import EvaluationResultRecord, PromptOptimizationResult

OPTIMIZED = "optimized"
_FEWEST = 4
"""Questions that reach a model: with fewer there is nothing to learn from."""
_MOST_FAILURES = 0.1
Told = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is, and how much there is at most."""


@dataclass(frozen=True)
class Optimized:
    """What came of it.

    Attributes:
        own: the prompt as it was, on the questions held back.
        better: the best one found, on the same; None where none was better on the questions to learn from.
        template: the best one found.
        learnt: the score of both on the questions to learn from.
        registered: the best one's version; None where it is no better on the questions held back.
        calls: the calls of models, all of them.
        refused: what was wrong with proposals that could not be tried.
    """

    own: Tried
    better: Tried | None
    template: Template = field(repr=False)
    learnt: tuple[float, float]
    registered: Registered | None
    calls: tuple[CallRow, ...] = field(repr=False)
    refused: tuple[str, ...] = ()

    @property
    def gain(self) -> Interval | None:
        """By how much the best one's score is above, question by question, on those held back."""
        return _gain(self.better, self.own) if self.better else None

    @property
    def is_sure(self) -> bool:
        """Whether chance does not explain the gain; with few topics nobody can tell."""
        return self.gain is not None and self.gain.sign > 0


@dataclass(frozen=True)
class Optimizer:
    """What an optimization takes.

    Attributes:
        chains: the use case's, one of which answers with the prompt as it is.
        reflection: the model that proposes instructions.
        registry: where versions of the prompt are.
        budget: how many answers may be tried while learning, at most.
        told: hears how far it has got.
    """

    chains: Chains
    reflection: Reflection
    registry: PromptRegistry
    budget: int
    reported: Told = lambda what, done, most: None

    def optimize(self, variant: Variant, questions: Sequence[Question], alias: str | None = None) -> Optimized:
        """Optimizes a variant's prompt; `alias` points to the new version if chance does not explain that it is better.

        All of it is one run of the experiment that is open.

        Raises:
            UserError: the variant cannot be had here, a model does not answer, or there are too few questions.
        """
        chain = self.chains.open(variant)
        if not chain.prompt.system:
            raise UserError(f"prompt template {chain.prompt.name}: it has no system text to improve; give it one")
        self.chains.calls.taken()
        learnt, held_back = halves(questions)
        with tracked_run("optimization", questions=len(questions), held_back=len(held_back)):
            trials = self._trials(chain, learnt)
            result, calls = self._learn(trials), self.chains.calls.taken()
            (found,) = result.optimized_prompts
            template = with_instructions(trials.template, system_text(found.template))
            scores = (result.initial_eval_score or 0.0, result.final_eval_score or 0.0)
            own, better = self._compared(variant, template, held_back, is_new=scores[1] > scores[0])
        calls += own.calls + (better.calls if better else ())
        optimized = Optimized(own, better, template, scores, None, calls, tuple(self.reflection.refused))
        return replace(optimized, registered=self._registered(optimized, found.version, alias))

    def _trials(self, chain: Chain, questions: Sequence[Question]) -> Trials:
        """Those questions that reach a model: of the others, no instructions change anything."""
        trials = Trials(chain, questions, everyone(self.chains.use_case))
        reaching = []
        for done, question in enumerate(questions, start=1):
            if trials.answer(chain.prompt.system, question.question).model:
                reaching.append(question)
            self.reported("as it is", done, len(questions))
        if len(reaching) < _FEWEST:
            raise UserError(
                f"optimize: of {len(questions)} questions to learn from, {len(reaching)} reach the model, and at least "
                f"{_FEWEST} must; ask more with --questions, or lower answers.min_evidence"
            )
        return trials.only(reaching)

    def _learn(self, trials: Trials) -> PromptOptimizationResult:
        from mlflow.genai import load_prompt, optimize_prompts

        from ragops.quality.optimization.gepa import SystemTextOptimizer

        version = load_prompt(self.registry.register(trials.template).uri)
        os.environ["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = str(trials.concurrency)  # more would only wait at the gateway
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The specified dataset source")  # MLflow doubts the name that it gives
            result = optimize_prompts(
                predict_fn=trials.predictor(version),
                train_data=trials.records(),
                prompt_uris=[version.uri],
                optimizer=SystemTextOptimizer(partial(self._proposed, trials), self.budget, self._learning),
                scorers=[trials.scorer()],
            )
        if len(trials.failures) > _MOST_FAILURES * trials.answered:
            reason = str(next(iter(trials.failures.values())))
            raise UserError(f"optimize: {len(trials.failures)} answers failed, the first thus: {reason}")
        return result

    def _learning(self, answers: int, best: float) -> None:
        self.reported(f"learning, best score {best:.2f}", min(answers, self.budget), self.budget)

    def _proposed(self, trials: Trials, instructions: str, records: Sequence[EvaluationResultRecord]) -> str | None:
        examples = [example(record) for record in records]
        shown = [text for one in examples for text in (one.question, one.answer)]
        wrong = partial(fault, trials.template, shown=shown, count_tokens=trials.count_tokens)
        return self.reflection.propose(instructions, examples, wrong)

    def _compared(
        self, variant: Variant, template: Template, questions: Sequence[Question], is_new: bool
    ) -> tuple[Tried, Tried | None]:
        self.chains.add(OPTIMIZED, template)
        variants = [variant, *([replace(variant, prompt=OPTIMIZED)] if is_new else [])]
        most = len(variants) * len(questions)

        def reported(one: Variant, done: int) -> None:
            self.reported("comparing", variants.index(one) * len(questions) + done, most)

        own, *others = tracked(try_variants(self.chains, variants, questions, reported))
        return own, others[0] if others else None

    def _registered(self, found: Optimized, version: int, alias: str | None) -> Registered | None:
        """MLflow has registered the best prompt, be it better or not: it stays if it is."""
        if found.gain is None or not found.gain.mean > 0:
            self.registry.remove(found.template.name, version)
            return None
        return self.registry.adopt(found.template, version, alias if found.is_sure else None)


def _gain(better: Tried, own: Tried) -> Interval:
    """Where the better one failed it is worth nothing: instructions must not win by what they make impossible."""
    before = {row.question_id: score(row.values) for row in own.rows if row.error is None}
    both = [row for row in better.rows if row.question_id in before]
    after = [score(row.values) if row.error is None else 0.0 for row in both]
    values = np.array(after, np.float64) - [before[row.question_id] for row in both]
    return interval(values, [row.cluster for row in both])
