"""What can go wrong with a file on a volume, said in one line whoever says it: the system or the workspace."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ragops.errors import NotPermitted, UserError, lacks

Privilege = Literal["READ VOLUME", "WRITE VOLUME"]


class VolumeError(UserError):
    """A file on a volume that cannot be read or written."""


class Closed(VolumeError, NotPermitted):
    """A file or folder that may not be read or written by whoever runs this."""


class NotThere(VolumeError):
    """A file or folder that the volume does not have."""


class NoAnswer(VolumeError):
    """The workspace did not answer, or not to the end: another try may succeed."""


@contextmanager
def explained(path: Path, privilege: Privilege) -> Iterator[None]:
    """Turns what the system and the SDK raise into VolumeError. `privilege`: what one needs on the volume."""
    try:
        yield
    except VolumeError:
        raise
    except OSError as error:  # the SDK's errors, and those of its transport, are OSErrors without a number
        explain = _system_error if error.errno is not None else _service_error
        raise explain(path, privilege, error) from error
    except (RuntimeError, ValueError) as error:  # the SDK's own retries and checks
        raise _service_error(path, privilege, error) from error


def _system_error(path: Path, privilege: Privilege, error: OSError) -> VolumeError:
    reason = error.strerror or _line(error)
    if isinstance(error, FileNotFoundError):
        return _not_there(path, reason)
    if error.errno == errno.EROFS:
        return VolumeError(f"{path}: cannot be written ({reason}); make the volume writable, and run this again")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return VolumeError(f"{path}: no space left to write it ({reason}); free some, and run this again")
    if isinstance(error, PermissionError):
        return _closed(path, privilege, reason)
    if isinstance(error, IsADirectoryError | NotADirectoryError | FileExistsError) or error.errno == errno.ENOTEMPTY:
        return VolumeError(f"{path}: {reason.lower()}; move away what is there, and run this again")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP):
        return VolumeError(f"{path}: no name that a volume takes ({reason}); use another one")
    return VolumeError(f"{path}: the volume does not answer ({reason}); try again later")


def _service_error(path: Path, privilege: Privilege, error: Exception) -> VolumeError:
    from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated

    if isinstance(error, NotFound):
        return _not_there(path, _line(error))
    if isinstance(error, PermissionDenied):
        return _closed(path, privilege, _line(error))
    if isinstance(error, Unauthenticated):
        return VolumeError(f"{path}: not logged in ({_line(error)}); renew the endpoint's credentials")
    return NoAnswer(f"{path}: the workspace does not answer ({_line(error)}); try again later")


def _closed(path: Path, privilege: Privilege, reason: str) -> Closed:
    is_mounted = path.parts[:2] == ("/", "Volumes")
    volume = ".".join(path.parts[2:5]) if is_mounted else f"of {path.parent}"
    return Closed(f"{path}: not permitted; {lacks(privilege, f'volume {volume}', reason)}")


def _not_there(path: Path, reason: str) -> NotThere:
    return NotThere(f"{path}: not there ({reason}); run the refresh job, or give the right schema")


def _line(error: BaseException) -> str:
    """The reason behind an exhausted retry, without the client's configuration, which the SDK adds."""
    reason = error.__cause__ or error
    return " ".join(str(reason).partition(". Config:")[0].split())[:300] or type(reason).__name__
