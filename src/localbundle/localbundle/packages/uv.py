"""uv, which resolves and installs packages: its command, its plan, its errors as one line."""

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from localbundle.errors import BundleError

# Settings of the environment or the project that a user works in, which are not for this one.
_NOT_OURS = ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON", "UV_TARGET")
_CHANGE = re.compile(
    r"^ [+~] (?P<name>[\w.-]+)(?:==(?P<version>\S+)(?: \(from (?P<from>\S+)\))?| @ (?P<url>\S+))", re.M
)
_FRAME = re.compile(r"^\s*(?:error:|cause:|Caused by:|[×╰├│─▶\s]+)\s*")
_CONCLUSION = re.compile(r",? we can conclude that (?:your requirements are|the requirements are) unsatisfiable")


def uv_command() -> str:
    """The path of uv: beside this Python, where localbundle's own is, else on PATH.

    Raises:
        BundleError: there is none.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    found = shutil.which("uv", path=path)
    if found is None:
        raise BundleError("uv is not installed, and packages have to be; run `pip install uv`")
    return found


def run_uv(arguments: Sequence[str | Path], folder: Path, keep_open: Sequence[int] = ()) -> str:
    """Runs uv in a folder, whose settings for uv apply, and returns what it printed.

    Args:
        arguments: of the command.
        folder: the bundle's folder.
        keep_open: file descriptors, for example of a lock, that it holds too.

    Raises:
        UvError: it failed.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    done = subprocess.run(
        [uv_command(), "--color", "never", "--no-progress", *map(str, arguments)],
        cwd=folder, env=environment, capture_output=True, text=True, errors="replace", pass_fds=keep_open,
    )  # fmt: skip
    if done.returncode:
        raise UvError(done.stderr)
    return f"{done.stdout}\n{done.stderr}"


class UvError(Exception):
    """What uv printed when it failed; as text, the reason in one line."""

    def __str__(self) -> str:
        output = str(self.args[0])
        blocks = [_unframed(block) for block in _blocks(output)]
        if not blocks:
            return "no output"
        if "No solution found" in blocks[0] and len(blocks) > 1:
            return _CONCLUSION.sub("", blocks[1]).rstrip(". ")
        return ": ".join(dict.fromkeys((blocks[0], blocks[-1]))).rstrip(". ")

    @property
    def output(self) -> str:
        """All of it."""
        return str(self.args[0])

    @property
    def is_offline(self) -> bool:
        """Whether uv could not reach a package index."""
        return any(mark in self.output for mark in ("error sending request", "dns error", "network was disabled"))


def planned_changes(output: str) -> dict[str, str]:
    """The lines that install what a dry run of `uv pip install` would install, by package and version.

    Example: `{"rich 14.0": "rich==14.0", "mine 1.0": "mine @ file:///mine-1.0-py3-none-any.whl"}`.
    """
    found = {}
    for change in _CHANGE.finditer(output):
        url = change["from"] or change["url"]
        version = change["version"] or _version_of(url)
        exact = f"{change['name']} @ {url}" if url else f"{change['name']}=={version}"
        found[f"{change['name']} {version}".rstrip()] = exact
    return found


def _version_of(url: str) -> str:
    """The version in a wheel's name; "" for anything else."""
    try:
        return str(parse_wheel_filename(unquote(url.rpartition("/")[2]))[1])
    except InvalidWheelFilename:
        return ""


def _blocks(output: str) -> list[list[str]]:
    """The error and its causes, each with the lines that continue it; hints and notes left out."""
    blocks: list[list[str]] = []
    for line in output.splitlines():
        if re.match(r"\s*(?:error:|cause:|Caused by:|×|╰─▶|├─▶)", line):
            blocks.append([line])
        elif not line.strip() or re.match(r"\s*(?:hint|help|warning):|\S", line):
            blocks += [[]] if blocks and blocks[-1] else []  # what follows belongs to none of them
        elif blocks and blocks[-1]:
            blocks[-1].append(line)
    return [block for block in blocks if block]


def _unframed(block: list[str]) -> str:
    return " ".join(_FRAME.sub("", line).strip() for line in block)
