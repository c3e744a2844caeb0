"""Collects labels into their table, draws answers for review, and writes the queue that the server reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from ragops.platform.collected import add, add_new, collected
from ragops.platform.merge import StageReport
from ragops.platform.tables import objects
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.review.draw import draw, position, reviewers_needed
from ragops.quality.review.files import LABELS_FOLDER, ReviewQueue, write_queue
from ragops.quality.review.items import answers_labelled, candidates, counted, review_items
from ragops.quality.review.rows import LABELS, REVIEW_QUEUE, Drawn, Label, LabelRow
from ragops.usecase import UseCase


def merge_labels(workspace: Workspace) -> StageReport:
    """Merges the files of labels into the table and removes them, each exactly once, as verdicts are.

    Labels by people who are no reviewers are kept, too: whether they count is decided when they are read.

    Raises:
        UserError: the volume cannot be read or written, or another run changed the table at the same time.
    """
    report = StageReport("labels")
    with report.timed():
        LABELS.create(workspace)
        for labels in collected(workspace, LABELS_FOLDER, Label, "label_id", report):
            add_new(workspace, LABELS, LABELS_FOLDER, labels, Label.says_the_same, _row, report)
    return report


def _row(label: Label) -> LabelRow:
    return LabelRow(**label.model_dump(), traced_at=None)


def draw_answers(workspace: Workspace, use_case: UseCase) -> StageReport:
    """Draws answers for review and writes the queue; nothing is drawn while the use case names no reviewers.

    Raises:
        UserError: a table or the volume cannot be read or written.
    """
    report = StageReport("review")
    reviewers = use_case.evaluation.reviewers
    if not reviewers:
        report.note = "nobody may label answers; name users in usecase.yml, evaluation.reviewers"
        return report
    with report.timed():
        REVIEW_QUEUE.create(workspace)
        labels = counted(read_labels(workspace), reviewers)
        labelled_by = _reviewers_of(labels)
        waiting = _drawn(workspace, labelled_by, len(reviewers), report)
        items = review_items(workspace, use_case, sorted(waiting, key=position), labelled_by)
        queue = ReviewQueue(
            made_at=datetime.now(UTC),
            items=tuple(one for one in items if one.dimensions),
            labelled=dict(answers_labelled(labels)),
        )
        write_queue(workspace.volume(LEDGER), queue)
        report.note = f"{len(queue.items)} answers wait for labels, on the page /review of ragops serve"
    return report


def _reviewers_of(labels: Iterable[LabelRow]) -> dict[str, set[str]]:
    """The reviewers of each answer."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in labels:
        found[one.answer_id].add(one.reviewer)
    return found


def _drawn(
    workspace: Workspace, labelled_by: Mapping[str, Collection[str]], reviewers: int, report: StageReport
) -> set[str]:
    """Draws answers into the table; returns all drawn ones that lack labels."""
    drawn = {row["answer_id"]: row["stratum"] for row in REVIEW_QUEUE.read(workspace).collect()}
    finished = {key for key in drawn if len(labelled_by.get(key, ())) >= reviewers_needed(key, reviewers)}
    found = candidates(workspace)
    new, now = draw(found, drawn, finished), datetime.now(UTC)
    report.read = len(found)
    rows = [Drawn(answer_id=key, stratum=stratum, drawn_at=now) for key, stratum in new.items()]
    add(workspace, REVIEW_QUEUE, rows, report)
    return ({one.answer_id for one in found} & drawn.keys()) - finished | new.keys()


def read_labels(workspace: Workspace) -> list[LabelRow]:
    """All labels of the table; none before the first run of the job."""
    if not workspace.spark.catalog.tableExists(workspace.table(LABELS.name)):
        return []
    return objects(LabelRow, LABELS.read(workspace))
