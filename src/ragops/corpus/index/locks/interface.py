"""What every publish lock does, and who holds one."""

import os
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import psutil
from pydantic import BaseModel, ConfigDict, Field


def _user() -> str:
    return psutil.Process().username()  # the number where a container's user has no name


class Owner(BaseModel):
    """Who holds a lock."""

    model_config = ConfigDict(frozen=True)

    user: str = Field(default_factory=_user)
    host: str = Field(default_factory=socket.gethostname)
    pid: int = Field(default_factory=os.getpid)
    run_id: str
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        """As an error names it."""
        return (
            f"{self.user}@{self.host} pid {self.pid}, run {self.run_id}, since {self.started_at:%Y-%m-%d %H:%M:%S} UTC"
        )


class Hold(Protocol):
    """A lock that is held."""

    leftover_age: timedelta
    """How long something unfinished must have lain in the index before its writer is known to be gone."""

    def check(self) -> None:
        """Raises UserError, naming the new owner, when this process is known to have lost the lock; costs nothing."""

    def reserve(self, number: int) -> int:
        """A generation's number that no other owner gets: this one, or a later one. Raises UserError as `check`."""

    def condemn(self, names: Sequence[str]) -> None:
        """Decides that generations go, before they are removed: wins, or raises UserError because the lock is lost."""

    def condemned(self) -> Sequence[str]:
        """Generations that an owner has decided to remove, and of which some may still be there."""

    def record(self, pointer: str) -> None:
        """Decides what is live, before the pointer is written: wins, or raises UserError because the lock is lost."""

    def recorded(self) -> str | None:
        """The pointer that was decided last, by whoever did; None where the pointer itself is the only record."""


class PublishLock(Protocol):
    """The lock of one index."""

    def held(self, run_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[Hold]:
        """Holds the lock. Raises UserError naming owner and start when it is not free in time.

        An owner that is gone is never waited for in vain: its lock is taken over.
        """
