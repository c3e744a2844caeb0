"""What a volume allows: each call is tried on temporary files, and compared with docs/platform.md."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragops.doctor.findings import Finding, line, look
from ragops.platform.volumes.errors import VolumeError
from ragops.platform.volumes.open import volume_files

_DIFFERS = "no code depends on it; correct docs/platform.md and src/localbundle/localbundle/volumes/strict.py"


@dataclass(frozen=True)
class VolumeCall:
    """One call on the existing file `folder/old`; `refused`: the errno that a volume returns, None if unknown."""

    what: str
    run: Callable[[Path], object]
    refused: int | None = None


def _map(file: Path, flags: int) -> None:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, flags=flags, prot=mmap.PROT_READ) as mapped:
        mapped.read(1)


def _with_open(file: Path, flags: int, call: Callable[[int], object]) -> None:
    descriptor = os.open(file, flags, 0o600)
    try:
        call(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int) -> None:
    os.write(descriptor, b"x")


VOLUME_CALLS = (
    VolumeCall("rename", lambda folder: os.rename(folder / "old", folder / "new"), errno.ENOSYS),
    VolumeCall("link", lambda folder: os.link(folder / "old", folder / "new"), errno.ENOSYS),
    VolumeCall("symbolic link", lambda folder: os.symlink("old", folder / "new"), errno.ENOSYS),
    VolumeCall(
        "append", lambda folder: _with_open(folder / "old", os.O_WRONLY | os.O_APPEND, _write), errno.EOPNOTSUPP
    ),
    VolumeCall("change a part", lambda folder: _with_open(folder / "old", os.O_RDWR, _write), errno.EOPNOTSUPP),
    VolumeCall(
        "lock",
        lambda folder: _with_open(folder / "old", os.O_RDONLY, lambda file: fcntl.flock(file, fcntl.LOCK_SH)),
        errno.ENOSYS,
    ),
    VolumeCall("change the mode", lambda folder: os.chmod(folder / "old", 0o600), errno.EPERM),
    VolumeCall("change the time", lambda folder: os.utime(folder / "old", (0, 0)), errno.EPERM),
    VolumeCall("map shared", lambda folder: _map(folder / "old", mmap.MAP_SHARED)),
    VolumeCall("map private", lambda folder: _map(folder / "old", mmap.MAP_PRIVATE)),
    VolumeCall("flush to storage", lambda folder: _with_open(folder / "new", os.O_WRONLY | os.O_CREAT, os.fsync)),
    VolumeCall(
        "create if absent",
        lambda folder: _with_open(folder / "new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, _write),
    ),
)


def check_landing(folder: Path) -> Finding:
    """Whether this process can read the folder of documents."""
    to_do = "write sample documents: ragops sample; or grant READ VOLUME: see docs/rights.md"
    return look("landing folder", lambda: f"{len(volume_files(folder).list(folder)):,} entries", to_do, "missing")


def check_volume(volume: Path, strict: bool = True) -> Iterator[Finding]:
    """Tries calls in a temporary folder of a volume, and removes it.

    Args:
        volume: its folder.
        strict: whether it is a real volume, or this process enforces the rules of one.
    """
    if not volume.is_dir():
        yield Finding("volume", f"{volume} does not exist", "missing", "deploy the bundle, or: localbundle run refresh")
        return
    folder = volume / f"doctor-{uuid.uuid4().hex[:8]}"
    files, whole = volume_files(folder), _whole_files(folder)
    yield whole
    try:
        if whole.state == "ok" and strict:
            yield from _tried(folder)
        elif whole.state == "ok":
            yield Finding("other calls", "not tried: volumes are strict inside localbundle run and exec", "unknown")
    finally:
        # If nothing can be written, removing may fail too.
        with suppress(*[] if whole.state == "ok" else [VolumeError]):
            files.remove_folder(folder)


def _tried(folder: Path) -> Iterator[Finding]:
    for call in VOLUME_CALLS:
        own = folder / call.what.replace(" ", "-")
        volume_files(own).write(own / "old", b"content")
        yield attempt(call, own)


def _name(number: int | None) -> str:
    """The name of an errno; of two names for one number, the one that strict volumes use."""
    return "EOPNOTSUPP" if number == errno.EOPNOTSUPP else errno.errorcode.get(number or 0, "unknown")


def attempt(call: VolumeCall, folder: Path) -> Finding:
    """How the volume responds to a call."""
    try:
        call.run(folder)
    except OSError as error:
        found = f"refused: {_name(error.errno)}, {os.strerror(error.errno or 0)}"
        as_expected = call.refused in (None, error.errno)
    else:
        found, as_expected = "allowed", call.refused is None
    if as_expected:
        return Finding(call.what, found)
    return Finding(call.what, f"{found}; expected {_name(call.refused)}", "unknown", _DIFFERS)


def _whole_files(folder: Path) -> Finding:
    """What every volume must support: write a file, replace it, list it, read it."""
    files, to_do = volume_files(folder), "grant READ VOLUME and WRITE VOLUME: see docs/rights.md"
    try:
        files.write(folder / "file", b"first")
        files.write(folder / "file", b"second")
        content = files.read(folder / "file"), [entry.name for entry in files.list(folder)]
    except Exception as error:
        return Finding("whole files", line(error), "missing", to_do)
    if content != (b"second", ["file"]):
        return Finding("whole files", f"read back differently: {content}", "missing", "check the volume's storage")
    return Finding("whole files", f"written, replaced, listed and read in {folder.parent}")
