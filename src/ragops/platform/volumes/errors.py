"""Errors with files on a volume, in one line each, from the operating system or from the workspace's Files API."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from ragops.errors import NotPermitted, UserError, lacks
from ragops.text import one_line, reason

Privilege = Literal["READ VOLUME", "WRITE VOLUME"]


class VolumeError(UserError):
    """A file on a volume cannot be read or written."""


class AccessDenied(VolumeError, NotPermitted):
    """The current user may not read or write the file or folder."""


class PathNotFound(VolumeError):
    """The volume has no such file or folder."""


class VolumeFull(VolumeError):
    """The volume has no space left."""


class VolumeUnavailable(VolumeError):
    """The workspace did not answer, or not completely; a retry may succeed."""


@contextmanager
def explained(path: Path, privilege: Privilege) -> Iterator[None]:
    """Turns errors of the system and of the SDK into VolumeError. `privilege`: the right needed on the volume."""
    try:
        yield
    except VolumeError:
        raise
    except OSError as error:  # the SDK's errors, and those of its HTTP client, are OSErrors without a number
        explain = _system_error if error.errno is not None else _service_error
        raise explain(path, privilege, error) from error
    except (RuntimeError, ValueError) as error:  # the SDK's own retries and checks
        raise _service_error(path, privilege, error) from error


def _system_error(path: Path, privilege: Privilege, error: OSError) -> VolumeError:
    message = error.strerror or one_line(error, 300)
    if isinstance(error, FileNotFoundError):
        return _not_found(path, message)
    if error.errno == errno.EROFS:
        return VolumeError(f"{path}: cannot be written ({message}); make the volume writable, and run this again")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return VolumeFull(f"{path}: no space left on the volume ({message}); free some, and run this again")
    if isinstance(error, PermissionError):
        return _denied(path, privilege, message)
    if isinstance(error, IsADirectoryError | NotADirectoryError | FileExistsError) or error.errno == errno.ENOTEMPTY:
        return VolumeError(f"{path}: {message.lower()}; move the existing file or folder away, and run this again")
    if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP):
        return VolumeError(f"{path}: the volume does not accept the name ({message}); use another one")
    return VolumeError(f"{path}: the volume does not answer ({message}); try again later")


def _service_error(path: Path, privilege: Privilege, error: Exception) -> VolumeError:
    from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated

    message = reason(error.__cause__ or error)  # the cause of an exhausted retry
    if isinstance(error, NotFound):
        return _not_found(path, message)
    if isinstance(error, PermissionDenied):
        return _denied(path, privilege, message)
    if isinstance(error, Unauthenticated):
        return VolumeError(f"{path}: not logged in ({message}); renew the endpoint's credentials")
    return VolumeUnavailable(f"{path}: the workspace does not answer ({message}); try again later")


def _denied(path: Path, privilege: Privilege, message: str) -> AccessDenied:
    is_mounted = path.parts[:2] == ("/", "Volumes")
    volume = ".".join(path.parts[2:5]) if is_mounted else f"of {path.parent}"
    return AccessDenied(f"{path}: not permitted; {lacks(privilege, f'volume {volume}', message)}")


def _not_found(path: Path, message: str) -> PathNotFound:
    return PathNotFound(f"{path}: not found ({message}); run the refresh job, or correct the schema")
