"""What each job installs on top of its runtime: `python -m environments.lock`, or `make lock`.

Each requirements file is resolved against the list of packages that its runtime ships, and names only what is missing
there. What it names is pinned, so that a job finds today what it found yesterday; pip installs it as it stands.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.table import Table

from localbundle.errors import BundleError, closest

ROOT = Path(__file__).parents[1]
PLACES = Path("environments/runtimes.yml")
TASKS = Path("environments/requirements.toml")
Parsed = TypeVar("Parsed")
_HEADER = "# Made by `make lock`: what {name} installs on top of {runtime}. Not in here: what that ships.\n"


class Conflict(BundleError):
    """No versions of what a file needs fit beside what its runtime ships."""


class Tasks(BaseModel):
    """environments/requirements.toml, whose comments say what each table is for."""

    model_config = ConfigDict(extra="forbid", strict=True)
    optional: list[str] = []
    serverless: dict[str, list[str]] = {}
    gpu: dict[str, list[str]] = {}
    repacked: dict[str, list[str]] = {}
    twins: dict[str, str] = {}
    replaced: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Runtime:
    """What a kind of compute runs, and the version of each package that is there before a job installs anything."""

    name: str
    python: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class File:
    """One requirements file: its task's name, and the extras of ragops that it brings."""

    runtime: Runtime
    name: str
    extras: tuple[str, ...]

    def path(self, root: Path = ROOT) -> Path:
        """Where it lies."""
        return root / "environments" / "requirements" / self.runtime.name / f"{self.name}.txt"


