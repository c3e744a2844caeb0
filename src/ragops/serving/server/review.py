"""GET /review: a page on which reviewers label drawn answers; GET /review/queue and POST /review/labels are its API.

The queue is a file that the job collect_calls writes. A reviewer gets an answer only if all passages that it was made
from are in the live index and are for the reviewer: the answer repeats what they say.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ragops.corpus.index.access import visible
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Passage
from ragops.platform.volumes.errors import VolumeError, VolumeFull
from ragops.platform.volumes.open import volume_files
from ragops.quality.feedback.files import IdReused
from ragops.quality.review.dimensions import DIMENSIONS
from ragops.quality.review.files import ReviewItem, ReviewQueue, read_queue, record_label, waiting_labels
from ragops.quality.review.rows import GivenLabels, Label
from ragops.serving.server.chains import Chains
from ragops.serving.server.identity import Identify, Identity
from ragops.serving.server.pages import page_file
from ragops.serving.server.types import Refused

_log = logging.getLogger(__name__)

MOST = 20
"""Answers that one response contains: some 10 KB each."""


class Reviews:
    """The queue, and who has labelled what. Thread-safe."""

    def __init__(self, volume: Path, reviewers: Collection[str]) -> None:
        """`volume`: the ledger's; it is not touched before the first request. `reviewers`: who may label."""
        self._volume, self._reviewers = volume, frozenset(reviewers)
        self._files = volume_files(volume)
        self._lock = threading.Lock()
        self._labelled: dict[str, dict[str, datetime]] | None = None

    def check(self, who: str) -> None:
        """Raises Refused for anybody else than a reviewer."""
        if who not in self._reviewers:
            fix = "add the name to evaluation.reviewers in usecase.yml"
            raise Refused(403, "not_a_reviewer", f"review: {who} is not a reviewer; {fix}")

    def queue(self) -> ReviewQueue:
        """The queue as the job wrote it last; an empty one before that. Raises VolumeError."""
        found = read_queue(self._volume, self._files)
        return found or ReviewQueue(made_at=datetime.now(UTC), items=(), labelled={})

    def open_to(self, who: str, queue: ReviewQueue) -> list[ReviewItem]:
        """The answers that still need a label of this reviewer, in order. Raises VolumeError."""
        own = self._of_everyone()
        found = []
        for item in queue.items:
            by = {*item.labelled_by, *(name for name in self._reviewers if item.answer_id in own.get(name, ()))}
            if who not in by and len(by) < item.needed:
                found.append(item)
        return found

    def labelled(self, who: str, queue: ReviewQueue) -> int:
        """How many answers a reviewer has labelled, those since the queue was written included."""
        new = sum(at > queue.made_at for at in self._of_everyone().get(who, {}).values())
        return queue.labelled.get(who, 0) + new

    def record(self, label: Label) -> None:
        """Saves a label durably. Raises IdReused, VolumeError."""
        saved = record_label(self._volume, label, self._files)
        known = self._of_everyone()
        with self._lock:
            known.setdefault(saved.reviewer, {}).setdefault(saved.answer_id, saved.labelled_at)

    def _of_everyone(self) -> dict[str, dict[str, datetime]]:
        """When each reviewer labelled which answers, as far as this server knows: read once, then noted."""
        with self._lock:
            if self._labelled is None:
                found: dict[str, dict[str, datetime]] = {}
                for label in waiting_labels(self._volume, self._files):
                    found.setdefault(label.reviewer, {}).setdefault(label.answer_id, label.labelled_at)
                self._labelled = found
            return self._labelled


def review_router(volume: Path, reviewers: Collection[str], chains: Chains, identify: Identify) -> APIRouter:
    """The routes.

    Args:
        volume: the ledger volume.
        reviewers: the users who may label.
        chains: for the passages of the live index.
        identify: names the sender from the headers.

    Raises:
        Refused: (the routes) 403, the sender may not label; 404, there is no such answer to review, or not for this
            reviewer; 409, another label has an id; 507 and 503, the volume is full, or does not answer.
    """
    router, reviews = APIRouter(), Reviews(volume, reviewers)

    @router.get("/review")
    def page() -> Response:
        return page_file("review.html")

    @router.get("/review/queue")
    def queue(request: Request) -> dict[str, Any]:  # a thread's: it reads files
        sender = identify(request.headers)
        reviews.check(sender.name)
        with _volume_errors("the queue cannot be read; try again"), chains.use() as backend:
            return _queue(reviews, sender, backend.searcher.live_generation())

    @router.post("/review/labels")
    def labels(given: GivenLabels, request: Request) -> dict[str, Any]:
        sender = identify(request.headers)
        reviews.check(sender.name)
        with _volume_errors("not saved (the volume cannot be written); send it again"):
            with chains.use() as backend:
                item = _item(reviews, given, sender, backend.searcher.live_generation())
            for label in _labels(given, sender.name):
                reviews.record(label)
        return {"answer_id": item.answer_id, "saved": True, "judges": [one.model_dump() for one in item.judges]}

    return router


