"""The table `judgments`: files of judgments are collected into it, and earlier judgments are found in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ragops.platform.collected import add, collected
from ragops.platform.merge import StageReport
from ragops.platform.tables import objects, quoted
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.judges.files import JUDGMENTS_FOLDER, JudgmentFiles
from ragops.quality.judges.judge import Judge
from ragops.quality.judges.rows import JUDGMENTS, Judgment

# Judgments that a forecast learns from: more change the figures by less than a hundredth.
_MOST_LEARNED = 500


def merge_judgments(workspace: Workspace) -> StageReport:
    """Merges the files of judgments into the table and removes them.

    A judgment that was made again after an error replaces the error.

    Raises:
        UserError: the volume cannot be read or written, or another run changed the table at the same time.
    """
    report = StageReport("judgments")
    with report.timed():
        JUDGMENTS.create(workspace)
        for rows in collected(workspace, JUDGMENTS_FOLDER, Judgment, "judgment_id", report):
            add(workspace, JUDGMENTS, list(rows.values()), report)
    return report


def known_judgments(workspace: Workspace, judges: Sequence[Judge]) -> dict[str, Judgment]:
    """Earlier judgments of these judges in their present versions, as `judge_all` takes them.

    Those of equal inputs are found by these, and rows that exist by their ids.

    Raises:
        NotPermitted: the current user may not read the table.
    """
    versions = {judge.version for judge in judges}
    among = ", ".join(quoted(version) for version in sorted(versions))
    rows = [*_rows(workspace, f"judge_version IN ({among})"), *_saved(workspace, versions)]
    by_id = {one.judgment_id: one for one in rows}
    return by_id | {one.inputs: one for one in rows if not one.cached}


def past_judgments(workspace: Workspace, model: str) -> list[Judgment]:
    """The latest judgments of a model, for a forecast. Raises as `known_judgments`."""
    return _rows(workspace, f"model = {quoted(model)} AND NOT cached AND output_tokens > 0", _MOST_LEARNED)


def _rows(workspace: Workspace, condition: str, most: int | None = None) -> list[Judgment]:
    if not workspace.spark.catalog.tableExists(workspace.table(JUDGMENTS.name)):
        return []
    found = JUDGMENTS.read(workspace).where(condition)
    if most is not None:
        found = found.orderBy("judged_at", ascending=False).limit(most)
    return objects(Judgment, found.select(*JUDGMENTS.names))


def _saved(workspace: Workspace, versions: Iterable[str]) -> list[Judgment]:
    wanted = set(versions)
    return [one for one in JudgmentFiles(workspace.volume(LEDGER)).saved() if one.judge_version in wanted]
