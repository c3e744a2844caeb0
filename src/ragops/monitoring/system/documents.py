"""The table of documents and the files that it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file of the landing folder whose content is not in the index yet; `changed_at`: since when."""

    path: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """Documents in quarantine for one reason: how many, since when the first one, and some of their paths."""

    reason: str
    documents: int
    since: datetime
    paths: tuple[str, ...]


@dataclass(frozen=True)
class DocumentsState:
    """What is known of the documents.

    Attributes:
        documents: rows of the table that have a text.
        quarantined: rows without a text.
        refused: those, by reason.
        failing: paths of documents that were tried again and again, with the number of attempts.
        waiting: files that changed and are not found yet, longest waiting first.
        newest: the change of the newest document that searches find; None without documents.
        texts: characters of all texts.
    """

    documents: int
    quarantined: int
    refused: tuple[Refused, ...]
    failing: Mapping[str, int]
    waiting: tuple[WaitingFile, ...]
    newest: datetime | None
    texts: int
