"""The parameters of the job explore, and what its notebook builds from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import ConfigDict, Field, field_validator

from ragops.jobs.parameters import EncoderParameters, absolute

if TYPE_CHECKING:
    from ragops.corpus.chunks.splitter import ChunkSizes
    from ragops.exploration.questions.kinds import ExploredQuestion

TABLE = "table:"


class ExploreParameters(EncoderParameters):
    """Parameters of the job explore, as in resources/explore.job.yml."""

    job: ClassVar[str] = "explore"

    model_config = ConfigDict(extra="forbid")

    reports: str = Field(description="the folder for the report")
    questions: str = Field(
        default="",
        description='a JSONL file with {"question": "..."} a line, or table:NAME for its column question; '
        "empty: what people asked a server (table answers), or without any the use case's evaluation questions",
    )
    sample: int = Field(
        default=200, ge=1, le=5_000, description="the number of documents on which chunk sizes are tried"
    )
    chunk_sizes: tuple[int, ...] = Field(
        default=(64, 128, 400),
        description="the largest chunks to try in addition to the use case's, in tokens, separated by spaces",
    )

    @field_validator("reports")
    @classmethod
    def _absolute_reports(cls, path: str) -> str:
        return absolute(path)

    @field_validator("chunk_sizes", mode="before")
    @classmethod
    def _split(cls, given: object) -> object:
        return given.split() if isinstance(given, str) else given

    @field_validator("chunk_sizes")
    @classmethod
    def _possible(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if not all(16 <= size <= 8192 for size in sizes):
            raise ValueError("give sizes from 16 to 8192 tokens, separated by spaces, such as 64 128 400")
        return sizes

    @field_validator("questions")
    @classmethod
    def _table_name(cls, given: str) -> str:
        if given.startswith(TABLE) and not re.fullmatch(r"\w+(\.\w+){0,2}", given.removeprefix(TABLE)):
            raise ValueError("give table:NAME or table:CATALOG.SCHEMA.NAME, a table with a column question")
        return given

    @property
    def reports_folder(self) -> Path:
        """The folder for reports on this machine."""
        return self.workspace.path(self.reports)


def questions_to_explore(parameters: ExploreParameters) -> list[ExploredQuestion]:
    """The questions of the parameter, or else those that people asked, or else the evaluation questions.

    Raises:
        UserError: their file or table does not exist or has no questions.
    """
    from ragops.exploration.questions.measures import asked_questions, questions_in_table

    if parameters.questions.startswith(TABLE):
        return questions_in_table(parameters.workspace, parameters.questions.removeprefix(TABLE))
    if not parameters.questions and (asked := asked_questions(parameters.workspace)):
        return asked
    return _questions_of_files(parameters)


def questions_to_find(parameters: ExploreParameters, asked: list[ExploredQuestion]) -> list[ExploredQuestion]:
    """Those by which chunk sizes are compared: what answers them is known; of people's own questions it is not.

    Raises:
        UserError: the file of the evaluation questions is missing or wrong.
    """
    return asked if any(one.anchor for one in asked) or parameters.questions else _questions_of_files(parameters)


def _questions_of_files(parameters: ExploreParameters) -> list[ExploredQuestion]:
    """The questions of the parameter's file, or else the evaluation questions."""
    from ragops.exploration.questions.kinds import load_explored

    file = parameters.workspace.path(parameters.questions) if parameters.questions else None
    return load_explored(parameters.use_case, file)


def chunk_sizes_to_try(parameters: ExploreParameters) -> list[ChunkSizes]:
    """The chunk sizes to try, including the use case's."""
    from ragops.exploration.chunk_sizes.measures import sizes_to_try

    return sizes_to_try(parameters.use_case.chunking, parameters.chunk_sizes)


def check_explore(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job explore before compute is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = ExploreParameters.read(given)
    _ = parameters.use_case
    if not parameters.questions.startswith(TABLE):  # a table needs Spark
        _questions_of_files(parameters)
