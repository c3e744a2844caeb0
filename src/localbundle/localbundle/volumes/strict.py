"""Makes folders refuse what a Unity Catalog volume refuses: with the same errno, and advice on what to do instead.

A volume is object storage behind a FUSE mount. An audit hook sees Python's calls before they reach the folder; it does
not see those of compiled code (SQLite, Rust). What is refused, and the source for it:

- rename ENOSYS: icechunk #474 (2024-12), #2341 (2026-08). Into or out of a mount it is EXDEV, from the kernel.
- link ENOSYS: delta-rs #2540 (2024-05), obstore #748 (2026-07). symlink ENOSYS: anomalib #2161 (2024-06, on DBFS).
- appending EOPNOTSUPP: Databricks' "Work with files in volumes" (2026-10), ficture #19 (2024-10).
- changing a part of a file, and thus zip files, Excel and SQLite: the same page, slideflow #245 (2022-12). SQLite
  reports "disk I/O error": chroma #985 (2023-08, on DBFS).
- Extended attributes EOPNOTSUPP: the kernel's answer for a FUSE mount without them.
- Locks ENOSYS, modes, owners and times EPERM: not documented; reported for other mounts over object storage (datasets
  #3983 on DBFS, gcsfuse #2645, daytona #3331), so no code should need them.

Only the standard library, and little of it: this module is imported whenever any Python of the workspace starts.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing these takes as long as Python's own start
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

VARIABLE = "LOCALBUNDLE_STRICT_VOLUMES"

_APPEND = "cannot append: write a whole file for each batch"
_COPY = "keeps no modes, owners or times: copy with shutil.copyfile, not with copy, copy2, copytree or move"
_CROSS = "is a separate file system: copy with shutil.copyfile, then delete"
_LINK = "has no links: copy with shutil.copyfile"
_LOCK = "has no locks: use a commit of a Delta table to exclude other writers"
_RENAME = "cannot rename: write the whole file under its final name"
_UPDATE = "cannot change a part of a file: create it on local disk, then copy it with shutil.copyfile"

# Code that rewrites a file's start once the rest is known. No event shows that, only which code opens the file.
_REWRITING = {
    ("zipfile", "__init__"),
    ("pandas.io.excel._base", "__init__"),  # hands the open file to one that writes a zip file
    ("numpy._core.memmap", "__new__"),
    ("numpy.core.memmap", "__new__"),  # numpy 1
}
_F_GETPATH: int | None = getattr(fcntl, "F_GETPATH", None)  # macOS
_LOCKING = {getattr(fcntl, name, None) for name in ("F_SETLK", "F_SETLKW", "F_OFD_SETLK", "F_OFD_SETLKW")} - {None}
_roots: list[str] = []
_is_hooked = False


def install(roots: Iterable[str | os.PathLike[str]]) -> None:
    """Makes folders strict in this process until `remove`; they do not have to exist yet."""
    global _is_hooked
    _roots.extend(root for root in map(os.path.realpath, roots) if root not in _roots)
    if _roots and not _is_hooked:
        sys.addaudithook(_hook)
        _is_hooked = True


def install_named(environment: Mapping[str, str]) -> None:
    """Makes the folders in LOCALBUNDLE_STRICT_VOLUMES strict; they are separated as in PATH."""
    install(filter(None, environment.get(VARIABLE, "").split(os.pathsep)))


def remove(roots: Iterable[str | os.PathLike[str]]) -> None:
    """Makes folders plain again. For tests: the hook itself stays and has nothing to refuse."""
    for root in map(os.path.realpath, roots):
        if root in _roots:
            _roots.remove(root)


def roots() -> tuple[str, ...]:
    """The folders that are strict in this process."""
    return tuple(_roots)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Called for each of Python's audit events, thousands per second: all but a few end here."""
    rule = _RULES.get(event)
    if rule is not None and _roots:
        rule(*arguments)


def _refuse(number: int, fix: str, path: Any, other: Any = None) -> None:  # noqa: ANN401
    """Raises what the call itself would, with the paths as the caller wrote them."""
    paths = [_opened(one) if isinstance(one, int) else os.fsdecode(one) for one in (path, other) if one is not None]
    raise OSError(number, f"{os.strerror(number)}; a volume on Databricks {fix}", paths[0], None, *paths[1:])


def _open(path: Any, mode: Any, flags: Any, *rest: Any) -> None:  # noqa: ANN401 - any argument of open
    """A file descriptor that is opened again (an int) was checked when it was opened first."""
    if not isinstance(flags, int) or not flags & os.O_ACCMODE or isinstance(path, int):
        return
    # Path.touch, too, opens for writing only and creates a missing file.
    other = os.O_APPEND | os.O_TRUNC | os.O_EXCL | (0 if flags & os.O_ACCMODE == os.O_RDWR else os.O_CREAT)
    updates = not flags & other
    if flags & os.O_APPEND or updates or _is_rewritten():
        full = _full_path(path)
        is_new = bool(flags & os.O_CREAT) and not updates
        if _is_inside(full) and (is_new or os.path.exists(full)):
            _refuse(errno.EOPNOTSUPP, _APPEND if flags & os.O_APPEND else _UPDATE, path)


