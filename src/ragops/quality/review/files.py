"""Files of reviews on the ledger volume: a label each, which the job collect_calls moves to the table, and the queue.

The server has no tables: it reads the drawn answers from one file, which the job overwrites whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ragops.platform.collected import parsed
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.files import save_once
from ragops.quality.review.rows import Label
from ragops.usecase.evaluation import JudgeName

LABELS_FOLDER = "labels"
QUEUE_FILE = Path("review") / "queue.json"


class JudgeSaid(BaseModel):
    """A judge's verdict, which a reviewer sees after the own labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: JudgeName
    verdict: str
    good: bool
    reason: str | None


class ReviewItem(BaseModel):
    """A drawn answer.

    Attributes:
        passages: ids of the chunks that the model was given.
        numbers: the number of each of them in the answer; None in answers of old versions.
        cited: those of them that the answer cites.
        reference: the right answer, where one is known.
        dimensions: what is asked.
        judges: what judges said.
        labelled_by: the reviewers whose labels were collected.
        needed: how many reviewers label it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_id: str
    question: str
    answer: str
    passages: tuple[str, ...]
    numbers: tuple[int, ...] | None
    cited: tuple[str, ...]
    reference: str | None
    dimensions: tuple[JudgeName, ...]
    judges: tuple[JudgeSaid, ...]
    labelled_by: tuple[str, ...]
    needed: int


class ReviewQueue(BaseModel):
    """The drawn answers in the order in which they are reviewed; of each reviewer how many answers were labelled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    items: tuple[ReviewItem, ...]
    labelled: dict[str, int]


def record_label(volume: Path, label: Label, files: VolumeFiles | None = None) -> Label:
    """Saves a label durably; to repeat it changes nothing. Returns it as saved first.

    Args:
        volume: the ledger volume: `workspace.volume(LEDGER)`.
        label: the label.
        files: access to the volume, for a server, which opens it once.

    Raises:
        IdReused: another label was saved under this id; that one stays.
        VolumeError: it could not be saved; VolumeFull if there is no space.
    """
    return save_once(volume / LABELS_FOLDER, "label", label.label_id, label, Label.says_the_same, files)


def waiting_labels(volume: Path, files: VolumeFiles | None = None) -> Iterator[Label]:
    """The labels that are not collected yet. Raises VolumeError if the volume cannot be read."""
    folder = volume / LABELS_FOLDER
    files = files or volume_files(folder)
    with suppress(PathNotFound):  # nothing was saved yet
        for entry in files.list(folder):
            with suppress(PathNotFound):  # collected meanwhile
                label = None if entry.is_folder else parsed(Label, files.read(folder / entry.name))
                if label:
                    yield label


def write_queue(volume: Path, queue: ReviewQueue) -> None:
    """Replaces the queue. Raises VolumeError if the volume cannot be written."""
    path = volume / QUEUE_FILE
    volume_files(path).write(path, f"{queue.model_dump_json()}\n".encode())


def read_queue(volume: Path, files: VolumeFiles | None = None) -> ReviewQueue | None:
    """The queue; None before the first one, or if another version of ragops wrote it, until the job's next run.

    Raises:
        VolumeError: the volume cannot be read.
    """
    path = volume / QUEUE_FILE
    try:
        return parsed(ReviewQueue, (files or volume_files(path)).read(path))
    except PathNotFound:
        return None
