"""The parameters of the job explore."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, field_validator

from ragops.answers.llms.providers.token_counts import LlmCounter, llm_counter
from ragops.corpus.embeddings.interface import EncoderSource
from ragops.jobs.parameters import JobParameters

if TYPE_CHECKING:
    from ragops.corpus.chunks.splitter import ChunkSizes
    from ragops.exploration.questions.kinds import Asked


TABLE = "table:"


class ExploreParameters(JobParameters):
    """Parameters of the job explore, as resources/explore.job.yml declares them.

    `sample` is the number of documents on which chunk sizes are tried, `chunk_sizes` the largest chunks to try, in
    tokens, `questions` a JSONL file, "table:NAME" for a table's column `question`, or "" for the use case's.
    """

    job: ClassVar[str] = "explore"

    reports: str
    questions: str = ""
    sample: int = Field(default=200, ge=1, le=5_000)
    chunk_sizes: tuple[int, ...] = (64, 128, 400)

    @field_validator("reports")
    @classmethod
    def _absolute(cls, path: str) -> str:
        if not Path(path).is_absolute():
            raise ValueError("give an absolute path, such as /Volumes/... or /path/to/folder")
        return path

    @field_validator("chunk_sizes", mode="before")
    @classmethod
    def _listed(cls, given: object) -> object:
        return [part.strip() for part in given.split() if part.strip()] if isinstance(given, str) else given

    @field_validator("chunk_sizes")
    @classmethod
    def _possible(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if not all(16 <= size <= 8192 for size in sizes):
            raise ValueError("give sizes from 16 to 8192 tokens, with blanks between them, such as 64 128 400")
        return sizes

    @field_validator("questions")
    @classmethod
    def _named(cls, given: str) -> str:
        if given.startswith(TABLE) and not re.fullmatch(r"\w+(\.\w+){0,2}", given.removeprefix(TABLE)):
            raise ValueError("give table:NAME or table:CATALOG.SCHEMA.NAME, a table with a column question")
        return given

    @property
    def reports_folder(self) -> Path:
        """The folder for reports, in this place."""
        return self.workspace.path(self.reports)

    def asked(self) -> list[Asked]:
        """The questions to look at.

        Raises:
            UserError: their file or table is missing, or has no questions.
        """
        if self.questions.startswith(TABLE):
            from ragops.exploration.questions.measures import asked_in_table

            return asked_in_table(self.workspace, self.questions.removeprefix(TABLE))
        from ragops.exploration.questions.kinds import load_asked

        file = self.workspace.path(self.questions) if self.questions else None
        return load_asked(self.use_case, file)

    def sizes(self) -> list[ChunkSizes]:
        """The chunk sizes to try, the use case's own among them."""
        from ragops.exploration.chunk_sizes.sizes import sizes_to_try

        return sizes_to_try(self.use_case.chunking, self.chunk_sizes)

    def llm_counter(self) -> LlmCounter:
        """Counts tokens as the model that answers does."""
        return llm_counter(self.use_case.models, self.workspace.path)

    def encoder_source(self, threads: int = 1) -> EncoderSource:
        """The recipe for the CPU version of the embedding model, which the refresh job left here; 0 threads for all."""
        return self._encoder("openvino", threads)


def check_explore(given: Mapping[str, str]) -> None:
    """Refuses wrong parameters of the job explore before a machine is started for it.

    Raises:
        UserError: names the parameter, what is wrong with it and the fix.
    """
    parameters = ExploreParameters.read(given)
    _ = parameters.use_case
    if not parameters.questions.startswith(TABLE):  # a table waits for Spark
        parameters.asked()
