"""What monitoring itself stands on: files of the ledger that wait to be collected, and traces of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from ragops.platform.mlflow_store import answering, store_exists, use_mlflow
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.feedback.assessments import trace_info
from ragops.quality.feedback.files import ANSWERS_FOLDER, FEEDBACK_FOLDER
from ragops.quality.judges.files import JUDGMENTS_FOLDER

TRACE_COLUMNS = ("answer_id", "asked_at", "trace_id", "found")
TRACES_LOOKED_UP = 40
"""Of each window: each takes a request."""
_CALLS = "calls"


@dataclass(frozen=True)
class Waiting:
    """Files of the ledger's volume that the job collect_calls has not collected; `oldest`: when it was written."""

    files: int = 0
    oldest: datetime | None = None
    by_folder: Mapping[str, int] = field(default_factory=dict)


def read_waiting(workspace: Workspace) -> Waiting:
    """The files that wait. Raises UserError if the volume cannot be read."""
    volume = workspace.volume(LEDGER)
    files, found, times = volume_files(volume), dict[str, int](), list[datetime]()
    for name, folder, suffix in (
        (_CALLS, volume, ".jsonl"),
        *((one, volume / one, ".json") for one in (ANSWERS_FOLDER, FEEDBACK_FOLDER, JUDGMENTS_FOLDER)),
    ):
        with suppress(PathNotFound):  # nothing was saved yet
            mine = [one for one in files.list(folder) if not one.is_folder and one.name.endswith(suffix)]
            times += [one.modified for one in mine]
            found |= {name: len(mine)} if mine else {}
    return Waiting(len(times), min(times, default=None), found)


def read_traces(answers: pd.DataFrame, recent_since: datetime, target: str) -> pd.DataFrame:
    """Whether MLflow's store has the traces of some answers of both windows, the newest ones of each.

    Args:
        answers: rows of both windows.
        recent_since: where the recent window begins.
        target: whose store it is on a laptop.

    Returns:
        Rows with `TRACE_COLUMNS`; none if there is no store.

    Raises:
        UserError: the store does not answer.
    """
    if not store_exists(target) or not answers["trace_id"].notna().any():
        return no_traces()
    use_mlflow(target)
    with answering("CAN READ", "the traces of answers"):
        return looked_up(answers, recent_since, lambda trace_id: trace_info(trace_id) is not None)


def looked_up(answers: pd.DataFrame, recent_since: datetime, exists: Callable[[str], bool]) -> pd.DataFrame:
    """The same, with a function that says whether a trace exists."""
    traced = answers[answers["trace_id"].notna()].sort_values("asked_at", ascending=False)
    is_recent = traced["asked_at"] > recent_since
    chosen = pd.concat([traced[is_recent][:TRACES_LOOKED_UP], traced[~is_recent][:TRACES_LOOKED_UP]])
    found = chosen[["answer_id", "asked_at", "trace_id"]]
    return found.assign(found=[exists(one) for one in chosen["trace_id"]]).reset_index(drop=True)


def no_traces() -> pd.DataFrame:
    """No rows, with all columns."""
    return pd.DataFrame({name: pd.Series(dtype=object) for name in TRACE_COLUMNS})
