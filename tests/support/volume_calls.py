"""System calls under a folder that a volume on Databricks refuses, made by any code: Python, SQLite, Rust.

`localbundle.volumes.strict` sees only Python's calls; strace sees all. The same calls are refused, and also writes that
are not sequential, which Python's audit events do not show.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.strace_log import Call, read_calls

# Each call with the arguments that name its paths; in a pair the first is the folder of the second.
_PATHS: dict[str, tuple[tuple[int | None, int], ...]] = {
    **dict.fromkeys(("rename", "link"), ((None, 0), (None, 1))),
    **dict.fromkeys(("renameat", "renameat2", "linkat"), ((0, 1), (2, 3))),
    "symlink": ((None, 1),),
    "symlinkat": ((1, 2),),
    **dict.fromkeys(("fchmodat", "fchmodat2", "fchownat", "futimesat", "mknodat"), ((0, 1),)),
    **dict.fromkeys(("chmod", "chown", "lchown", "utime", "utimes", "fchmod", "fchown", "mknod"), ((None, 0),)),
    **dict.fromkeys(("setxattr", "lsetxattr", "fsetxattr", "fallocate", "flock"), ((None, 0),)),
    **dict.fromkeys(("removexattr", "lremovexattr", "fremovexattr"), ((None, 0),)),
}
_KINDS = ("rename", "symlink", "link", "lock", "chmod", "chown", "utime", "xattr", "mknod")
_OPENING = {"open": (None, 0, 1), "openat": (0, 1, 2)}
_WRITING = ("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range")
_REMOVING = {"unlink": (None, 0), "unlinkat": (0, 1)}
_OTHERS = ("creat", "fcntl", "utimensat", "truncate", "ftruncate", "lseek", "mmap")
_FOLLOWED = ("clone", "clone3", "fork", "vfork", "execve", "chdir", "fchdir")
_TRACED = (*_PATHS, *_OPENING, *_WRITING, *_REMOVING, *_OTHERS, *_FOLLOWED)
_STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "0")


@dataclass(frozen=True)
class VolumeCall:
    """A refused call: its name and effect, the path under the folder, and the program that made it."""

    name: str
    what: str
    path: str
    program: str


@dataclass(frozen=True)
class Traced:
    """A finished command, and its calls that a volume refuses."""

    done: subprocess.CompletedProcess[str]
    calls: list[VolumeCall]


@cache
def why_not() -> str:
    """Why commands cannot be traced on this machine; empty if they can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run([*_STRACE, "-o", os.devnull, "true"], capture_output=True, text=True)
    return f"strace cannot trace here: {done.stderr.strip()}" if done.returncode else ""


def traced(
    command: Sequence[str | Path],
    folder: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    without: tuple[str, ...] = ("java",),
) -> Traced:
    """Runs a command and its child processes.

    Args:
        command: the command and its arguments.
        folder: the volume, or a folder with several.
        cwd: where the command runs.
        env: its environment, if not this process's.
        without: programs whose calls are ignored; Spark's go to the storage itself and not through the mount.
    """
    with tempfile.NamedTemporaryFile("r", encoding="latin-1", suffix=".strace") as log:
        options = ["-e", "trace=" + ",".join(f"?{name}" for name in _TRACED), "-o", log.name]
        words = [*_STRACE, *options, *map(str, command)]
        done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True)
        calls = list(refused(read_calls(log, os.path.realpath(cwd or os.getcwd())), folder))
    return Traced(done, [call for call in calls if call.program not in without])


def refused(calls: Iterable[Call], folder: Path) -> Iterator[VolumeCall]:
    """The calls that a volume in this folder refuses, without those that failed because the file does not exist."""
    root = os.path.realpath(folder)
    order = _Order()
    for call in calls:
        if call.error == "ENOENT":
            continue
        for what, path in (*_refused(call), *order.broken(call)):
            if path == root or path.startswith(root + "/"):
                yield VolumeCall(call.name, what, path, call.process.program)


def _refused(call: Call) -> Iterator[tuple[str, str]]:
    """The effects of a call and their paths, in any folder."""
    for folder, number in _PATHS.get(call.name, ()):
        yield next((kind for kind in _KINDS if kind in call.name), call.name), call.path(number, folder)
    special = _SPECIAL.get(call.name)
    if special is not None:
        yield from special(call)


def _opening(call: Call) -> Iterator[tuple[str, str]]:
    folder, number, flags = _OPENING[call.name]
    wanted = call.arguments[flags].split("|")
    path = call.opened or call.path(number, folder)
    if "O_APPEND" in wanted and "O_RDONLY" not in wanted:
        yield "append", path
    elif "O_RDWR" in wanted and not {"O_TRUNC", "O_EXCL"} & set(wanted):
        yield "change in place", path


def _locking(call: Call) -> Iterator[tuple[str, str]]:
    if call.arguments[1] in ("F_SETLK", "F_SETLKW", "F_OFD_SETLK", "F_OFD_SETLKW"):
        yield "lock", call.path(0)


def _timing(call: Call) -> Iterator[tuple[str, str]]:
    """Without a path the call applies to the descriptor."""
    yield "utime", call.path(0) if call.arguments[1] == "NULL" else call.path(1, 0)


def _cutting(call: Call) -> Iterator[tuple[str, str]]:
    if call.arguments[1] != "0":
        yield "truncate", call.path(0)


def _mapping(call: Call) -> Iterator[tuple[str, str]]:
    if "PROT_WRITE" in call.arguments[2] and "MAP_SHARED" in call.arguments[3]:
        yield "change in place", call.path(4)


_SPECIAL: dict[str, Callable[[Call], Iterator[tuple[str, str]]]] = {
    **dict.fromkeys(_OPENING, _opening),
    **dict.fromkeys(("truncate", "ftruncate"), _cutting),
    "fcntl": _locking,
    "utimensat": _timing,
    "mmap": _mapping,
}


class _Order:
    """The end of each file and the position of each descriptor: a volume allows writes only at the end of a file."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}
        self._positions: dict[tuple[str, int], int] = {}

    def broken(self, call: Call) -> Iterator[tuple[str, str]]:
        """Follows a call; yields it if it writes anywhere but at the end of the file."""
        if call.name in _WRITING and call.result > 0:
            yield from self._write(call, 2 if call.name == "copy_file_range" else 0)
        elif call.name in ("open", "openat", "creat") and call.opened:
            self._open(call)
        elif call.name == "lseek" and call.result >= 0:
            self._positions[call.path(0), call.descriptor(0)] = call.result
        elif call.name == "ftruncate" and call.arguments[1] == "0":
            self._ends[call.path(0)] = 0
        elif call.name in _REMOVING:
            folder, number = _REMOVING[call.name]
            self._ends.pop(call.path(number, folder), None)

    def _open(self, call: Call) -> None:
        self._positions[call.opened, call.result] = 0
        if call.name == "creat" or "O_TRUNC" in " ".join(call.arguments):
            self._ends[call.opened] = 0

    def _write(self, call: Call, target: int) -> Iterator[tuple[str, str]]:
        path, descriptor = call.path(target), call.descriptor(target)
        end = self._ends.get(path, 0)
        if call.name.startswith("pwrite"):
            start = int(call.arguments[3])
        elif call.name == "copy_file_range" and call.arguments[3] != "NULL":
            start = int(call.arguments[3].strip("[]").split(" ")[0])
        else:
            # A descriptor whose opening is not in the log is a copy of another one and has its position.
            start = self._positions.get((path, descriptor), end)
            self._positions[path, descriptor] = start + call.result
        self._ends[path] = max(end, start + call.result)
        if start != end:
            yield "write out of order", path
