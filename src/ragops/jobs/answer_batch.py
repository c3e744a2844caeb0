"""The parameters of the job answer_batch and its tasks, and what its notebooks build from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field, field_validator

from ragops.answers.llms.open import why_unavailable
from ragops.answers.llms.settings import VllmOffline
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.jobs.parameters import EncoderParameters
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.plan import Expectation, expectation, unanswered
from ragops.serving.batch.questions import EVALUATION, read_questions
from ragops.serving.batch.tables import ANSWERS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Tables of a schema that other jobs write, and those that begin with these words.
_NAME = re.compile(r"[A-Za-z0-9_]{1,200}")
_TAKEN = re.compile(r"(documents|chunks|index_locks|llm_calls|feedback|answers|quarantine|embeddings_\w*)", re.I)


class BatchParameters(EncoderParameters):
    """Parameters of every task of the job."""

    job: ClassVar[str] = "answer_batch"

    llm: str = Field(default="", description="the language model that answers; empty: the use case's primary model")
    output: str = Field(default=ANSWERS.name, description="the table of answers, in the schema")

    @field_validator("output")
    @classmethod
    def _own_table(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("a table's name has letters, digits and underscores only")
        if _TAKEN.fullmatch(name):
            raise ValueError(f"another job writes this table; choose another name, such as {ANSWERS.name}")
        return name

    @cached_property
    def batch(self) -> Batch:
        """The chain and the tables.

        Raises:
            UserError: there is no such model or prompt, or the model may not see the documents.
        """
        try:
            return Batch.of(self.workspace, self.use_case, self.llm, self.output)
        except UserError as error:
            raise UserError(f"parameter llm: {error}") from error


class RetrieveParameters(BatchParameters):
    """Parameters of the task retrieve."""

    questions: str = Field(
        default=EVALUATION,
        description="the table with question_id, question and, if access is restricted, groups; "
        f"{EVALUATION}: the use case's questions",
    )
    limit: int = Field(default=0, ge=0, description="how many questions this run answers at most; 0: all")
    max_attempts: int = Field(default=3, ge=1, description="how often a question is tried whose answer failed")
    dry_run: bool = Field(
        default=False, description="true only tells what a run would answer, with expected tokens, cost and speed"
    )

    @field_validator("questions")
    @classmethod
    def _table(cls, name: str) -> str:
        parts = name.split(".")
        if len(parts) > 3 or not all(re.fullmatch(r"[^`\s./\\]{1,255}", part) for part in parts):
            raise ValueError("give TABLE, SCHEMA.TABLE or CATALOG.SCHEMA.TABLE")
        return name


class GenerateParameters(BatchParameters):
    """Parameters of the tasks generate, on GPUs and on CPUs."""


class FinishParameters(BatchParameters):
    """Parameters of the task finish."""


class AnswerBatchParameters(RetrieveParameters):
    """Parameters of the whole job, as in resources/answer_batch.job.yml."""

    model_config = ConfigDict(extra="forbid")


def check_answer_batch(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = AnswerBatchParameters.read(given)
    model = parameters.batch.model
    if isinstance(model, VllmOffline) and (reason := why_unavailable(model, parameters.workspace)):
        raise UserError(f"parameter llm: model {model.name} runs on GPU clusters ({reason} here); choose another")
    _ = parameters.batch.prompt


def open_tables(parameters: BatchParameters) -> Batch:
    """The batch, with its tables created.

    Raises:
        UserError: a table of the name exists and is none of answers.
    """
    batch = parameters.batch
    table = parameters.workspace.table(batch.output)
    spark = parameters.workspace.spark
    if spark.catalog.tableExists(table) and ANSWERS.key not in spark.table(table).columns:
        raise UserError(f"parameter output: table {batch.output} exists and is none of answers; choose another name")
    for one in (batch.tables.answers, batch.tables.requests, batch.tables.replies):
        one.create(parameters.workspace)
    return batch


def questions_to_answer(parameters: RetrieveParameters, batch: Batch) -> tuple[DataFrame, Expectation]:
    """The questions that this run answers, and what that will probably take.

    Raises:
        UserError: there is no table of questions, or no index.
    """
    questions = read_questions(parameters.workspace, parameters.use_case, parameters.questions)
    live = PublishedIndex(index_root(parameters.workspace)).pointer().generation
    wanted = unanswered(batch, questions, live, parameters.limit, parameters.max_attempts)
    return wanted, expectation(batch, questions, wanted)
