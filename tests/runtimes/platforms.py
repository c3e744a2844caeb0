"""The platforms on which tasks run: a runtime with its Python and Spark, and what the jobs install on top."""

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
class Platform:
    """One kind of compute and its runtime."""

    compute: str
    runtime: Runtime

    @property
    def name(self) -> str:
        """A name short enough for a table of 80 columns."""
        return self.runtime.name.removesuffix("-scala2.13")

    @property
    def spark(self) -> str:
        """Spark's minor version."""
        return spark_of(self.runtime.name)


@dataclass(frozen=True)
class Installation:
    """What a task installs on top of its platform: the arguments for pip, with the paths of wheels and files."""

    compute: str
    name: str
    arguments: tuple[str, ...]


def spark_of(runtime: str) -> str:
    """The minor version of a runtime's Spark. Raises KeyError if it is not known."""
    return _SPARK[runtime if runtime.startswith(SERVERLESS) else runtime.split(".")[0]]


def platforms(named: Iterable[str] = (), root: Path = REPOSITORY) -> dict[str, Platform]:
    """The platform of each kind of compute: from environments/runtimes.yml, or the runtimes named instead.

    Raises:
        UserError: there is no list of what a runtime ships.
    """
    chosen = dict(runtimes(root))
    for name in named:
        chosen[SERVERLESS if name.startswith(SERVERLESS) else GPU] = read_runtime(root, name)
    return {compute: Platform(compute, runtime) for compute, runtime in chosen.items()}


def installations(bundle: Bundle) -> Iterator[Installation]:
    """What each job's environments and each task with its own libraries install, by their definitions."""
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
    raise ValueError(f"library {library}: is not a Python library")


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
    """An interpreter of this version, from PATH or pyenv. Does not download one."""
    find = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", version]
    result = subprocess.run(find, capture_output=True, text=True)
    if result.returncode == 0:
        return Path(result.stdout.strip())
    try:
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True).stdout.strip()
    except OSError:
        return None
    return max((Path(root) / "versions").glob(f"{version}.*/bin/python{version}"), default=None)
