"""Makes the kernel refuse system calls of this process and its children, as a sandbox does. Linux only.

As a script: `seccomp.py REFUSED PARSERS_FOLDER FILE...` parses the files; prints the results and the log as JSON.
"""

import ctypes
import errno
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBERS = {
    "x86_64": {"fcntl": 72, "prlimit64": 302, "setitimer": 38, "socket": 41, "execve": 59},
    "aarch64": {"fcntl": 25, "prlimit64": 261, "setitimer": 103, "socket": 198, "execve": 221},
}
# The refused call; if only one use of it is refused, the argument's index and value.
REFUSALS = {
    "signals_by_descriptor": ("fcntl", 1, 10),  # F_SETSIG
    "memory_limit": ("prlimit64", 1, 2),  # RLIMIT_DATA
    "timer": ("setitimer", None, None),
    "fork_server": ("socket", 0, 1),  # AF_UNIX
    "processes": ("execve", None, None),
}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def is_available() -> bool:
    return sys.platform == "linux" and platform.machine() in NUMBERS


def refuse(name: str) -> None:
    """Installs the filter. Raises OSError if the kernel has no such filters."""
    call, argument, value = REFUSALS[name]
    tests = [(0, NUMBERS[platform.machine()][call])]  # offset in struct seccomp_data, expected word
    if argument is not None:
        tests.append((16 + 8 * argument, value))
    code = b""
    for left, (offset, expected) in zip(range(len(tests) - 1, -1, -1), tests, strict=True):
        # If it differs, jump over the remaining tests and the refusal to the last step.
        code += _step(LOAD, 0, offset) + _step(JUMP_IF_EQUAL, 2 * left + 1, expected)
    code += _step(RETURN, 0, REFUSE | errno.EPERM) + _step(RETURN, 0, ALLOW)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if not done or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "no seccomp filters here")


def _step(code: int, else_skip: int, value: int) -> bytes:
    return struct.pack("HBBI", code, 0, else_skip, value)


def main(refused: str, parsers: str, *files: str) -> None:
    import json
    import logging
    from dataclasses import asdict
    from importlib import import_module
    from pathlib import Path

    sys.path.insert(0, parsers)
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("ragops").addHandler(handler)
    from ragops.corpus.documents import sandbox
    from ragops.corpus.documents.limits import MIB, ParseLimits

    sandbox._GRACE_S = 12.0  # time until a hanging parser is ended if timers are refused
    if refused != "nothing":
        refuse(refused)
    behave = import_module("hostile_parsers").behave
    results = []
    # A second pool, to see that nothing is logged twice in a process.
    for some in (files, files[-1:]):
        with sandbox.ParserPool(ParseLimits(timeout_s=2, memory_bytes=512 * MIB), parse=behave) as pool:
            results.append([asdict(pool.parse(Path(file))) for file in some])
    print(json.dumps({"outcomes": results[0], "log": lines}))


if __name__ == "__main__":
    main(*sys.argv[1:])
