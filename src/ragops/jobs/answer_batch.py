"""The parameters of the job answer_batch and its tasks, and what its notebooks build from them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field, field_validator

from ragops.answers.llms.open import why_unavailable
from ragops.answers.llms.settings import VllmOffline
from ragops.errors import UserError
from ragops.jobs.parameters import EncoderParameters, StartedParameters
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.chosen import ChosenChain, registered_chain, working_copy
from ragops.serving.batch.plan import Expectation, expectation, unanswered
from ragops.serving.batch.questions import EVALUATION, read_questions
from ragops.serving.batch.tables import ANSWERS
from ragops.serving.model.registered import CHAMPION, WORKING_COPY

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Tables of a schema that other jobs write, and those that begin with these words.
_NAME = re.compile(r"[A-Za-z0-9_]{1,200}")
_TAKEN = re.compile(
    r"(documents|chunks|index_locks|llm_calls|feedback|answers|metrics|judgments|labels|review_queue|quarantine|"
    r"embeddings_\w*)",
    re.I,
)


class BatchParameters(EncoderParameters):
    """Parameters of every task of the job."""

    job: ClassVar[str] = "answer_batch"

    chain: str = Field(
        default=CHAMPION,
        description=f'the chain that answers: "{CHAMPION}", the registered one, or the bundle\'s files while there is '
        f'none; "{WORKING_COPY}", those files; or the number of a registered version',
    )
    llm: str = Field(default="", description="the language model that answers instead of the chain's own, by its name")
    working_copy_llm: str = Field(
        default="", description="the own model of the bundle's files; empty: the use case's primary model"
    )
    output: str = Field(default=ANSWERS.name, description="the table of answers, in the schema")

    @field_validator("chain")
    @classmethod
    def _known_kind(cls, name: str) -> str:
        name = name.strip() or CHAMPION
        if name not in (CHAMPION, WORKING_COPY) and not re.fullmatch(r"[1-9][0-9]{0,8}", name):
            raise ValueError(f'give "{CHAMPION}", "{WORKING_COPY}", or the number of a registered version')
        return name

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
        """The chain that is chosen now, and the tables.

        Raises:
            UserError: as `choose`.
        """
        return Batch(self.workspace, self.choose(), self.output)

    def choose(self) -> ChosenChain:
        """The chain that the parameters name.

        Raises:
            UserError: there is no such version, model or prompt, the model may not see the documents, or the registry
                does not answer.
        """
        if self.chain != WORKING_COPY:
            with _of_parameter("llm"):
                model = self.use_case.models.named(self.llm) if self.llm else None
            with _of_parameter("chain"):
                found = registered_chain(self.workspace, self.chain, model)
            if found:
                return found
        with _of_parameter("llm"):
            return working_copy(self.workspace, self.use_case, self.llm or self.working_copy_llm)


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


class LaterParameters(BatchParameters):
    """For tasks after retrieve, which answer with the chain that it chose."""

    chosen: str = Field(
        default="", description="the file with the chain that the task retrieve chose; empty: chosen again"
    )

    @field_validator("chosen")
    @classmethod
    def _file(cls, name: str) -> str:
        if name and not re.fullmatch(r"[0-9a-f]{1,64}\.json", name):
            raise ValueError("give the value chain of the task retrieve, or nothing")
        return name

    def choose(self) -> ChosenChain:
        """The chain that the first task chose. Raises UserError if it cannot be read."""
        return ChosenChain.load(self.workspace, self.chosen) if self.chosen else super().choose()


class GenerateParameters(LaterParameters):
    """Parameters of the tasks generate, on GPUs and on CPUs."""


class FinishParameters(LaterParameters, StartedParameters):
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


@contextmanager
def _of_parameter(name: str) -> Iterator[None]:
    """An error of a parameter's value names the parameter."""
    try:
        yield
    except UserError as error:
        text = str(error).removeprefix(f"{name}: ")
        raise UserError(f"parameter {name}: {text}") from error


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
    wanted = unanswered(batch, questions, batch.generation, parameters.limit, parameters.max_attempts)
    return wanted, expectation(batch, questions, wanted)
