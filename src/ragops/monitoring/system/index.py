"""The live generation of the index, compared with the tables and with the generation before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ragops.corpus.index.generations.verify import VerifyReport


@dataclass(frozen=True)
class IndexState:
    """What is known of the live generation.

    Attributes:
        generation: its name.
        published_at: when it became the live one.
        built_at: when it was built.
        fingerprint: of the encoder that it was built with.
        wanted_fingerprint: of the use case's encoder.
        newest_generation: name of the newest complete generation, which is normally the live one.
        verified: what differs from the tables; None if that was not examined.
        recall: share of golden questions whose answer is among the first ten passages; None without questions.
        recall_before: of the generation before it.
        questions: how many golden questions were asked.
        never_found: share of documents that no question found in both windows; None without questions.
    """

    generation: str
    published_at: datetime
    built_at: datetime
    fingerprint: str
    wanted_fingerprint: str
    newest_generation: str
    verified: VerifyReport | None = None
    recall: float | None = None
    recall_before: float | None = None
    questions: int = 0
    never_found: float | None = None
