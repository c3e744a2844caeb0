"""A passage in its document, for those who may see it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ragops.corpus.index.access import visible
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.passages import Passage
from ragops.serving.server.types import Refused

WINDOW = 40
"""Passages of the document on either side: some 15 pages of text, 60 KB."""


def passage_in_document(
    generation: Generation, chunk_id: str, groups: Collection[str], around: int = WINDOW
) -> dict[str, Any]:
    """A passage, and up to `around` passages of its document before and after it in their order, as JSON values.

    Raises:
        Refused: 404, there is no such passage, or the reader may not see it: both get the same error.
    """
    passage = next(iter(generation.passages([chunk_id])), None)
    if passage is None or not visible(passage.groups, groups):
        raise Refused(
            404, "no_such_passage", "passage: unknown, or not for you; the index may have changed, so ask again"
        )
    first, last = max(0, passage.ordinal - around), passage.ordinal + around
    # All of a document's passages have the same groups; one more on either side shows whether the window cuts it.
    others = generation.neighbors(passage, [n for n in range(max(0, first - 1), last + 2) if n != passage.ordinal])
    document = sorted([passage, *others], key=lambda one: one.ordinal)
    return {
        **_part(passage),
        "path": passage.path,
        "title": passage.title,
        "page": passage.page,
        "document": [_part(one) for one in document if first <= one.ordinal <= last],
        "truncated_before": document[0].ordinal < first,
        "truncated_after": document[-1].ordinal > last,
        "generation": generation.manifest.name,
    }


def _part(passage: Passage) -> dict[str, Any]:
    return {"id": passage.chunk_id, "headings": list(passage.heading_path), "text": passage.text}
