"""Improves a prompt: learn on half of the questions, compare on the other half, and register what is better."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ragops.answers.chain.chain import Chain
from ragops.answers.prompts.registry import PromptRegistry, Registered
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from ragops.quality.datasets.wordings import groups
from ragops.quality.evaluation.comparison import VariantResult, tracked, tracked_run, try_variants
from ragops.quality.evaluation.variants import Chains, Variant, everyone
from ragops.quality.optimization.proposals import Reflection, fault, system_text, with_instructions
from ragops.quality.optimization.result import Optimized
from ragops.quality.optimization.trials import Trials, judged_answer
from ragops.quality.questions import Question

if TYPE_CHECKING:
    from mlflow.genai.optimize.types import EvaluationResultRecord, PromptOptimizationResult

OPTIMIZED = "optimized"
_FEWEST = 4
"""Training questions that reach the model: with fewer there is nothing to learn from."""
_MOST_FAILURES = 0.1
OnProgress = Callable[[str, int, int], None]
"""Called with the current step, how much of it is done, and how much there is at most."""


@dataclass(frozen=True)
class Optimizer:
    """What an optimization needs.

    Attributes:
        chains: opens the chain that answers with the prompt.
        reflection: the model that proposes instructions.
        registry: where the prompt's versions are.
        budget: the largest number of answers to try during training.
        on_progress: called after each answer.
    """

    chains: Chains
    reflection: Reflection
    registry: PromptRegistry
    budget: int
    on_progress: OnProgress = lambda step, done, most: None

    def optimize(self, variant: Variant, questions: Sequence[Question], alias: str | None = None) -> Optimized:
        """Optimizes a variant's prompt in one run of the open experiment.

        Args:
            variant: prompt, model and fusion.
            questions: half of them to learn from, the other half to compare both prompts on.
            alias: moved to the new version if it is significantly better.

        Raises:
            UserError: the variant is not available here, a model does not answer, or there are too few questions.
        """
        chain = self.chains.open(variant)
        if not chain.prompt.system:
            raise UserError(f"prompt template {chain.prompt.name}: it has no system text to improve; give it one")
        self.chains.calls.take()
        training, holdout = split(questions)
        with tracked_run("optimization", questions, holdout=len(holdout)):
            trials = self._trials(chain, training)
            result, calls = self._learn(trials), self.chains.calls.take()
            (found,) = result.optimized_prompts
            template = with_instructions(trials.template, system_text(found.template))
            scores = (result.initial_eval_score or 0.0, result.final_eval_score or 0.0)
            own, better = self._compare(variant, template, holdout, is_new=scores[1] > scores[0])
        calls += own.calls + (better.calls if better else ())
        optimized = Optimized(own, better, template, scores, None, calls, tuple(self.reflection.refused))
        return replace(optimized, registered=self._register(optimized, found.version, alias))

    def _trials(self, chain: Chain, questions: Sequence[Question]) -> Trials:
        """Trials of those questions that reach the model: instructions cannot change the other answers."""
        trials = Trials(chain, questions, everyone(self.chains.use_case))
        reaching = []
        for done, question in enumerate(questions, start=1):
            if trials.answer(chain.prompt.system, question.question).model:
                reaching.append(question)
            self.on_progress("before", done, len(questions))
        if len(reaching) < _FEWEST:
            raise UserError(
                f"optimize: of {len(questions)} training questions, {len(reaching)} reach the model, and at least "
                f"{_FEWEST} must; ask more with --questions, or lower answers.min_evidence"
            )
        return trials.only(reaching)

    def _learn(self, trials: Trials) -> PromptOptimizationResult:
        from mlflow.genai import load_prompt, optimize_prompts

        from ragops.quality.optimization.gepa import SystemTextOptimizer

        version = load_prompt(self.registry.register(trials.template).uri)
        os.environ["MLFLOW_GENAI_EVAL_MAX_WORKERS"] = str(trials.concurrency)  # more would only wait in the gateway
        with warnings.catch_warnings():
            # MLflow warns about a name that it sets itself.
            warnings.filterwarnings("ignore", "The specified dataset source")
            result = optimize_prompts(
                predict_fn=trials.predictor(version),
                train_data=trials.records(),
                prompt_uris=[version.uri],
                optimizer=SystemTextOptimizer(
                    partial(self._propose, trials), self.budget, partial(self._report_learning, trials)
                ),
                scorers=[trials.scorer()],
            )
        if len(trials.failures) > _MOST_FAILURES * trials.answered:
            reason = str(next(iter(trials.failures.values())))
            raise UserError(f"optimize: {len(trials.failures)} answers failed; the first: {reason}")
        return result

    def _report_learning(self, trials: Trials, answers: int, best: float) -> None:
        trials.raise_unexpected()
        self.on_progress(f"learning, best score {best:.2f}", min(answers, self.budget), self.budget)

    def _propose(self, trials: Trials, instructions: str, records: Sequence[EvaluationResultRecord]) -> str | None:
        examples = [judged_answer(record) for record in records]
        shown = [text for one in examples for text in (one.question, one.answer)]
        check = partial(fault, trials.template, shown=shown, count_tokens=trials.count_tokens)
        return self.reflection.propose(instructions, examples, check)

    def _compare(
        self, variant: Variant, template: Template, questions: Sequence[Question], is_new: bool
    ) -> tuple[VariantResult, VariantResult | None]:
        self.chains.add(OPTIMIZED, template)
        variants = [variant, *([replace(variant, prompt=OPTIMIZED)] if is_new else [])]
        most = len(variants) * len(questions)

        def on_progress(one: Variant, done: int) -> None:
            self.on_progress("comparing", variants.index(one) * len(questions) + done, most)

        own, *others = tracked(try_variants(self.chains, variants, questions, on_progress))
        return own, others[0] if others else None

    def _register(self, found: Optimized, version: int, alias: str | None) -> Registered | None:
        """MLflow has registered the best prompt in any case; the version is removed if it is not better."""
        if found.gain is None or not found.gain.mean > 0:
            self.registry.remove(found.template.name, version)
            return None
        return self.registry.adopt(found.template, version, alias if found.is_significant else None)


def split(questions: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Training and held-out questions, both in the given order, with both kinds in each half where there are several.

    All questions about one topic or document are in one half, and so are those that ask nearly the same: two that the
    same passage answers are not independent. The same topics are always split the same way.

    Raises:
        UserError: the answerable ones are about fewer than two topics.
    """
    group = groups([(one.cluster, one.question) for one in questions])
    topics = {group[one.cluster] for one in questions if one.answerable}
    if len(topics) < 2:
        raise UserError(
            "optimize: the questions with an answer are about fewer than two topics; ask more with --questions, or add "
            "some to evaluation.questions"
        )
    others = {group[one.cluster] for one in questions} - topics
    training = _every_other(topics) | _every_other(others)
    first = [one for one in questions if group[one.cluster] in training]
    return first, [one for one in questions if group[one.cluster] not in training]


def _every_other(names: set[str]) -> set[str]:
    """Half of the names, chosen in the order of their hashes: independent of the names, and always the same."""
    return set(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[::2])