@dataclass
class Resolution:
    """Packages of a file by what becomes of them; versions by name, of a replaced one the old and the new version."""

    shipped: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The lines of the requirements file."""
        new = {name: version for name, (_, version) in self.replaced.items()}
        return [f"{name}=={version}" for name, version in sorted({**self.added, **new}.items())]


def runtimes(root: Path = ROOT) -> dict[str, Runtime]:
    """The runtime of each kind of compute, `gpu` and `serverless`.

    Raises:
        BundleError: the file cannot be read, a variable is missing, or there is no list of what its runtime ships.
    """
    places, found = _loaded(root, PLACES, yaml.safe_load), []
    for name in ("gpu_runtime", "serverless_version"):
        try:
            found.append(str(places["variables"][name]["default"]))
        except (KeyError, TypeError) as error:
            raise BundleError(f"{PLACES}: '{name}' has no default; give the runtime as its default") from error
    return {"gpu": read_runtime(root, found[0]), "serverless": read_runtime(root, f"serverless-v{found[1]}")}


def read_runtime(root: Path, name: str) -> Runtime:
    """The list of what a runtime ships.

    Raises:
        BundleError: there is none, and those that are nearest; or one of its lines is no pin.
    """
    folder = root / "environments" / "runtimes"
    file = folder / f"{name}.txt"
    if not file.is_file():
        known = sorted(path.stem for path in folder.glob("*.txt"))
        near = get_close_matches(name, known, n=3, cutoff=0) or known
        raise BundleError(
            f"runtime {name}: no list of its packages in environments/runtimes; nearest are {', '.join(near)}; "
            "correct environments/runtimes.yml, or add the list (docs/another-runtime.md)"
        )
    lines = file.read_text("utf-8").splitlines()
    python = next((line.removeprefix("# python ") for line in lines if line.startswith("# python ")), "3.12")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    return Runtime(name, python, dict(_pin(f"{file.relative_to(root)}:{number}", line) for number, line in numbered))


def _pin(place: str, line: str) -> tuple[str, str]:
    """Name and version of NAME==VERSION, whose version may have a local part."""
    try:
        pin = Requirement(line)
        (clause,) = pin.specifier
        if clause.operator != "==" or pin.marker or pin.extras:
            raise ValueError
        Version(clause.version)
    except ValueError:  # those of packaging are of this kind
        raise BundleError(f"{place}: {line.strip()!r} is no pin; write NAME==VERSION") from None
    return canonicalize_name(pin.name), clause.version


def files(root: Path = ROOT) -> Iterator[File]:
    """Every requirements file of environments/requirements.toml.

    Raises:
        BundleError: that cannot be read, or names an extra that pyproject.toml does not have.
    """
    tasks, project = _tasks(root), _loaded(root, Path("pyproject.toml"), tomllib.loads).get("project", {})
    known = set(project.get("optional-dependencies", {}))
    for compute, runtime in runtimes(root).items():
        for name, extras in (tasks.gpu if compute == "gpu" else tasks.serverless).items():
            for extra in extras:
                if canonicalize_name(extra) not in map(canonicalize_name, known):
                    raise BundleError(f"{TASKS}: {name}: no extra {extra} in pyproject.toml; {closest(extra, known)}")
            yield File(runtime, name, tuple(extras))


def resolve(file: File, root: Path = ROOT, pins: Mapping[str, str] | None = None) -> Resolution:
    """What a file has to name: at the versions of `pins`, where these name some.

    Raises:
        Conflict: what it needs cannot be had beside what its runtime ships, or has to be compiled.
        BundleError: it could not be found out, as where the package index is out of reach.
    """
    found, repacked = Resolution(), _tasks(root).repacked
    for name, version in _compiled(file, root, pins or {}).items():
        shipped = file.runtime.packages.get(name)
        if name in repacked:
            continue
        if shipped is None:
            found.added[name] = version
        elif Version(version) == Version(shipped):
            found.shipped[name] = version
        else:
            found.replaced[name] = (shipped, version)
    _check_wheels(file, found.lines)
    return found


def read(file: File, root: Path = ROOT) -> dict[str, str]:
    """The versions that a requirements file names.

    Raises:
        BundleError: there is none.
    """
    if not file.path(root).is_file():
        raise BundleError(f"{file.path(root).relative_to(root)} is missing; make it with: make lock")
    lines = file.path(root).read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def _tasks(root: Path) -> Tasks:
    """environments/requirements.toml; a table that is not there is empty."""
    try:
        return Tasks.model_validate(_loaded(root, TASKS, tomllib.loads))
    except ValidationError as error:
        fault = error.errors()[0]
        place, result = (
            ".".join(map(str, fault["loc"])),
            fault["msg"].removeprefix("Input ").replace("dictionary", "table"),
        )
        if fault["type"] == "extra_forbidden":
            raise BundleError(f"{TASKS}: no table {place} is known; {closest(place, Tasks.model_fields)}") from None
        raise BundleError(f"{TASKS}: {place} {result}; correct it as the comments there say") from None


def _loaded(root: Path, name: Path, parse: Callable[[str], Parsed]) -> Parsed:
    """What a YAML or TOML file has; raises BundleError where it is missing or is not written as such."""
    try:
        return parse((root / name).read_text("utf-8"))
    except OSError as error:
        raise BundleError(f"{name}: {error.strerror}; take it from version control again") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BundleError(f"{name}:{line}: {error.problem}; correct it") from error
    except (yaml.YAMLError, ValueError) as error:
        raise BundleError(f"{name}: {' '.join(str(error).split())}; correct it") from error


def _compiled(file: File, root: Path, pins: Mapping[str, str]) -> dict[str, str]:
    """All packages of a file's extras, at versions that its runtime allows."""
    shipped, tasks = file.runtime.packages, _tasks(root)
    kept = {name: version for name, version in shipped.items() if name not in tasks.replaced.get(file.name, {})}
    twins = {one: shipped[other] for one, other in tasks.twins.items() if other in shipped}
    repacked = {package for packages in tasks.repacked.values() for package in packages}
    found = _resolved(file, root, {**pins, **twins, **kept}, repacked - kept.keys())
    if "torch" not in kept:
        return found
    # What only torch asks for (CUDA, Triton) is inside the runtime's torch or beside it, under whatever names.
    without_torch = _resolved(file, root, found, {*repacked - kept.keys(), "torch"})
    return {name: version for name, version in found.items() if name in {*without_torch, *kept}}