@contextmanager
def _volume_errors(what: str) -> Iterator[None]:
    """Makes errors of the volume responses in one line; details are in the log."""
    try:
        yield
    except IdReused as error:
        raise Refused(409, "label_id_reused", str(error)) from error
    except VolumeFull as error:
        _log.error("%s", error)
        fix = "tell who runs this, and send it again"
        raise Refused(507, "no_space", f"review: not saved (no space left); {fix}") from error
    except VolumeError as error:
        _log.error("%s", error)
        raise Refused(503, "volume_unavailable", f"review: {what}") from error


def _queue(reviews: Reviews, sender: Identity, generation: Generation) -> dict[str, Any]:
    """What the page shows: the next answers, without what judges said of them."""
    queue = reviews.queue()
    waiting = reviews.open_to(sender.name, queue)
    shown = [(item, _passages(item, sender, generation)) for item in waiting]
    readable = [(item, passages) for item, passages in shown if passages is not None]
    return {
        "reviewer": sender.name,
        "labelled": reviews.labelled(sender.name, queue),
        "waiting": len(readable),
        "hidden": len(shown) - len(readable),
        "dimensions": {name: asdict(one) for name, one in DIMENSIONS.items()},
        "answers": [_as_json(item, passages) for item, passages in readable[:MOST]],
    }


def _item(reviews: Reviews, given: GivenLabels, sender: Identity, generation: Generation) -> ReviewItem:
    """The answer that is labelled. Raises Refused if there is none, or a label is about something else."""
    item = next((one for one in reviews.queue().items if one.answer_id == given.answer_id), None)
    if item is None or _passages(item, sender, generation) is None:
        raise Refused(404, "no_such_answer", "review: no such answer waits, or it is not for you; reload the page")
    judges = [one.judge for one in given.labels]
    wrong = [name for name in judges if name not in item.dimensions or judges.count(name) > 1]
    if wrong:
        raise Refused(400, "wrong_dimension", f"review: {wrong[0]} is not asked of this answer; reload the page")
    return item


def _labels(given: GivenLabels, reviewer: str) -> list[Label]:
    now = datetime.now(UTC)
    common = {"answer_id": given.answer_id, "comment": given.comment, "reviewer": reviewer, "labelled_at": now}
    return [Label.model_validate(one.model_dump() | common) for one in given.labels]


def _passages(item: ReviewItem, sender: Identity, generation: Generation) -> list[Passage] | None:
    """The chunks that the answer was made from; None if one is gone, or not for the sender."""
    found = {one.chunk_id: one for one in generation.passages(list(item.passages))}
    chunks = [found.get(key) for key in item.passages]
    readable = [one for one in chunks if one is not None and visible(one.groups, sender.groups)]
    return readable if len(readable) == len(chunks) else None


def _as_json(item: ReviewItem, chunks: Sequence[Passage]) -> dict[str, Any]:
    """An answer with its passages, those with the same number together, as the model was given them."""
    numbered: dict[int, list[Passage]] = {}
    for number, chunk in zip(item.numbers or range(1, len(chunks) + 1), chunks, strict=True):
        numbered.setdefault(number, []).append(chunk)
    return {
        "answer_id": item.answer_id,
        "question": item.question,
        "answer": item.answer,
        "reference": item.reference,
        "dimensions": list(item.dimensions),
        "passages": [
            {
                "number": number if item.numbers else None,
                "title": parts[0].title,
                "headings": list(parts[0].heading_path),
                "path": parts[0].path,
                "page": parts[0].page,
                "text": "\n\n".join(one.text for one in sorted(parts, key=lambda one: one.ordinal)),
                "cited": any(one.chunk_id in item.cited for one in parts),
            }
            for number, parts in sorted(numbered.items())
        ],
    }
