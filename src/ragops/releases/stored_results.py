"""What was measured of a chain, stored in the run that logged it: its answers, what judges said, and on which index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.platform.mlflow_store import answering
from ragops.quality.datasets.question_set import VERSION
from ragops.quality.evaluation.answers import Row, metrics
from ragops.quality.judges.rows import Judgment
from ragops.releases.changes import Index
from ragops.text import digest, json_number

if TYPE_CHECKING:
    from mlflow import MlflowClient

_EXPERIMENT = ("CAN EDIT", "experiment of the release")
_GENERATION, _PASSAGES = "ragops.generation", "ragops.passages"


@dataclass(frozen=True, slots=True)
class Results:
    """A chain's checked answers, one for each question, and the judgments of them."""

    rows: Sequence[Row]
    judgments: Sequence[Judgment] = ()

    @property
    def judges(self) -> frozenset[tuple[str, str]]:
        """The judges with their versions."""
        return frozenset((one.judge, one.judge_version) for one in self.judgments)


class StoredResults:
    """Results on one version of a question set and one index generation, in two files of a run.

    Results on another version, or of an earlier version of ragops, are not found: the chain is measured again.
    """

    def __init__(self, client: MlflowClient, question_set: str, generation: str, *, texts: bool = True) -> None:
        """`question_set` is the version of the questions asked. Without `texts`, answers and passages are left out."""
        self._client, self.question_set, self._texts = client, question_set, texts
        key = digest([question_set, generation])[:12]
        self._answers, self._judgments = f"evaluation/answers-{key}.json", f"evaluation/judgments-{key}.json"

    @answering(*_EXPERIMENT)
    def store(self, run_id: str, results: Results) -> None:
        """Stores the results and their figures in the run. Of the passages, those that answers cite."""
        judged = [json.loads(one.model_dump_json()) for one in self._shown(results.judgments)]
        self._client.log_text(run_id, _as_json([self._record(row) for row in results.rows]), self._answers)
        self._client.log_text(run_id, _as_json(judged), self._judgments)
        for name, value in metrics(results.rows).items():
            self._client.log_metric(run_id, f"answers.{name}", value)

    @answering(*_EXPERIMENT)
    def note(self, run_id: str, index: Index) -> None:
        """Notes on what the run's chain was measured for its release."""
        noted = {_GENERATION: index.generation, _PASSAGES: index.passages, VERSION: self.question_set}
        for name, value in noted.items():
            self._client.set_tag(run_id, name, value)

    @answering(*_EXPERIMENT)
    def index(self, run_id: str) -> Index | None:
        """What `note` noted; None for a run of an earlier version, or one that was deleted."""
        from mlflow.exceptions import MlflowException

        try:
            tags = self._client.get_run(run_id).data.tags
        except MlflowException:
            return None
        if _GENERATION not in tags:
            return None
        return Index(tags[_GENERATION], int(tags[_PASSAGES]) if tags.get(_PASSAGES, "").isdigit() else None)

    @answering(*_EXPERIMENT)
    def figures(self, run_id: str) -> dict[str, float]:
        """All metrics of the run by name."""
        return dict(self._client.get_run(run_id).data.metrics)

    def load(self, run_id: str) -> Results | None:
        """The results of a run; None if it has none on these questions and this index, or was deleted."""
        answers, judgments = self._text(run_id, self._answers), self._text(run_id, self._judgments)
        if answers is None or judgments is None:
            return None
        rows = [Row.from_dict(record) for record in json.loads(answers)]
        return Results(rows, [Judgment.model_validate(record) for record in json.loads(judgments)])

    def _text(self, run_id: str, file: str) -> str | None:
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            with answering(*_EXPERIMENT):
                text: str = mlflow.artifacts.load_text(f"runs:/{run_id}/{file}")
                return text
        except (MlflowException, OSError):
            return None

    def _record(self, row: Row) -> dict[str, object]:
        record: dict[str, object] = {name: json_number(value) for name, value in row.as_dict().items()}
        if not self._texts:
            return record | {"answer": "", "passages": []}
        return record | {"passages": [list(one) for one in row.passages if one.cited]}

    def _shown(self, judgments: Sequence[Judgment]) -> Sequence[Judgment]:
        """A judge's reasons quote answers and passages."""
        if self._texts:
            return judgments
        return [one.model_copy(update={"reason": None, "details": None}) for one in judgments]


def _as_json(records: Sequence[object]) -> str:
    return json.dumps(records, ensure_ascii=False, indent=0)
