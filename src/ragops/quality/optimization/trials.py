"""Answers under any instructions, their scores, and what the optimizer learns from them.

Each answer is requested once: the optimizer comes back to the same instructions again and again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import Query
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from ragops.quality.evaluation.answers import DECISIVE, Outcome, check_answer
from ragops.quality.optimization.proposals import JudgedAnswer, system_text, with_instructions
from ragops.quality.questions import Question

if TYPE_CHECKING:
    from mlflow.entities.model_registry import PromptVersion
    from mlflow.genai.optimize.types import EvaluationResultRecord
    from mlflow.genai.scorers import Scorer

WHO = "optimize"
"""The caller's name in the ledger, for answers and proposals of an optimization."""

_RIGHTLY_DECLINED = "Right: it says that the passages do not answer this."
_WRONGLY_ANSWERED = "Wrong: the passages do not answer this, and it should have said so and nothing else."
_WRONGLY_DECLINED = "Wrong: it says that there is no answer, though the documents contain one."
_SUPPORTED = "Right: it cites a passage that contains the answer."
_UNSUPPORTED = "Wrong: none of the passages that it cites contains the answer."
_QUOTED = "It cited nothing, so sentences quoted from the passages had to replace it."


class Trials:
    """One chain's answers to some questions. Safe to use from several threads."""

    def __init__(self, chain: Chain, questions: Sequence[Question], groups: Sequence[str]) -> None:
        """`groups`: the groups of the user who asks."""
        self._chain = chain
        self._groups = tuple(groups)
        self._questions = {one.question: one for one in questions}
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self.failures: dict[tuple[str, str], Exception] = {}

    @property
    def template(self) -> Template:
        """The prompt before optimization."""
        return self._chain.prompt

    @property
    def concurrency(self) -> int:
        """How many answers the model gives at a time."""
        return self._chain.gateway.concurrency

    @property
    def answered(self) -> int:
        """How many answers there are."""
        return len(self._outcomes)

    def count_tokens(self, text: str) -> int:
        """Counts as the model that reads the prompts."""
        return self._chain.gateway.primary.count_tokens(text)

    def only(self, questions: Sequence[Question]) -> Trials:
        """The same for some of the questions, with the answers known so far."""
        fewer = Trials(self._chain, questions, self._groups)
        fewer._outcomes = dict(self._outcomes)
        return fewer

    def answer(self, instructions: str, question: str) -> Outcome:
        """The answer to one of the questions.

        Raises:
            Exception: as the chain does; it is kept in `failures`.
        """
        key = (instructions, question)
        if key not in self._outcomes:
            chain = replace(self._chain, prompt=with_instructions(self._chain.prompt, instructions))
            try:
                self._outcomes[key] = Outcome.of(chain.answer(Query(question, groups=self._groups, who=WHO)))
            except Exception as error:
                self.failures[key] = error
                raise
        return self._outcomes[key]

    def raise_unexpected(self) -> None:
        """Raises the first failure that is not a UserError: MLflow would count it as an answer with a score of 0."""
        for error in list(self.failures.values()):
            if not isinstance(error, UserError):
                raise error

    def records(self) -> list[dict[str, Any]]:
        """The questions as MLflow's training data."""
        return [{"inputs": {"question": one}, "expectations": {}} for one in self._questions]

    def predictor(self, version: PromptVersion) -> Callable[[str], dict[str, Any]]:
        """The function that MLflow calls for an answer; while it optimizes, `version` has the text to try."""

        def predict(question: str) -> dict[str, Any]:
            return asdict(self.answer(system_text(version.template), question))

        return predict

    def scorer(self) -> Scorer:
        """The scorer that MLflow calls for an answer's score and its judgement."""
        from mlflow.entities import Feedback
        from mlflow.genai.scorers import scorer

        @scorer(name="score")
        def rated(inputs: dict[str, Any], outputs: Mapping[str, Any] | str) -> Feedback:
            if isinstance(outputs, str):  # the error, if there is no answer
                return Feedback(value=0.0, rationale=outputs)
            question, outcome = self._questions[inputs["question"]], Outcome(**outputs)
            values = check_answer(question, outcome)
            return Feedback(value=score(values), rationale=judgement(question, outcome, values))

        return rated


def judged_answer(record: EvaluationResultRecord) -> JudgedAnswer:
    """The part of an answer that is shown to the model that proposes instructions."""
    text = record.outputs if isinstance(record.outputs, str) else record.outputs["text"]
    return JudgedAnswer(record.inputs["question"], text, record.rationales["score"])


def score(values: Mapping[str, float]) -> float:
    """From 0 to 1: the mean of those decisive checks that apply to the question; NaN where none does."""
    known = [values[name] for name in DECISIVE if not math.isnan(values.get(name, math.nan))]
    return sum(known) / len(known) if known else math.nan


def judgement(question: Question, outcome: Outcome, values: Mapping[str, float]) -> str:
    """What was right and what was wrong, in words that contain nothing from the documents."""
    return " ".join([*_judge_answer(question, outcome, values), *_judge_citations(outcome)])


def _judge_answer(question: Question, outcome: Outcome, values: Mapping[str, float]) -> Iterator[str]:
    if not question.answerable:
        yield _RIGHTLY_DECLINED if outcome.abstained else _WRONGLY_ANSWERED
    elif outcome.abstained:
        yield _WRONGLY_DECLINED
    else:
        yield _SUPPORTED if values["supported"] else _UNSUPPORTED


def _judge_citations(outcome: Outcome) -> Iterator[str]:
    if outcome.removed_citations:
        yield f"It cites {outcome.removed_citations} passages that it was not given."
    if outcome.quoted:
        yield _QUOTED
