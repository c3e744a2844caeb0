"""An answer as judges see it."""

from __future__ import annotations

from dataclasses import dataclass

from ragops.answers.chain.types import Answer
from ragops.quality.questions import Question
from ragops.text import one_line


@dataclass(frozen=True, slots=True)
class AnswerToJudge:
    """An answer with everything that a judge may need.

    Attributes:
        answer_id: the answer; the same one in each run, so that it is judged once.
        question_id: the evaluation question; None for an answer to a user.
        question: that stands alone.
        answer: with its citations.
        passages: what the model was given, as `shown`, in the order of their numbers.
        reference: the right answer; None if it is not known.
        cluster: what rises and falls together: the question's topic, or the question alone.
        abstained: whether the question was declined: then there is no statement to judge, only the passages.
        model: that wrote the answer, by its name in usecase.yml; "" if none did. No model judges its own answers.
        trace_id: MLflow's trace of the answer; None without one.
        cost: of answering, in the currency of the models' prices; None if it is not known.
    """

    answer_id: str
    question_id: str | None
    question: str
    answer: str
    passages: tuple[str, ...]
    reference: str | None
    cluster: str
    abstained: bool = False
    model: str = ""
    trace_id: str | None = None
    cost: float | None = None

    @classmethod
    def of(cls, answer: Answer, question: Question, answer_id: str, cost: float | None = None) -> AnswerToJudge:
        """The chain's own answer to an evaluation question."""
        return cls(
            answer_id=answer_id,
            question_id=question.question_id,
            question=answer.standalone,
            answer=answer.text,
            passages=tuple(shown(one.passage.title, one.passage.path, one.text) for one in answer.sources),
            reference=question.reference,
            cluster=question.cluster,
            abstained=answer.abstained is not None,
            model=answer.model,
            trace_id=answer.trace_id,
            cost=cost,
        )


def shown(title: str, path: str, text: str) -> str:
    """A passage with its title and path, as the model that answered has seen it: a text may rest on its title."""
    return f"Title: {one_line(title)}\nSource: {one_line(path)}\n\n{text}"
