"""What strace writes, as calls: whole ones, each with its process, its arguments and its result."""

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
# An argument: quoted text, brackets or braces around more, or what stands up to the next comma.
_ARGUMENT = re.compile(r'\s*((?:"(?:[^"\\]|\\.)*"(?:\.\.\.)?|<[^>]*>|\{[^}]*\}|\[[^]]*\]|[^,])+)')
_FORKS = ("clone", "clone3", "fork", "vfork")


@dataclass
class Process:
    """Where a process is and what it runs; its threads share it."""

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
        """The absolute path that an argument names; a relative one starts at the process's folder, or at a descriptor.

        The end of a path is not followed if it is a link: a call that follows it has a descriptor to look at as well.
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
        """The number of a descriptor that is an argument; -1 for AT_FDCWD and for none."""
        match = re.match(r"\d+", self.arguments[number])
        return int(match[0]) if match else -1


def read_calls(lines: Iterable[str], folder: str) -> Iterator[Call]:
    """The calls of a log made with `-f -y`, in the order of their ends; `folder` is where the command began."""
    processes: dict[str, Process] = {}
    begun: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        pid, text = match[1], match[2]
        process = processes.get(pid) or _made(processes, begun, folder)
        processes[pid] = process
        if text.endswith(_UNFINISHED):
            begun[pid] = text.removesuffix(_UNFINISHED)
            continue
        if resumed := _RESUMED.fullmatch(text):
            text = begun.pop(pid, "") + resumed[1]
        if call := _call(process, text):
            _follow(processes, call)
            yield call


def _made(processes: dict[str, Process], begun: dict[str, str], folder: str) -> Process:
    """A process that is seen before the call that made it has returned: of the last one that has not."""
    for pid, text in reversed(begun.items()):
        if text.split("(")[0] in _FORKS and pid in processes:
            return _child(processes[pid], text)
    return Process(folder, "")


def _child(parent: Process, text: str) -> Process:
    return parent if "CLONE_THREAD" in text else replace(parent)


def _follow(processes: dict[str, Process], call: Call) -> None:
    """Keeps what later calls need: what a process runs, where it is, whom it has made."""
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
    """None for signals, ends of processes, and calls that were interrupted by them."""
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
    """A path, of which strace writes bytes that are no ASCII in octal."""
    return os.fsdecode(codecs.escape_decode(text.encode("latin-1", "surrogateescape"))[0]) if "\\" in text else text
