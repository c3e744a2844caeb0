"""A scheduled evaluation: what was measured of one chain, saved as rows, as a run in MLflow and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ragops.answers.chain.types import Answer
from ragops.platform.mlflow_store import answering
from ragops.platform.workspace import Workspace
from ragops.quality.criteria.rows import Metric, Origin
from ragops.quality.criteria.store import record
from ragops.quality.datasets.question_set import version_of
from ragops.quality.evaluation.answers import Row, error_share
from ragops.quality.evaluation.figures import answer_costs, answer_metrics, judged_metrics, retrieval_metrics
from ragops.quality.evaluation.reports.evaluation_page import Findings, evaluation_page, measured_criteria
from ragops.quality.evaluation.reports.page import render
from ragops.quality.evaluation.reports.page_content import Page
from ragops.quality.evaluation.reports.pages import Trust, failures
from ragops.quality.evaluation.retrieval import SettingsResult
from ragops.quality.judges.bill import Bill
from ragops.quality.questions import Question
from ragops.quality.review.evaluated import record_evaluated
from ragops.releases.measured_chain import MeasuredChain
from ragops.serving.model.registered import WORKING_COPY
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = "evaluation.html"


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured of a chain.

    Attributes:
        chain: what was measured.
        use_case: the criteria, and what it requires of judges.
        questions: what was asked.
        retrieval: what the index finds.
        rows: the answers.
        bill: the judgments on them, and their cost.
        live: the same of a sample of the answers to people.
        trusted: what people's labels say of judges, by name.
        without_judges: why no judge ran; "" if one did.
        measured_at: when.
    """

    chain: MeasuredChain
    use_case: UseCase
    questions: Sequence[Question]
    retrieval: SettingsResult
    rows: Sequence[Row]
    bill: Bill = Bill((), {})
    live: Bill = Bill((), {})
    trusted: Mapping[str, Trust] = field(default_factory=dict)
    without_judges: str = ""
    measured_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def costs(self) -> list[float]:
        """What each answer cost, by the prices of its chain's use case."""
        models = self.chain.use_case.models
        return answer_costs(self.rows, models.named(models.answer.primary))

    @property
    def chain_name(self) -> tuple[str, str]:
        """Name and version of the chain, as rows have them."""
        return self.chain.version.name, self.chain.version.version

    def judged_answers(self) -> Iterator[tuple[str, str, Answer]]:
        """Id, question and answer of what was judged, so that reviewers can label it."""
        judged = {one.answer_id for one in self.bill.judgments}
        for row in self.rows:
            if row.answer_id in judged:
                yield row.answer_id, row.question, self.chain.answered[row.question]

    @cached_property
    def metrics(self) -> list[Metric]:
        """Everything measured, as rows of the table `metrics`."""
        version = self.chain.version
        origin = Origin(
            "evaluate",
            WORKING_COPY if version.version == WORKING_COPY else f"{version.name}/{version.version}",
            self.chain.index.generation,
            version_of(self.questions),
            self.measured_at,
        )
        return [
            *retrieval_metrics(origin, self.retrieval),
            *answer_metrics(origin, self.rows, self.costs),
            *judged_metrics(origin, self.bill.judgments),
            *judged_metrics(Origin("evaluate", measured_at=self.measured_at), self.live.judgments, live=True),
        ]

    @cached_property
    def page(self) -> Page:
        """What the page and the pictures show."""
        found = Findings(
            self.questions,
            self.rows,
            self.costs,
            self.metrics,
            self.bill,
            self.live,
            self.trusted,
            self.without_judges,
        )
        version = self.chain.version.version
        label = version if version == WORKING_COPY else f"version {version}"
        return evaluation_page(self.use_case, label, self._facts(), found)

    def __str__(self) -> str:
        """One line."""
        open_ones = sum(one.state != "pass" for one in measured_criteria(self.use_case, self.metrics))
        asked = f"{self.chain.version}: {len(self.rows)} questions, errors {error_share(self.rows):.0%}"
        criteria = f"{open_ones} criteria not met or not measured" if open_ones else "all criteria met"
        if self.without_judges:
            return f"{asked}; {criteria}; judges not run: {self.without_judges}"
        return f"{asked}; {criteria}; judgments: {failures(self.bill.judgments)}"

    def _facts(self) -> dict[str, str]:
        index = self.chain.index
        workspace = self.chain.locations.workspace
        return {
            "measured": f"{self.measured_at:%Y-%m-%d %H:%M} UTC",
            "schema": f"{workspace.catalog}.{workspace.schema}",
            "index": index.generation,
            "question set": version_of(self.questions),
        }


@answering("CAN EDIT", "experiment of the evaluation")
def save(evaluation: Evaluation, workspace: Workspace, client: MlflowClient, run_id: str) -> str:
    """Records figures and judged answers for their tables, and puts figures and page into a run.

    Returns:
        Where the page is.

    Raises:
        UserError: the ledger volume cannot be written, or the tracking store does not answer.
    """
    record(workspace, evaluation.metrics)
    if evaluation.bill.judgments:
        record_evaluated(workspace, evaluation.judged_answers(), evaluation.chain_name)
    for one in evaluation.metrics:
        client.log_metric(run_id, one.name, one.value)
    return log_page(client, run_id, PAGE, render(evaluation.page))


def log_page(client: MlflowClient, run_id: str, name: str, html: str) -> str:
    """Stores a page in a run; returns its address, on a laptop its path."""
    client.log_text(run_id, html, name)
    address = f"{client.get_run(run_id).info.artifact_uri}/{name}"
    return address.removeprefix("file://")
