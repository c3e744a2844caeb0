"""How much memory a parser may have: what the use case allows, or what is left of this place, if that is less."""

from dataclasses import dataclass

import psutil

from ragops.corpus.documents.limits import MIB

_FORK_SERVER_BYTES = 32 * MIB  # with the resource tracker of multiprocessing: 17 MiB are theirs alone, 34 resident
_LEAST_BYTES = 256 * MIB  # with less no parser starts at all


@dataclass(frozen=True)
class MemoryLimit:
    """What one parser may have; `place_bytes`: the memory of the place, where that is what limits it."""

    limit_bytes: int
    place_bytes: int | None = None

    @property
    def reason(self) -> str:
        """Why a document that needs more has failed."""
        reason = f"needs more than {self.limit_bytes // MIB:,} MiB of memory"
        if self.place_bytes is None:
            return reason
        return f"{reason}, all that is left of the {self.place_bytes // MIB:,} MiB here; run this where there is more"


def memory_limit(configured: int, place: int, used: int, workers: int) -> MemoryLimit:
    """The limit of each of several parsers, in a place of which its owner uses some."""
    left = max((place - used) // workers, _LEAST_BYTES)
    return MemoryLimit(configured) if configured <= left else MemoryLimit(left, place)


def memory_used() -> int:
    """What this process and the one that forks its parsers need."""
    return int(psutil.Process().memory_info().rss) + _FORK_SERVER_BYTES
