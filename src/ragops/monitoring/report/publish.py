"""Puts the status page where people see it: into the index's volume for the server, and into an MLflow run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ragops.monitoring.report.content import StatusPage
from ragops.monitoring.report.render import render
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.workspace import INDEXES, Workspace
from ragops.serving.server.status_files import PAGE, Status, write_status
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from mlflow import MlflowClient


def publish_status(
    workspace: Workspace,
    use_case: UseCase,
    page: StatusPage,
    measured_at: datetime,
    stale_after: datetime,
    files: VolumeFiles | None = None,
) -> Path:
    """Replaces the page that the server shows; returns where it is.

    Everyone who may ask may read it. Where only some people may find some documents, it leaves out what findings are
    about, and examples of questions.

    Raises:
        VolumeError: the volume cannot be written.
    """
    status = Status(
        state=page.state, verdict=page.verdict, sentence=page.sentence, measured_at=measured_at,
        stale_after=stale_after, high=page.high, low=page.low, gpu_hours=page.gpu_hours,
    )  # fmt: skip
    html = render(page, details=not use_case.corpus.access)
    return write_status(workspace.volume(INDEXES), status, html, files)


def log_status(client: MlflowClient, run_id: str, page: StatusPage) -> str:
    """Stores the whole page in a run; returns its address, on a laptop its path."""
    client.log_text(run_id, render(page), PAGE)
    return f"{client.get_run(run_id).info.artifact_uri}/{PAGE}".removeprefix("file://")
