"""What is to be answered: the questions minus what is answered, and what that will probably cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.assembly import PROMPT_TOKENS, retrieval_within_context
from ragops.platform.console import notebook
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.questions import distinct_questions

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def unanswered(batch: Batch, questions: DataFrame, generation: str, limit: int, max_attempts: int) -> DataFrame:
    """The questions to answer in this run, each with the id of its request.

    Rows (request_id, answer_id, question_id, question, groups, problem, input, attempt). A question is answered again
    if its text, its groups or what is wrong with its row changed, or if it failed fewer than `max_attempts` times.

    Args:
        batch: whose table of answers exists.
        questions: as `read_questions` returns them.
        generation: the index generation that will be searched.
        limit: the most questions; 0 for all. Which ones does not change between runs.
        max_attempts: how often an answer is tried.
    """
    from pyspark.sql import functions as F

    asked = distinct_questions(questions, batch.use_case.corpus.groups).select(
        "*",
        _hash("question_id", F.lit(batch.fingerprint)).alias("answer_id"),
        _hash("question", "groups", "problem").alias("input"),
    )
    known = batch.tables.answers.read(batch.workspace).select(
        "answer_id", F.col("input").alias("known_input"), "outcome", "attempts"
    )
    same = F.col("input").eqNullSafe(F.col("known_input"))
    may_retry = (F.col("outcome") == "failed") & (F.col("attempts") < max_attempts)
    wanted = (
        asked.join(known, "answer_id", "left")
        .where(~same | may_retry)
        .withColumn("attempt", F.when(same, F.col("attempts") + 1).otherwise(1).cast("int"))
        .withColumn("request_id", _hash("answer_id", "input", F.lit(generation), "attempt"))
    )
    columns = ("request_id", "answer_id", "question_id", "question", "groups", "problem", "input", "attempt")
    chosen = wanted.select(*columns)
    return chosen.orderBy("answer_id").limit(limit) if limit else chosen


def _hash(*parts: str | Column) -> Column:
    from pyspark.sql import functions as F

    return F.sha2(F.to_json(F.struct(*parts), {"ignoreNullFields": "false"}), 256)


@dataclass(frozen=True)
class Expectation:
    """What a run will probably take.

    Attributes:
        rows: of the table of questions.
        to_answer: those that this run answers.
        refused: those of them whose row is at fault.
        measured: answers of this model so far, which the figures are averages of; 0: they are upper limits.
        tokens_read: for one answer.
        tokens_written: for one answer.
        seconds: of the model, for one answer; its share where it answers many at once. None if nothing is measured.
        cost: of one answer; None if it depends on the unknown seconds.
        at_once: how many answers are generated at the same time; 1 for each GPU.
        unit: what generates them: "GPU" or "request".
    """

    rows: int
    to_answer: int
    refused: int
    measured: int
    tokens_read: float
    tokens_written: float
    seconds: float | None
    cost: float | None
    at_once: int
    unit: str

    def lines(self) -> list[str]:
        """For people: what is to be done, tokens, cost and speed."""
        asked = self.to_answer - self.refused
        basis = f"from {self.measured:,} answers of this model" if self.measured else "at most, by the limits"
        read, written = asked * self.tokens_read, asked * self.tokens_written
        found = [
            f"{self.rows:,} rows: {self.to_answer:,} questions to answer, {self.refused:,} of them refused",
            f"tokens: {read:,.0f} read, {written:,.0f} written ({basis})",
        ]
        if self.cost is None:
            found.append("cost: unknown, since the price is for a second, and no answer of this model is measured yet")
        else:
            found.append(f"cost: {self.cost * asked:,.4f}; for 1,000 answers {self.cost * 1000:,.4f}")
        if not self.seconds:
            return [*found, "speed: unknown, no answer of this model is measured yet"]
        each = "for each GPU" if self.unit == "GPU" else f"with {self.at_once} requests at once"
        rows, tokens = self.at_once / self.seconds, self.at_once * self.tokens_written / self.seconds
        return [*found, f"speed: {rows:,.2f} rows/s, {tokens:,.1f} tokens/s {each}"]

    def show(self) -> None:
        """Prints the lines."""
        for line in self.lines():
            notebook().print(line, soft_wrap=True, highlight=False)


def expectation(batch: Batch, questions: DataFrame, wanted: DataFrame) -> Expectation:
    """What answering `wanted` will probably take, by the batch's earlier answers of this model, else by its limits."""
    from pyspark.sql import functions as F

    model, answers = batch.model, batch.tables.answers.read(batch.workspace)
    (past,) = (
        answers.where((F.col("model") == model.name) & (F.col("completion_tokens") > 0))
        .agg(F.count(F.lit(1)), F.avg("prompt_tokens"), F.avg("completion_tokens"), F.avg("seconds"))
        .collect()
    )
    (counts,) = wanted.agg(F.count(F.lit(1)), F.count("problem")).collect()
    measured, seconds = int(past[0]), past[3]
    if measured:
        read, written = float(past[1]), float(past[2])
    else:
        read = retrieval_within_context(batch.use_case).context_tokens + PROMPT_TOKENS
        written = min(model.max_tokens, batch.use_case.answers.max_tokens)
    by_token = (read * model.price_per_million_input + written * model.price_per_million_output) / 1e6
    is_known = seconds is not None or not model.price_per_second
    return Expectation(
        rows=questions.count(),
        to_answer=int(counts[0]),
        refused=int(counts[1]),
        measured=measured,
        tokens_read=read,
        tokens_written=written,
        seconds=seconds,
        cost=by_token + (seconds or 0.0) * model.price_per_second if is_known else None,
        at_once=1 if batch.on_gpus else model.concurrency,
        unit="GPU" if batch.on_gpus else "request",
    )
