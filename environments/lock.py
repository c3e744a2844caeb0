"""What each job installs on top of its runtime: `python -m environments.lock`, or `make lock`.

Each requirements file is resolved against the list of packages that its runtime ships, and names only what is missing
there. What it names is pinned, so that a job finds today what it found yesterday; pip installs it as it stands.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rich.console import Console
from rich.table import Table

from localbundle.errors import BundleError

ROOT = Path(__file__).parents[1]
PLACES = Path("environments/runtimes.yml")
TASKS = Path("environments/requirements.toml")
_HEADER = "# Made by `make lock`: what {name} installs on top of {runtime}. Not in here: what that ships.\n"


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
        BundleError: a variable is missing, or there is no list of what its runtime ships.
    """
    file = root / PLACES
    variables = yaml.safe_load(file.read_text("utf-8"))["variables"]
    try:
        gpu, version = (str(variables[name]["default"]) for name in ("gpu_runtime", "serverless_version"))
    except (KeyError, TypeError) as error:
        raise BundleError(f"{PLACES}: {error} has no default; give the runtime as its default") from error
    return {"gpu": read_runtime(root, gpu), "serverless": read_runtime(root, f"serverless-v{version}")}


def read_runtime(root: Path, name: str) -> Runtime:
    """The list of what a runtime ships.

    Raises:
        BundleError: there is none; names those that are nearest.
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
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return Runtime(name, python, {canonicalize_name(package): version for package, version in pins})


def files(root: Path = ROOT) -> Iterator[File]:
    """Every requirements file of environments/requirements.toml."""
    for compute, runtime in runtimes(root).items():
        for name, extras in _table(root, compute).items():
            yield File(runtime, name, tuple(extras))


def resolve(file: File, root: Path = ROOT, pins: Mapping[str, str] | None = None) -> Resolution:
    """What a file has to name: at the versions of `pins`, where these name some.

    Raises:
        BundleError: what it needs cannot be had beside what its runtime ships, or has to be compiled.
    """
    found = Resolution()
    for name, version in _compiled(file, root, pins or {}).items():
        shipped = file.runtime.packages.get(name)
        if name in _table(root, "repacked"):
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


def _table(root: Path, *keys: str) -> Mapping[str, Any]:
    """A table of environments/requirements.toml; empty where there is none."""
    table: Mapping[str, Any] = tomllib.loads((root / TASKS).read_text("utf-8"))
    for key in keys:
        table = table.get(key) or {}
    return table


def _compiled(file: File, root: Path, pins: Mapping[str, str]) -> dict[str, str]:
    """All packages of a file's extras, at versions that its runtime allows."""
    shipped = file.runtime.packages
    kept = {name: version for name, version in shipped.items() if name not in _table(root, "replaced", file.name)}
    twins = {one: shipped[other] for one, other in _table(root, "twins").items() if other in shipped}
    repacked = {package for packages in _table(root, "repacked").values() for package in packages}
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
    """Raises BundleError for a package that would be compiled where the job runs."""
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
        raise BundleError(f"{file.name} on {file.runtime.name}: {_reason(done.stderr)}")
    pins = [Requirement(line) for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}


def _equal(version: str, shipped: str) -> bool:
    return Version(version) == Version(shipped)


def _reason(told: str) -> str:
    """uv's first reason in one line, and what to do; all that it says where it is of another kind."""
    text = " ".join(word for word in told.split() if word not in {"×", "╰─▶", "│"})
    conflict = re.search(r"(?:cause:\s*)?Because (.*?), we can conclude", text)
    if conflict is None:
        return text
    return (
        f"cannot be installed beside what that ships ({conflict[1]}); widen a bound in pyproject.toml, or allow the "
        f"replacement in {TASKS}"
    )


def write(file: File, found: Resolution, root: Path = ROOT) -> None:
    """Writes a requirements file."""
    file.path(root).parent.mkdir(parents=True, exist_ok=True)
    lines = [_HEADER.format(name=file.name, runtime=file.runtime.name), *(f"{line}\n" for line in found.lines)]
    file.path(root).write_text("".join(lines), "utf-8")


def main(root: Path = ROOT) -> None:
    """Writes every file, and prints how many packages each is given, adds and replaces."""
    console = Console()
    table = Table("requirements", "shipped", "added", "replaced", box=None)
    try:
        for file in files(root):
            console.print(f"resolving {file.runtime.name}/{file.name}", style="dim", highlight=False)
            row = _locked(file, root)
            table.add_row(f"{file.runtime.name}/{file.name}", *row)
    except BundleError as error:
        sys.exit(f"error: {error}")
    console.print(table)


def _locked(file: File, root: Path) -> tuple[str, str, str]:
    """Writes a file, and returns its figures; removes one that is optional and cannot be had."""
    try:
        found = resolve(file, root)
    except BundleError:
        if file.name not in tomllib.loads((root / TASKS).read_text("utf-8")).get("optional", []):
            raise
        file.path(root).unlink(missing_ok=True)
        return "-", "-", "none of its versions fits"
    write(file, found, root)
    return str(len(found.shipped)), str(len(found.added)), ", ".join(sorted(found.replaced)) or "-"


if __name__ == "__main__":
    main()
