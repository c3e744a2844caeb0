"""Locks the packages that each job installs on top of its runtime: `python -m environments.lock`, or `make lock`.

Each requirements file is resolved against the list of packages that its runtime ships, and lists only those that are
missing there, pinned, so that every run of a job gets the same versions. Plain pip can install it.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
import yamlcore
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import BaseModel, ConfigDict, ValidationError
from rich.console import Console
from rich.table import Table

from ragops.errors import UserError
from ragops.text import closest, one_line

ROOT = Path(__file__).parents[1]
RUNTIMES = Path("environments/runtimes.yml")
# By kind of compute: the variable, and what comes before its value in the runtime's name.
_RUNTIME_VARIABLES = {"gpu": ("gpu_runtime", ""), "serverless": ("serverless_version", "serverless-v")}
TASKS = Path("environments/requirements.toml")
Parsed = TypeVar("Parsed")
_HEADER = (
    "# Made by `make lock`: what {name} installs on top of {runtime}. Packages that the runtime ships are not listed.\n"
)


class Conflict(UserError):
    """What a file needs conflicts with the packages that its runtime ships."""


class Tasks(BaseModel):
    """environments/requirements.toml; its comments explain each table."""

    model_config = ConfigDict(extra="forbid", strict=True)
    optional: list[str] = []
    serverless: dict[str, list[str]] = {}
    gpu: dict[str, list[str]] = {}
    app: dict[str, list[str]] = {}
    twins: dict[str, str] = {}
    replaced: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class Runtime:
    """The runtime of a kind of compute: its Python, and the versions of the packages that it ships."""

    name: str
    python: str
    packages: Mapping[str, str]


APP = Runtime("app-python3.11", "3.11", {})
"""Databricks Apps: an environment of their own, of which nothing is relied on but its Python."""


@dataclass(frozen=True)
class File:
    """One requirements file: the name of its task, and the extras of ragops that it installs."""

    runtime: Runtime
    name: str
    extras: tuple[str, ...]

    def path(self, root: Path = ROOT) -> Path:
        """The path of the requirements file."""
        return root / "environments" / "requirements" / self.runtime.name / f"{self.name}.txt"


@dataclass
class Resolution:
    """The packages that a file needs.

    Attributes:
        shipped: version by name of those that the runtime ships.
        added: version by name of those that the file adds.
        replaced: old and new version by name of those that the file replaces.
    """

    shipped: dict[str, str] = field(default_factory=dict)
    added: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The lines of the requirements file."""
        new = {name: version for name, (_, version) in self.replaced.items()}
        return [f"{name}=={version}" for name, version in sorted({**self.added, **new}.items())]


def runtimes(root: Path = ROOT, kinds: Collection[str] = ("gpu", "serverless")) -> dict[str, Runtime]:
    """The runtime of each kind of compute.

    Raises:
        UserError: the file cannot be read, a variable is missing, or a runtime has no list of packages.
    """
    written, names = _loaded(root, RUNTIMES, _yaml), {}
    for kind, (variable, prefix) in _RUNTIME_VARIABLES.items():
        try:
            if kind in kinds:
                names[kind] = f"{prefix}{written['variables'][variable]['default']}"
        except (KeyError, TypeError) as error:
            raise UserError(f"{RUNTIMES}: '{variable}' has no default; set the runtime as its default") from error
    return {kind: read_runtime(root, name) for kind, name in names.items()}


def read_runtime(root: Path, name: str) -> Runtime:
    """The packages that a runtime ships.

    Raises:
        UserError: it has no list, or a line of the list is not a pin.
    """
    folder = root / "environments" / "runtimes"
    file = folder / f"{name}.txt"
    if not file.is_file():
        known = sorted(path.stem for path in folder.glob("*.txt"))
        near = get_close_matches(name, known, n=3, cutoff=0) or known
        raise UserError(
            f"runtime {name}: no list of its packages in environments/runtimes; closest are {', '.join(near)}; "
            "correct environments/runtimes.yml, or add the list (docs/another-runtime.md)"
        )
    lines = file.read_text("utf-8").splitlines()
    python = next((line.removeprefix("# python ") for line in lines if line.startswith("# python ")), "3.12")
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
    return Runtime(name, python, dict(_pin(f"{file.relative_to(root)}:{number}", line) for number, line in numbered))


