"""A batch in a workspace of the tests, with a scripted model and given passages."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.types import AnswerSettings
from ragops.answers.llms.errors import ServerFault
from ragops.answers.llms.gateway import Gateway
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.policy import Policy
from ragops.answers.llms.providers.scripted import ScriptedModel
from ragops.answers.llms.types import Request
from ragops.answers.retrieval.context import Context
from ragops.corpus.chunks.tokens import TokenCounter
from ragops.platform.merge import StageReport
from ragops.platform.workspace import Workspace
from ragops.serving.batch.batch import Batch
from ragops.serving.batch.chosen import working_copy
from ragops.serving.batch.finish import finish
from ragops.serving.batch.generate import generate_here
from ragops.serving.batch.plan import Expectation, expectation, unanswered
from ragops.serving.batch.questions import read_questions
from ragops.serving.batch.replies import Generated
from ragops.serving.batch.retrieve import retrieve
from ragops.usecase import UseCase, load_usecase
from tests.support.chains import FakeSearcher, chain
from tests.support.llms import ME, models, scripted

QUESTION = "When does the ferry leave the north pier?"
PASSAGE = "The ferry leaves the north pier at twenty to eight."
ANSWER = "The ferry leaves the north pier at twenty to eight [1]."


class Passages(FakeSearcher):
    """Finds one passage for every question; it does not match questions about the moon."""

    def context(
        self, question: str, count_tokens: TokenCounter, k: int | None = None, groups: Collection[str] = ()
    ) -> Context:
        self.asked.append((question, tuple(groups)))
        return FakeSearcher([PASSAGE], 0.1 if "moon" in question else 0.6).context(question, count_tokens)


class Setting:
    """One batch in a workspace, with a scripted model and given passages."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace, self.sink, self.searcher, self.down = workspace, MemorySink(), Passages([PASSAGE]), "broken"
        self.use_case: UseCase = load_usecase(Path("usecase.yml")).model_copy(
            update={
                "models": models("m", [], scripted("m", price_per_million_output=1), resilience={"attempts": 1}),
                "answers": AnswerSettings(min_evidence=0.3),
            }
        )
        corpus = self.use_case.corpus.model_copy(update={"groups": ("hr", "legal")})
        self.use_case = self.use_case.model_copy(update={"corpus": corpus})

    @property
    def batch(self) -> Batch:
        return Batch(self.workspace, working_copy(self.workspace, self.use_case), "replies_to_people")

    def ask(self, *rows: tuple[Any, ...], schema: str = "question_id STRING, question STRING") -> None:
        """Replaces the table of questions."""
        frame = self.workspace.spark.createDataFrame(list(rows), schema)
        frame.write.mode("overwrite").option("overwriteSchema", "true").saveAsTable(self.workspace.table("asked"))

    @property
    def chain(self) -> Chain:
        model = ScriptedModel(self._reply, "m")
        opened = Gateway(self.batch.use_case.models, Policy("public"), lambda settings: model, self.sink)
        return replace(chain(self.searcher, opened, settings=self.use_case.answers), prompt=self.batch.prompt)

    def _reply(self, request: Request) -> str:
        if self.down in request.question:
            raise ServerFault("Model m: it is down")
        return ANSWER

    def wanted(self, limit: int = 0, max_attempts: int = 3) -> DataFrame:
        asked = read_questions(self.workspace, self.use_case, "asked")
        return unanswered(self.batch, asked, self.searcher.generation, limit, max_attempts)

    def retrieve(self, limit: int = 0, max_attempts: int = 3) -> StageReport:
        tables = self.batch.tables
        for table in (tables.answers, tables.requests, tables.replies):
            table.create(self.workspace)
        return retrieve(self.batch, self.chain, self.wanted(limit, max_attempts))

    def generate(self) -> Generated:
        return generate_here(self.batch, ME, self.chain.gateway)

    def expectation(self) -> Expectation:
        asked = read_questions(self.workspace, self.use_case, "asked")
        return expectation(self.batch, asked, self.wanted(max_attempts=1))

    def run(self, limit: int = 0, max_attempts: int = 3) -> tuple[StageReport, Generated, StageReport]:
        return (
            self.retrieve(limit, max_attempts),
            self.generate(),
            finish(self.batch),
        )

    def answers(self) -> dict[str, dict[str, Any]]:
        rows = self.batch.tables.answers.read(self.workspace).collect()
        assert len({row["answer_id"] for row in rows}) == len(rows)
        return {str(row["question_id"]): row.asDict() for row in rows}
