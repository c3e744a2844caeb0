"""The interface of publish locks, and the owner of one."""

import os
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import psutil
from pydantic import BaseModel, ConfigDict, Field


def _user() -> str:
    return psutil.Process().username()  # the uid if a container's user has no name


class Owner(BaseModel):
    """The owner of a lock."""

    model_config = ConfigDict(frozen=True)

    user: str = Field(default_factory=_user)
    host: str = Field(default_factory=socket.gethostname)
    pid: int = Field(default_factory=os.getpid)
    run_id: str
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        """The owner's description in errors."""
        return (
            f"{self.user}@{self.host} pid {self.pid}, run {self.run_id}, since {self.started_at:%Y-%m-%d %H:%M:%S} UTC"
        )


class Hold(Protocol):
    """An acquired lock."""

    leftover_age: timedelta
    """Age of unfinished files in the index after which their writer has certainly ended."""

    def check(self) -> None:
        """Raises UserError, with the new owner, if this process is known to have lost the lock; reads nothing."""

    def reserve(self, number: int) -> int:
        """A generation number that no other owner gets, at least `number`. Raises UserError as `check`."""

    def condemn(self, names: Sequence[str]) -> None:
        """Records, before removing generations, that they will be removed. Raises UserError if the lock is lost."""

    def condemned(self) -> Sequence[str]:
        """Generations that an owner has decided to remove; some may still exist."""

    def record(self, pointer: str) -> None:
        """Records, before writing the pointer, what is live. Raises UserError if the lock is lost."""

    def recorded(self) -> str | None:
        """The pointer recorded last, by any owner; None if the pointer file itself is the only record."""


class PublishLock(Protocol):
    """The lock of one index."""

    def hold(self, run_id: str, wait_seconds: float = 0.0) -> AbstractContextManager[Hold]:
        """Holds the lock inside a `with` block. Raises UserError, with its owner, if it is not free in time.

        The lock of an owner that has died is taken over.
        """