def _pin(location: str, line: str) -> tuple[str, str]:
    """Name and version of NAME==VERSION; the version may have a local part."""
    try:
        pin = Requirement(line)
        (clause,) = pin.specifier
        if clause.operator != "==" or pin.marker or pin.extras:
            raise ValueError
        Version(clause.version)
    except ValueError:  # also packaging's own errors
        raise UserError(f"{location}: {line.strip()!r} is not a pin; write NAME==VERSION") from None
    return canonicalize_name(pin.name), clause.version


def files(root: Path = ROOT) -> Iterator[File]:
    """Every requirements file of environments/requirements.toml.

    Raises:
        UserError: the TOML file cannot be read, or names an extra that pyproject.toml does not have.
    """
    tasks, project = _tasks(root), _loaded(root, Path("pyproject.toml"), tomllib.loads).get("project", {})
    known = set(project.get("optional-dependencies", {}))
    by_compute = {"gpu": tasks.gpu, "serverless": tasks.serverless, "app": tasks.app}
    # A project without GPUs has no such runtime.
    used = [kind for kind in _RUNTIME_VARIABLES if by_compute[kind]]
    for compute, runtime in (runtimes(root, used) | {"app": APP}).items():
        for name, extras in by_compute[compute].items():
            for extra in extras:
                if canonicalize_name(extra) not in map(canonicalize_name, known):
                    raise UserError(f"{TASKS}: {name}: no extra {extra} in pyproject.toml; {_hint(extra, known)}")
            yield File(runtime, name, tuple(extras))


def resolve(file: File, root: Path = ROOT, pins: Mapping[str, str] | None = None) -> Resolution:
    """Resolves the packages of a file.

    Args:
        file: the file.
        root: of the repository.
        pins: versions to keep, by name.

    Raises:
        Conflict: a package conflicts with what the runtime ships, or would have to be compiled.
        UserError: the resolution failed, for example because the package index cannot be reached.
    """
    found = Resolution()
    for name, version in _compiled(file, root, pins or {}).items():
        shipped = file.runtime.packages.get(name)
        if shipped is None:
            found.added[name] = version
        elif Version(version) == Version(shipped):
            found.shipped[name] = version
        else:
            found.replaced[name] = (shipped, version)
    _check_wheels(file, found.lines)
    return found


def read(file: File, root: Path = ROOT) -> dict[str, str]:
    """The versions in a requirements file.

    Raises:
        UserError: the file does not exist.
    """
    if not file.path(root).is_file():
        raise UserError(f"{file.path(root).relative_to(root)} is missing; create it with: make lock")
    lines = file.path(root).read_text("utf-8").splitlines()
    return dict(line.partition("  #")[0].split("==") for line in lines if not line.startswith("#"))


def _tasks(root: Path) -> Tasks:
    """environments/requirements.toml; missing tables are empty."""
    try:
        return Tasks.model_validate(_loaded(root, TASKS, tomllib.loads))
    except ValidationError as error:
        fault = error.errors()[0]
        table = ".".join(map(str, fault["loc"]))
        message = fault["msg"].removeprefix("Input ").replace("dictionary", "table")
        if fault["type"] == "extra_forbidden":
            raise UserError(f"{TASKS}: unknown table {table}; {_hint(table, Tasks.model_fields)}") from None
        raise UserError(f"{TASKS}: {table} {message}; correct it, following the comments in the file") from None


def _yaml(text: str) -> Any:  # noqa: ANN401 - the caller validates it
    """YAML 1.2, as the Databricks CLI reads the same file."""
    return yaml.load(text, yamlcore.CCoreLoader)


def _loaded(root: Path, name: Path, parse: Callable[[str], Parsed]) -> Parsed:
    """The content of a YAML or TOML file. Raises UserError if it is missing or malformed."""
    try:
        return parse((root / name).read_text("utf-8"))
    except OSError as error:
        raise UserError(f"{name}: {error.strerror}; restore it from version control") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{name}:{line}: {error.problem}; correct it") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{name}: {one_line(error)}; correct it") from error


def _compiled(file: File, root: Path, pins: Mapping[str, str]) -> dict[str, str]:
    """All packages of a file's extras, at versions that its runtime allows."""
    shipped, tasks = file.runtime.packages, _tasks(root)
    kept = {name: version for name, version in shipped.items() if name not in tasks.replaced.get(file.name, {})}
    twins = {one: shipped[other] for one, other in tasks.twins.items() if other in shipped}
    found = _resolved(file, root, {**pins, **twins, **kept}, frozenset())
    if "torch" not in kept:
        return found
    # Packages that only torch needs (CUDA, Triton) come with the runtime's torch, possibly under other names.
    without_torch = _resolved(file, root, found, {"torch"})
    return {name: version for name, version in found.items() if name in {*without_torch, *kept}}


