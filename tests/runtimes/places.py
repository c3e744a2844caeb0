"""The places where tasks run: a runtime with its Python and Spark, and what the definitions install on top there."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import absolute_path, located_like

from environments.lock import Runtime, read_runtime, runtimes
from tests.runtimes.commands import REPOSITORY

GPU, SERVERLESS = "gpu", "serverless"
# Spark's minor version by the first number of a runtime's name; of serverless that of its client.
_SPARK = {"18": "4.1", "19": "4.2", "serverless-v5": "4.1", "serverless-v6": "4.2"}


@dataclass(frozen=True)
class Place:
    """One kind of compute with the runtime it has here."""

    compute: str
    runtime: Runtime

    @property
    def name(self) -> str:
        """Short enough for a table of 80 columns."""
        return self.runtime.name.removesuffix("-scala2.13")

    @property
    def spark(self) -> str:
        """Spark's minor version."""
        return spark_of(self.runtime.name)


@dataclass(frozen=True)
class Installation:
    """What a task's environment installs on top of its place: `arguments` for pip, wheels and files by their paths."""

    compute: str
    name: str
    arguments: tuple[str, ...]


def spark_of(runtime: str) -> str:
    """The minor version of the Spark of a runtime. Raises KeyError for a runtime of which that is not known."""
    return _SPARK[runtime if runtime.startswith(SERVERLESS) else runtime.split(".")[0]]


def places(named: Iterable[str] = (), root: Path = REPOSITORY) -> dict[str, Place]:
    """The place of each kind of compute: as environments/runtimes.yml says, or the runtimes that are named instead.

    Raises:
        BundleError: there is no list of what a runtime ships.
    """
    chosen = dict(runtimes(root))
    for name in named:
        chosen[SERVERLESS if name.startswith(SERVERLESS) else GPU] = read_runtime(root, name)
    return {compute: Place(compute, runtime) for compute, runtime in chosen.items()}


def installations(bundle: Bundle) -> Iterator[Installation]:
    """What each job's environments install, and each task with libraries of its own: as the definitions say it."""
    for key, job in bundle.jobs.items():
        for environment in job.get("environments") or []:
            lines = (environment.get("spec") or {}).get("dependencies") or []
            yield Installation(SERVERLESS, key, _arguments(bundle, lines))
        for task in job.get("tasks") or []:
            if libraries := task.get("libraries"):
                yield Installation(GPU, f"{key}.{task['task_key']}", _arguments(bundle, map(_line, libraries)))


def _line(library: Mapping[str, Any]) -> str:
    match library:
        case {"requirements": str(path)}:
            return located_like(path, f"-r {path}")
        case {"whl": str(line)} | {"pypi": {"package": str(line)}}:
            return line
    raise ValueError(f"library {library}: is none of Python's")


def _arguments(bundle: Bundle, lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for line in lines for word in _words(bundle, line))


def _words(bundle: Bundle, line: str) -> list[str]:
    if line.startswith("-r"):
        return ["-r", str(absolute_path(located_like(line, line.removeprefix("-r").strip()), bundle.root))]
    path, wheel, extras = line.partition(".whl")
    if not wheel:
        return [line]
    pattern = absolute_path(located_like(line, path + wheel), bundle.root)
    return [f"{file}{extras}" for file in sorted(pattern.parent.glob(pattern.name))]


def find_python(version: str) -> Path | None:
    """An interpreter of this version, from PATH or of pyenv; none is downloaded."""
    find = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", version]
    result = subprocess.run(find, capture_output=True, text=True)
    if result.returncode == 0:
        return Path(result.stdout.strip())
    try:
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout.strip()
    except OSError:
        return None
    return max((Path(root) / "versions").glob(f"{version}.*/bin/python{version}"), default=None)
