"""Writes the page of a release into the run that logged its chain, and records the figures of a promoted one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.mlflow_store import answering
from ragops.quality.criteria.rows import Metric, Origin
from ragops.quality.criteria.store import record
from ragops.quality.evaluation.evaluated import Evaluated
from ragops.quality.evaluation.figures import answer_costs, answer_metrics, judged_metrics
from ragops.quality.evaluation.reports.page import render
from ragops.quality.evaluation.reports.page_content import Changed
from ragops.quality.evaluation.retrieval import measure_names
from ragops.quality.questions import Question
from ragops.releases.changes import changes
from ragops.releases.evaluation import log_page
from ragops.releases.judging import Judging
from ragops.releases.promote import Promotion
from ragops.releases.registry import Version
from ragops.releases.release_page import PAGE, Released, release_page
from ragops.releases.stored_results import StoredResults
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.logged import read_configuration
from ragops.serving.model.registered import ChainVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class ReleaseReport:
    """Writes the page of a release.

    Attributes:
        client: of MLflow.
        questions: what was asked.
        judging: who judged, by the use case whose gate decides.
        stored: on what chain and champion were measured.
        note: receives a line that says where the page is.
    """

    client: MlflowClient
    questions: Sequence[Question]
    judging: Judging
    stored: StoredResults
    note: Callable[[str], None] = print

    @answering("CAN EDIT", "experiment of the release")
    def __call__(self, promotion: Promotion, own: Evaluated, champion: Evaluated | None) -> None:
        """Writes the page. Raises UserError if the store does not answer."""
        version, use_case = promotion.version, self.judging.use_case
        configuration = _configuration(version)
        models = configuration.use_case.models
        index = self.stored.index(version.run_id)
        found = Released(
            chain=f"version {version.number}",
            decision=promotion.decision,
            questions=self.questions,
            own=own,
            champion=champion,
            changed=self._changed(configuration, promotion),
            costs=answer_costs(own.rows, models.named(models.answer.primary)),
            trusted=self.judging.trusted(own.judgments),
            without_judges="" if own.judgments else self.judging.without or "it stopped before its first verdict",
        )
        facts = {
            "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "chain": version.name,
            "index": index.generation if index else "unknown",
            "question set": self.stored.question_set,
        }
        if promotion.before:
            facts["champion"] = f"version {promotion.before.number}"
        if promotion.decision.promotes:
            record(configuration.workspace, self._metrics(promotion, own, found.costs))
        address = log_page(self.client, version.run_id, PAGE, render(release_page(use_case, facts, found)))
        self.note(f"page: {address}")

    def _metrics(self, promotion: Promotion, own: Evaluated, costs: Sequence[float]) -> list[Metric]:
        """What serves from now on: of retrieval the means, since the run has no more than these."""
        version, index = promotion.version, self.stored.index(promotion.version.run_id)
        chain, generation = f"{version.name}/{version.number}", index.generation if index else None
        origin = Origin("release", chain, generation, self.stored.question_set)
        answerable = sum(one.answerable for one in self.questions)
        found = {name: own.figures[name] for name in (*measure_names(), "search_p95_ms") if name in own.figures}
        return [
            *(origin.metric(name, value, answerable) for name, value in found.items()),
            *answer_metrics(origin, own.rows, costs),
            *judged_metrics(origin, own.judgments),
        ]

    def _changed(self, own: ChainConfiguration, promotion: Promotion) -> tuple[Changed, ...] | None:
        before = promotion.before
        if before is None:
            return None
        try:
            champion = _configuration(before)
        except UserError as error:
            return (Changed("configuration", str(error), "logged by this version of ragops"),)
        index, champions = self.stored.index(promotion.version.run_id), self.stored.index(before.run_id)
        return changes(own, champion, index, champions)


def _configuration(version: Version) -> ChainConfiguration:
    return read_configuration(ChainVersion(version.name, version.number))
