"""A lock's row in memory, for as many machines as a test wants: it changes as a commit does, wholly or not at all."""

import threading
from collections.abc import Callable
from dataclasses import replace

from ragops.corpus.index.locks.delta_row import RowState


class MemoryRow:
    """The row; `conflicts` commits of others come between, `broken` is raised in place of the next ones."""

    def __init__(self, index: str = "passages") -> None:
        self.index = index
        self.state = RowState()
        self.conflicts = 0
        self.broken: Callable[[], Exception] | None = None
        self._changing = threading.Lock()

    def make(self) -> None:
        """It is there."""

    def read(self) -> RowState:
        return self.state

    def change(self, found: RowState, /, **values: str | int) -> bool:
        return self._changed(lambda: self.state.hold == found.hold, values)

    def change_own(self, token: str, /, **values: str | int) -> bool:
        return self._changed(lambda: self.state.token == token, values)

    def _changed(self, is_meant: Callable[[], bool], values: dict[str, str | int]) -> bool:
        with self._changing:
            if self.broken:
                raise self.broken()
            if self.conflicts:
                self.conflicts -= 1
                return False
            if not is_meant():
                return False
            self.state = replace(self.state, renewals=self.state.renewals + 1, **values)  # type: ignore[arg-type]
            return True
