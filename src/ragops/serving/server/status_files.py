"""The status page on the index's volume: the job monitor writes it, the server only reads it.

The server has no Spark and no rights on tables, so it gets the finished page. The summary beside it is written last: it
says how old the page is, and until when it counts.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, ValidationError

from ragops.errors import UserError
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files

FOLDER, PAGE, SUMMARY = "status", "status.html", "status.json"
AGE_MARK = "<!-- age -->"
"""Where the page says how old it is: the server puts it there, as only it knows when the page is read."""

State = Literal["good", "bad", "open"]
"""All criteria hold; something is broken; something should be looked at, or is not known."""


class Status(BaseModel):
    """The summary of a run of the job monitor.

    Attributes:
        state: the verdict.
        verdict: in two or three words.
        sentence: why.
        measured_at: when the run looked.
        stale_after: from when on the page is too old: a further run should have replaced it.
        high: open findings of high severity.
        low: the other open findings.
        gpu_hours: of the task embed in the recent window; None if it is not known.
    """

    model_config = ConfigDict(frozen=True)  # fields of later versions are ignored

    state: State
    verdict: str
    sentence: str
    measured_at: AwareDatetime
    stale_after: AwareDatetime
    high: NonNegativeInt = 0
    low: NonNegativeInt = 0
    gpu_hours: NonNegativeFloat | None = None

    def is_stale(self, now: datetime) -> bool:
        """Whether a further run should have replaced it."""
        return now > self.stale_after


def write_status(indexes: Path, status: Status, html: str, files: VolumeFiles | None = None) -> Path:
    """Replaces page and summary on the volume `indexes`; returns the page's path.

    Raises:
        VolumeError: the volume cannot be written.
    """
    files, folder = files or volume_files(indexes), indexes / FOLDER
    files.write(folder / PAGE, html.encode())
    files.write(folder / SUMMARY, f"{status.model_dump_json(indent=2)}\n".encode())
    return folder / PAGE


def read_summary(indexes: Path, files: VolumeFiles | None = None) -> Status | None:
    """The summary; None before the first run.

    Raises:
        UserError: it cannot be read.
    """
    files, path = files or volume_files(indexes), indexes / FOLDER / SUMMARY
    try:
        return Status.model_validate_json(files.read(path))
    except PathNotFound:
        return None
    except ValidationError as error:
        raise UserError(f"{path}: not the summary of a status page; run the job monitor again") from error


def read_page(indexes: Path, files: VolumeFiles | None = None) -> str:
    """The page. Raises UserError if it cannot be read."""
    return (files or volume_files(indexes)).read(indexes / FOLDER / PAGE).decode("utf-8", "replace")
