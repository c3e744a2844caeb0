"""Judgments as files on the ledger volume, one each, saved before the next call: what was paid for is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ragops.platform.collected import parsed
from ragops.platform.volumes.errors import PathNotFound
from ragops.platform.volumes.open import volume_files
from ragops.quality.judges.rows import Judgment

JUDGMENTS_FOLDER = "judgments"


class JudgmentFiles:
    """Saves judgments until they are collected into the table. One that is made again replaces its file."""

    def __init__(self, volume: Path) -> None:
        """`volume`: the ledger volume, `workspace.volume(LEDGER)`."""
        self._folder = volume / JUDGMENTS_FOLDER
        self._files = volume_files(volume)

    def save(self, judgment: Judgment) -> None:
        """Writes one file; raises VolumeError if it cannot be saved."""
        path = self._folder / f"{judgment.judgment_id}.json"
        self._files.write(path, f"{judgment.model_dump_json()}\n".encode())

    def saved(self) -> Iterator[Judgment]:
        """Those that the job has not collected yet; files that are not whole are left to it."""
        with suppress(PathNotFound):  # nothing was saved yet
            for entry in self._files.list(self._folder):
                with suppress(PathNotFound):  # collected meanwhile
                    judgment = parsed(Judgment, self._files.read(self._folder / entry.name))
                    if judgment is not None:
                        yield judgment
