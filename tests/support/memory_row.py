"""A lock's row in memory, shared by any number of simulated machines; changes are atomic, like commits."""

import threading
from collections.abc import Callable
from dataclasses import replace

from ragops.corpus.index.locks.delta_row import RowState


class MemoryRow:
    """The row; the next `conflicts` commits fail because of others, `broken` makes all commits raise."""

    def __init__(self, index: str = "passages") -> None:
        self.index = index
        self.state = RowState()
        self.conflicts = 0
        self.broken: Callable[[], Exception] | None = None
        self._changing = threading.Lock()

    def make(self) -> None:
        """The row always exists."""

    def read(self) -> RowState:
        return self.state

    def change(self, found: RowState, /, **values: str | int) -> bool:
        return self._changed(lambda: self.state.hold == found.hold, values)

    def change_own(self, token: str, /, **values: str | int) -> bool:
        return self._changed(lambda: self.state.token == token, values)

    def _changed(self, matches: Callable[[], bool], values: dict[str, str | int]) -> bool:
        with self._changing:
            if self.broken:
                raise self.broken()
            if self.conflicts:
                self.conflicts -= 1
                return False
            if not matches():
                return False
            self.state = replace(self.state, renewals=self.state.renewals + 1, **values)  # type: ignore[arg-type]
            return True