def _resolved(file: File, root: Path, pins: Mapping[str, str], left_out: Set[str]) -> dict[str, str]:
    """The direct and indirect requirements of a file's extras, without `left_out` and what only those require."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, overrides = Path(folder) / "constraints.txt", Path(folder) / "overrides.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()), "utf-8")
        overrides.write_text("".join(f'{name} ; python_version < "0"\n' for name in sorted(left_out)), "utf-8")
        extras = [word for extra in file.extras for word in ("--extra", extra)]
        limits = ["--constraint", str(constraints), "--override", str(overrides)]
        return _uv(file, "pyproject.toml", *extras, *limits, cwd=root)


def _check_wheels(file: File, lines: list[str]) -> None:
    """Raises Conflict for a package without a wheel, which would have to be compiled when the job starts."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "added.txt").write_text("\n".join(lines), "utf-8")
        _uv(file, "added.txt", "--no-deps", "--no-build", cwd=Path(folder))


def _uv(file: File, *arguments: str, cwd: Path) -> dict[str, str]:
    """The versions that `uv pip compile` resolves, by name."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-emit-index-url",
        "--python-version", file.runtime.python, "--python-platform", "x86_64-manylinux_2_35", *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise _refusal(f"{file.name} on {file.runtime.name}", done.stderr)
    pins = [Requirement(line) for line in done.stdout.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}


def _hint(name: str, known: Iterable[str]) -> str:
    near = closest(name, known)
    return f"did you mean {near}?" if near else f"it is one of {', '.join(sorted(known))}"


def _refusal(where: str, stderr: str) -> UserError:
    """The first reason of uv in one line with the fix; the whole message if it is not a conflict of versions."""
    text = " ".join(word for word in stderr.split() if word not in {"×", "╰─▶", "│", "cause:"})
    conflict = re.search(r"Because (.*?), we can conclude", text)
    # An index without the package, and a machine that is offline, are reported in the same form.
    if conflict is None or "not found in the" in conflict[1]:
        return UserError(f"{where}: {text.removeprefix('error: ')}; correct it, or check the package index")
    return Conflict(
        f"{where}: conflicts with the packages of the runtime ({conflict[1]}); widen a bound in pyproject.toml, or "
        f"allow the replacement in {TASKS}"
    )


def write(file: File, found: Resolution, root: Path = ROOT) -> None:
    """Writes a requirements file."""
    file.path(root).parent.mkdir(parents=True, exist_ok=True)
    reasons = _tasks(root).replaced.get(file.name, {})
    comments = {  # for `localbundle validate`, which reports a replacement that nobody intends
        f"{name}=={new}": f"  # replaces {old}: {reasons[name]}"
        for name, (old, new) in found.replaced.items()
        if name in reasons
    }
    pins = (f"{line}{comments.get(line, '')}\n" for line in found.lines)
    lines = [_HEADER.format(name=file.name, runtime=file.runtime.name), *pins]
    file.path(root).write_text("".join(lines), "utf-8")


def main(root: Path = ROOT) -> None:
    """Resolves every file, then writes all of them; prints the packages shipped, added and replaced for each."""
    console = Console()
    table = Table("requirements", "shipped", "added", "replaced", box=None)
    try:
        # Written only when everything is resolved, so that an error leaves the files of an earlier run.
        found = [(file, _resolved_or_none(file, root, console)) for file in list(files(root))]
    except UserError as error:
        sys.exit(f"error: {error}")
    for file, resolution in found:
        table.add_row(f"{file.runtime.name}/{file.name}", *_locked(file, resolution, root))
    console.print(table)


def _resolved_or_none(file: File, root: Path, console: Console) -> Resolution | None:
    """The resolution of a file; None for an optional one that conflicts."""
    console.print(f"resolving {file.runtime.name}/{file.name}", style="dim", highlight=False)
    try:
        return resolve(file, root)
    except Conflict:
        if file.name not in _tasks(root).optional:
            raise
        return None


def _locked(file: File, found: Resolution | None, root: Path) -> tuple[str, str, str]:
    """Writes a file, or removes one that conflicts; returns its row of the table."""
    if found is None:
        file.path(root).unlink(missing_ok=True)
        return "-", "-", "no compatible versions"
    write(file, found, root)
    return str(len(found.shipped)), str(len(found.added)), ", ".join(sorted(found.replaced)) or "-"


if __name__ == "__main__":
    main()
