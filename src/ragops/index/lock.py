"""One publisher at a time: a lock file with owner, start and expiry, renewed while its owner lives."""

import fcntl
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ragops.errors import UserError

LOCK_FILE = "publish.lock"
# A dead owner on this host is seen by its process; one on another host only by expiry.
LIFETIME = timedelta(minutes=5)
_RENEW_SECONDS = 30.0
_POLL_SECONDS = 0.2
# A lock file is created and then written: for this long an unreadable one is taken as being written.
_WRITING_SECONDS = 10.0


def _user() -> str:
    return psutil.Process().username()  # the number where a container's user has no name


def _process_start() -> float:
    return psutil.Process().create_time()


class LockOwner(BaseModel):
    """Who holds the lock; `token` is new for every hold, `process_start` tells a reused pid apart."""

    model_config = ConfigDict(frozen=True)

    user: str = Field(default_factory=_user)
    host: str = Field(default_factory=socket.gethostname)
    pid: int = Field(default_factory=os.getpid)
    process_start: float = Field(default_factory=_process_start)
    run_id: str
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    expires_at: datetime = Field(default_factory=lambda: datetime.now(UTC) + LIFETIME)
    token: str = Field(default_factory=lambda: uuid.uuid4().hex)

    def __str__(self) -> str:
        """As an error names it."""
        return (
            f"{self.user}@{self.host} pid {self.pid}, run {self.run_id}, since {self.started_at:%Y-%m-%d %H:%M:%S} UTC"
        )

    @property
    def gone(self) -> bool:
        """Whether the lock has expired, or its owner was a process of this host that has ended."""
        if datetime.now(UTC) >= self.expires_at:
            return True
        if self.host != socket.gethostname():
            return False
        try:
            return abs(psutil.Process(self.pid).create_time() - self.process_start) > 1.0
        except psutil.NoSuchProcess:
            return True


class PublishLock:
    """A held lock."""

    def __init__(self, path: Path, owner: LockOwner) -> None:
        """Only `publish_lock` makes one."""
        self._path = path
        self._owner = owner
        self._released = threading.Event()
        self._renewal = threading.Thread(target=self._renew, daemon=True)
        self._renewal.start()

    def confirm(self) -> None:
        """Raises UserError when somebody took the lock over (this process slept past its expiry)."""
        holder = _read(self._path)
        if holder is None or holder.token != self._owner.token:
            raise UserError(
                f"the publish lock {self._path} was taken over by {holder}: nothing was published, run again"
            )

    def release(self) -> None:
        """Gives the lock up, if it is still this one's."""
        self._released.set()
        self._renewal.join()
        with suppress(UserError), _alone(self._path):
            self.confirm()
            self._path.unlink(missing_ok=True)

    def _renew(self) -> None:
        while not self._released.wait(_RENEW_SECONDS):
            # a failed renewal is found by `confirm` before the pointer moves
            with suppress(UserError, OSError), _alone(self._path):
                self.confirm()
                renewed = self._owner.model_copy(update={"expires_at": datetime.now(UTC) + LIFETIME})
                temporary = self._path.with_name(f".{LOCK_FILE}.{renewed.token}")
                temporary.write_text(renewed.model_dump_json(), "utf-8")
                os.replace(temporary, self._path)


@contextmanager
def publish_lock(index_root: Path, run_id: str, wait_seconds: float = 0.0) -> Iterator[PublishLock]:
    """Holds the index's publish lock. Raises UserError naming owner and start when it is not free in time."""
    path = index_root / LOCK_FILE
    deadline = time.monotonic() + wait_seconds
    while not _create(path, owner := LockOwner(run_id=run_id)):
        if _break_if_stale(path):
            continue
        if time.monotonic() >= deadline:
            holder = _read(path) or "another run"
            raise UserError(f"index {index_root} is being published by {holder}: try again after it")
        time.sleep(_POLL_SECONDS)
    held = PublishLock(path, owner)
    try:
        yield held
    finally:
        held.release()


def _create(path: Path, owner: LockOwner) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(owner.model_dump_json())
        return True
    except FileExistsError:
        return False


def _read(path: Path) -> LockOwner | None:
    try:
        return LockOwner.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _is_stale(path: Path) -> bool:
    owner = _read(path)
    if owner is not None:
        return owner.gone
    try:
        return time.time() - path.stat().st_mtime > _WRITING_SECONDS
    except FileNotFoundError:
        return False


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """A lock that exists is changed by one process at a time, so that no breaker removes the lock of the next owner.

    The kernel's lock ends with its holder. Volumes over the network may have none: there `PublishLock.confirm` decides.
    """
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _break_if_stale(path: Path) -> bool:
    with _alone(path):
        stale = _is_stale(path)
        if stale:
            path.unlink(missing_ok=True)
    return stale