def _resolved(file: File, root: Path, pins: Mapping[str, str], left_out: Set[str]) -> dict[str, str]:
    """What a file's extras ask for, directly or not, apart from some packages and what only these ask for."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, overrides = Path(folder) / "constraints.txt", Path(folder) / "overrides.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), "utf-8")
        overrides.write_text("".join(f'{name} ; python_version < "0"\n' for name in sorted(left_out)), "utf-8")
        extras = [word for extra in file.extras for word in ("--extra", extra)]
        limits = ["--constraint", str(constraints), "--override", str(overrides)]
        return _uv(file, "pyproject.toml", *extras, *limits, cwd=root)


def _check_wheels(file: File, lines: list[str]) -> None:
    """Raises Conflict for a package that would be compiled where the job runs."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "added.txt").write_text("\n".join(lines), "utf-8")
        _uv(file, "added.txt", "--no-deps", "--no-build", cwd=Path(folder))


def _uv(file: File, *arguments: str, cwd: Path) -> dict[str, str]:
    """What uv makes of it, by name."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-emit-index-url",
        "--python-version", file.runtime.python, "--python-platform", "x86_64-manylinux_2_35", *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise _refusal(f"{file.name} on {file.runtime.name}", done.stderr)
    pins = [Requirement(line) for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}


def _refusal(where: str, result: str) -> BundleError:
    """The first reason of uv in one line, and what to do; all that it says where no versions are in conflict."""
    text = " ".join(word for word in result.split() if word not in {"×", "╰─▶", "│", "cause:"})
    conflict = re.search(r"Because (.*?), we can conclude", text)
    # Said in the same form of an index without the package, and of a machine that is offline.
    if conflict is None or "not found in the" in conflict[1]:
        return BundleError(f"{where}: {text.removeprefix('error: ')}; correct it, or check the package index")
    return Conflict(
        f"{where}: cannot be installed beside what that ships ({conflict[1]}); widen a bound in pyproject.toml, or "
        f"allow the replacement in {TASKS}"
    )


def write(file: File, found: Resolution, root: Path = ROOT) -> None:
    """Writes a requirements file."""
    file.path(root).parent.mkdir(parents=True, exist_ok=True)
    lines = [_HEADER.format(name=file.name, runtime=file.runtime.name), *(f"{line}\n" for line in found.lines)]
    file.path(root).write_text("".join(lines), "utf-8")


def main(root: Path = ROOT) -> None:
    """Resolves every file, then writes all; prints how many packages each is given, adds and replaces."""
    console = Console()
    table = Table("requirements", "shipped", "added", "replaced", box=None)
    try:
        # Nothing is written before everything is known, so that an error leaves the files of one run.
        found = [(file, _wanted(file, root, console)) for file in list(files(root))]
    except BundleError as error:
        sys.exit(f"error: {error}")
    for file, resolution in found:
        table.add_row(f"{file.runtime.name}/{file.name}", *_locked(file, resolution, root))
    console.print(table)


def _wanted(file: File, root: Path, console: Console) -> Resolution | None:
    """What a file has to name; none for one that is optional and cannot be had."""
    console.print(f"resolving {file.runtime.name}/{file.name}", style="dim", highlight=False)
    try:
        return resolve(file, root)
    except Conflict:
        if file.name not in _tasks(root).optional:
            raise
        return None


def _locked(file: File, found: Resolution | None, root: Path) -> tuple[str, str, str]:
    """Writes a file, or removes one that cannot be had, and returns its figures."""
    if found is None:
        file.path(root).unlink(missing_ok=True)
        return "-", "-", "none of its versions fits"
    write(file, found, root)
    return str(len(found.shipped)), str(len(found.added)), ", ".join(sorted(found.replaced)) or "-"


if __name__ == "__main__":
    main()
