"""Answers under any instructions, each asked for once: the optimizer comes back to the same ones again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import Question as Asked
from ragops.answers.prompts.template import Template
from ragops.errors import UserError
from ragops.quality.evaluation.answers import Outcome, checked
from ragops.quality.optimization.candidates import system_text, with_instructions
from ragops.quality.optimization.reflection import Example
from ragops.quality.optimization.score import judgement, score
from ragops.quality.questions import Question

if TYPE_CHECKING:
    from mlflow.entities.model_registry import PromptVersion
    from mlflow.genai.optimize.types import EvaluationResultRecord
    from mlflow.genai.scorers import Scorer

WHO = "optimize"
"""In the ledger, for answers and proposals of an optimization."""


class Trials:
    """One chain's answers to some questions. May be asked from several threads."""

    def __init__(self, chain: Chain, questions: Sequence[Question], groups: Sequence[str]) -> None:
        """`groups`: on whose behalf the questions are asked."""
        self._chain, self._groups = chain, tuple(groups)
        self._questions = {one.question: one for one in questions}
        self._outcomes: dict[tuple[str, str], Outcome] = {}
        self.failures: dict[tuple[str, str], UserError] = {}

    @property
    def template(self) -> Template:
        """The prompt as it is."""
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
        """As the model counts that reads the prompts."""
        return self._chain.gateway.primary.count_tokens(text)

    def only(self, questions: Sequence[Question]) -> Trials:
        """The same for some of the questions, with what is known of them."""
        fewer = Trials(self._chain, questions, self._groups)
        fewer._outcomes = dict(self._outcomes)
        return fewer

    def answer(self, instructions: str, question: str) -> Outcome:
        """The answer to one of the questions.

        Raises:
            UserError: as the chain does; it is kept in `failures`.
        """
        key = (instructions, question)
        if key not in self._outcomes:
            chain = replace(self._chain, prompt=with_instructions(self._chain.prompt, instructions))
            try:
                self._outcomes[key] = Outcome.of(chain.answer(Asked(question, groups=self._groups, who=WHO)))
            except UserError as error:
                self.failures[key] = error
                raise
        return self._outcomes[key]

    def records(self) -> list[dict[str, Any]]:
        """The questions as MLflow's training data."""
        return [{"inputs": {"question": one}, "expectations": {}} for one in self._questions]

    def predictor(self, version: PromptVersion) -> Callable[[str], dict[str, Any]]:
        """What MLflow calls for an answer; while it optimizes, `version` shows the text that it wants tried."""

        def predict(question: str) -> dict[str, Any]:
            return asdict(self.answer(system_text(version.template), question))

        return predict

    def scorer(self) -> Scorer:
        """What MLflow calls for an answer's score and what is to be said of it."""
        from mlflow.entities import Feedback
        from mlflow.genai.scorers import scorer

        @scorer(name="score")
        def rated(inputs: dict[str, Any], outputs: Mapping[str, Any] | str) -> Feedback:
            if isinstance(outputs, str):  # the reason why there is no answer
                return Feedback(value=0.0, rationale=outputs)
            question, outcome = self._questions[inputs["question"]], Outcome(**outputs)
            values = checked(question, outcome)
            return Feedback(value=score(values), rationale=judgement(question, outcome, values))

        return rated


def example(record: EvaluationResultRecord) -> Example:
    """What the model that proposes instructions is shown of an answer."""
    text = record.outputs if isinstance(record.outputs, str) else record.outputs["text"]
    return Example(record.inputs["question"], text, record.rationales["score"])
