"""POST /feedback: a verdict is saved before it is confirmed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import APIRouter, Request
from pydantic import BaseModel

from ragops.platform.volumes.errors import VolumeError, VolumeFull
from ragops.platform.volumes.interface import VolumeFiles
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.files import IdReused, answer_is_recorded, record_verdict
from ragops.quality.feedback.rows import GivenVerdict, Verdict
from ragops.serving.server.identity import Identify
from ragops.serving.server.types import Refused

_log = logging.getLogger(__name__)


class Saved(BaseModel):
    """The answer to a verdict: it is on disk, or in the volume's storage.

    Attributes:
        verdict_id: the client's.
        saved: always true; whatever is not saved is an error.
        known_answer: whether the answer is among those that wait to be collected; the table knows the older ones too.
    """

    verdict_id: str
    saved: bool = True
    known_answer: bool


def feedback_router(
    volume: Path, identify: Identify, observe: Callable[[str], None] = lambda verdict: None
) -> APIRouter:
    """The route.

    Args:
        volume: the ledger volume.
        identify: names the sender from the headers.
        observe: measures a verdict that was saved; up or down.

    Raises:
        Refused: (the route) 409, another verdict has this id; 507, no space; 503, it cannot be saved.
    """
    router, files = APIRouter(), volume_files(volume)

    @router.post("/feedback")
    def feedback(given: GivenVerdict, request: Request) -> Saved:  # a thread's: it waits for the disk
        who = identify(request.headers).name
        verdict = Verdict(**given.model_dump(), who=who, given_at=datetime.now(UTC))
        _save(volume, verdict, files)
        observe(verdict.verdict)
        return Saved(verdict_id=verdict.verdict_id, known_answer=_is_known(volume, verdict.answer_id, files))

    return router


def _save(volume: Path, verdict: Verdict, files: VolumeFiles) -> None:
    try:
        record_verdict(volume, verdict, files)
    except IdReused as error:
        raise Refused(409, "verdict_id_reused", str(error)) from error
    except VolumeFull as error:
        _log.error("%s", error)
        raise Refused(
            507, "no_space", "feedback: not saved (no space left); tell who runs this, and send it again"
        ) from error
    except VolumeError as error:
        _log.error("%s", error)
        raise Refused(503, "not_saved", "feedback: not saved (the volume cannot be written); send it again") from error


def _is_known(volume: Path, answer_id: str, files: VolumeFiles) -> bool:
    try:
        return answer_is_recorded(volume, answer_id, files)
    except VolumeError as error:  # the verdict is saved
        _log.warning("%s", error)
        return False