def _is_rewritten() -> bool:
    """Whether the code that opens a file, or its caller, rewrites the file's start."""
    frame = sys._getframe(3)
    callers = (frame, frame.f_back)
    return any(one and (one.f_globals.get("__name__"), one.f_code.co_name) in _REWRITING for one in callers)


def _rename(source: Any, target: Any, source_fd: int = -1, target_fd: int = -1, *rest: Any) -> None:  # noqa: ANN401
    old, new = _full_path(source, source_fd, follow=False), _full_path(target, target_fd, follow=False)
    if (_is_inside(old) or _is_inside(new)) and os.path.lexists(old):
        within = _is_inside(old) and _is_inside(new)
        _refuse(errno.ENOSYS if within else errno.EXDEV, _RENAME if within else _CROSS, source, target)


def _link(source: Any, target: Any, source_fd: int = -1, target_fd: int = -1, *rest: Any) -> None:  # noqa: ANN401
    old, new = _full_path(source, source_fd), _full_path(target, target_fd, follow=False)
    if (_is_inside(old) or _is_inside(new)) and os.path.lexists(old) and not os.path.lexists(new):
        within = _is_inside(old) and _is_inside(new)
        _refuse(errno.ENOSYS if within else errno.EXDEV, _LINK, source, target)


def _symlink(source: Any, target: Any, target_fd: int = -1, *rest: Any) -> None:  # noqa: ANN401
    """The link's target may be anywhere."""
    new = _full_path(target, target_fd, follow=False)
    if _is_inside(new) and not os.path.lexists(new):
        _refuse(errno.ENOSYS, _LINK, source, target)


def _truncate(path: Any, length: int, *rest: Any) -> None:  # noqa: ANN401
    """Truncating to length 0 is allowed, since opening a file for writing does the same."""
    full = _full_path(path)
    if length and _is_inside(full) and os.path.exists(full):
        _refuse(errno.EOPNOTSUPP, _UPDATE, path)


def _change(number: int, folder: int | None = None) -> Callable[..., None]:
    """A rule for calls on an existing path; `folder` is the index of the event's dir_fd, counted from the end."""

    def rule(path: Any, *rest: Any) -> None:  # noqa: ANN401
        full = _full_path(path, rest[folder] if folder is not None else -1)
        if _is_inside(full) and os.path.exists(full):
            _refuse(number, _COPY, path)

    return rule


def _lock(file: int, *rest: Any) -> None:  # noqa: ANN401
    if _is_inside(_opened(file)):
        _refuse(errno.ENOSYS, _LOCK, file)


def _control(file: int, command: int, *rest: Any) -> None:  # noqa: ANN401
    if command in _LOCKING:
        _lock(file)


def _connect(database: Any, *rest: Any) -> None:  # noqa: ANN401
    """SQLite's own calls are compiled code. It reads an immutable file without a lock."""
    given, _, options = os.fsdecode(database).partition("?")
    name = _named_by(given) if given.startswith("file:") else given
    if name not in ("", ":memory:") and "immutable=1" not in options and _is_inside(_full_path(name)):
        error: type[Exception] = sys.modules["_sqlite3"].OperationalError
        raise error(f"disk I/O error; a volume on Databricks {_UPDATE}: {given!r}")


def _named_by(uri: str) -> str:
    """The path in a URI, as SQLite reads it; the only host it knows is this one."""
    from urllib.parse import unquote_to_bytes

    path = uri.partition("#")[0].removeprefix("file:")
    if path.startswith("//"):
        path = path.removeprefix("//").removeprefix("localhost")
    return os.fsdecode(unquote_to_bytes(os.fsencode(path)).partition(b"\0")[0])


_RULES: dict[str, Callable[..., None]] = {
    "open": _open,
    "os.rename": _rename,
    "os.link": _link,
    "os.symlink": _symlink,
    "os.truncate": _truncate,
    "os.chmod": _change(errno.EPERM, -1),
    "os.chown": _change(errno.EPERM, -1),
    "os.utime": _change(errno.EPERM, -1),
    "os.setxattr": _change(errno.EOPNOTSUPP),
    "os.removexattr": _change(errno.EOPNOTSUPP),
    "os.lockf": _lock,
    "fcntl.flock": _lock,
    "fcntl.lockf": _lock,
    "fcntl.fcntl": _control,
    "sqlite3.connect": _connect,
}


def _is_inside(path: str) -> bool:
    return any(path == root or path.startswith(root + os.sep) for root in _roots)


def _full_path(path: Any, folder: int = -1, *, follow: bool = True) -> str:  # noqa: ANN401
    """The absolute path of a call's argument, without links; with `follow` a link at its end is followed too."""
    if isinstance(path, int):
        return _opened(path)
    name = os.fsdecode(path)
    if folder >= 0 and not os.path.isabs(name):
        name = os.path.join(_opened(folder), name)
    above, last = os.path.split(name.rstrip(os.sep))
    if follow or last in ("", os.curdir, os.pardir):
        return os.path.realpath(name)
    return os.path.join(os.path.realpath(above), last)


def _opened(file: int) -> str:
    """The path of an open file; empty if there is none."""
    try:
        if _F_GETPATH is not None:
            return os.fsdecode(fcntl.fcntl(file, _F_GETPATH, bytes(1024)).rstrip(b"\0"))
        return os.readlink(f"/proc/self/fd/{file}")
    except OSError:
        return ""
