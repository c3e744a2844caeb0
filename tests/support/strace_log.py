"""The log of strace as complete calls, each with its process, its arguments and its result."""

import codecs
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

_LINE = re.compile(r"(\d+)\s+(.*)")
_UNFINISHED = " <unfinished ...>"
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+)(.*)")
_FILE = re.compile(r"(?:(-?\d+)|AT_FDCWD)<(.*)>(?:\(deleted\))?")
_ESCAPED = re.compile(r'"((?:[^"\\]|\\.)*)"')
# An argument: quoted text, a bracketed group, or the text up to the next comma.
_ARGUMENT = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"(?:\.\.\.)?|<[^>]*>|\{[^}]*\}|\[[^]]*\]|[^,])+)')
_FORKS = ("clone", "clone3", "fork", "vfork")


@dataclass
class Process:
    """The current folder and the program of a process, shared by its threads."""

    folder: str
    program: str


@dataclass(frozen=True)
class Call:
    """A system call that has returned; `error` is the name of its errno, or empty."""

    process: Process
    name: str
    arguments: tuple[str, ...]
    result: int
    opened: str
    error: str

    def path(self, number: int, folder: int | None = None) -> str:
        """The absolute path in an argument; a relative one starts at the process's folder or at a descriptor.

        A link at the end of a path is not followed: a call that follows it also has a descriptor.
        """
        argument = self.arguments[number]
        if match := _FILE.fullmatch(argument):
            return _decoded(match[2])
        match = _ESCAPED.match(argument)
        if match is None:
            return ""
        base = self.process.folder if folder is None else self.path(folder)
        above, last = os.path.split(os.path.join(base, _decoded(match[1])).rstrip("/"))
        return os.path.join(os.path.realpath(above), last)

    def descriptor(self, number: int) -> int:
        """The descriptor in an argument; -1 for AT_FDCWD and for anything else."""
        match = re.match(r"\d+", self.arguments[number])
        return int(match[0]) if match else -1


def read_calls(lines: Iterable[str], folder: str) -> Iterator[Call]:
    """The calls in a log written with `-f -y`, in the order of their ends; the command started in `folder`."""
    processes: dict[str, Process] = {}
    unfinished: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match[1], match[2]
        process = processes.get(pid) or _new_process(processes, unfinished, folder)
        processes[pid] = process
        if text.endswith(_UNFINISHED):
            unfinished[pid] = text.removesuffix(_UNFINISHED)
            continue
        if resumed := _RESUMED.fullmatch(text):
            text = unfinished.pop(pid, "") + resumed[1]
        if call := _call(process, text):
            _follow(processes, call)
            yield call


def _new_process(processes: dict[str, Process], unfinished: dict[str, str], folder: str) -> Process:
    """A process whose first call is logged before its fork returns: a child of the last fork that has not returned."""
    for pid, text in reversed(unfinished.items()):
        if text.split("(")[0] in _FORKS and pid in processes:
            return _child(processes[pid], text)
    return Process(folder, "")


def _child(parent: Process, text: str) -> Process:
    return parent if "CLONE_THREAD" in text else replace(parent)


def _follow(processes: dict[str, Process], call: Call) -> None:
    """Updates the processes: programs, current folders, children."""
    if call.name in _FORKS and call.result > 0:
        processes.setdefault(str(call.result), _child(call.process, " ".join(call.arguments)))
    elif call.name == "execve" and not call.error:
        call.process.program = os.path.basename(call.path(0))
    elif call.name in ("chdir", "fchdir") and not call.error:
        call.process.folder = call.path(0)
    for argument in call.arguments:
        if argument.startswith("AT_FDCWD<") and (match := _FILE.fullmatch(argument)):
            call.process.folder = _decoded(match[2])


def _call(process: Process, text: str) -> Call | None:
    """A line as a call; None for signals, exits, and interrupted calls."""
    match = _CALL.fullmatch(text)
    if match is None:
        return None
    name, arguments, result, rest = match.groups()
    opened = re.match(r"<(.*)>", rest)
    error = re.match(r" (E\w+) ", rest)
    return Call(
        process,
        name,
        tuple(found.strip() for found in _ARGUMENT.findall(arguments)),
        int(result),
        _decoded(opened[1]) if opened else "",
        error[1] if error else "",
    )


def _decoded(text: str) -> str:
    """A path, in which strace writes bytes outside of ASCII in octal."""
    return os.fsdecode(codecs.escape_decode(text.encode("latin-1", "surrogateescape"))[0]) if "\\" in text else text
