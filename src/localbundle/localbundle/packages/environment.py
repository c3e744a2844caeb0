"""Environments of tasks: packages in a folder of their own, with this Python's packages below them."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from localbundle.errors import BundleError
from localbundle.packages.installed import SPARK, installed_names, is_installed, project_name, site_folders
from localbundle.packages.lines import Line
from localbundle.packages.uv import UvError, planned_changes, run_uv
from localbundle.workspace.jars import cache_dir

_FORMAT = 1
_UNUSED_SECONDS = 30 * 24 * 3600
_COMPLETE = "complete.json"  # written last: a folder without it was not finished
_SHOWN = 3
# What a kernel imports before its task; Spark's client then checks the versions of what it needs.
_KERNEL = """\
import ipykernel.kernelapp, localbundle.kernels.bootstrap
localbundle.kernels.bootstrap.warm()
"""
Announce = Callable[[str], None]


@dataclass(frozen=True)
class Environment:
    """A folder with packages.

    Attributes:
        folder: where they are; several runs and jobs may share it.
    """

    folder: Path

    @property
    def python(self) -> str:
        """Its interpreter, which finds its packages first and then those of this Python."""
        return str(self.folder / "bin" / "python")

    def variables(self, path: str) -> dict[str, str]:
        """The environment variables of its processes, as activating it sets them; `path` is PATH."""
        return {"VIRTUAL_ENV": str(self.folder), "PATH": os.pathsep.join([str(self.folder / "bin"), path])}


class EnvironmentBuilder:
    """Finds or builds the environment with these lines.

    Args:
        lines: what it installs; wheels are resolved.
        what: its name, for example "environment default of job hello".
        root: the bundle's folder.
        alone: install the lines without what they require, and nothing else.
    """

    def __init__(self, lines: Sequence[Line], what: str, root: Path, *, alone: bool = False) -> None:
        self._lines, self._what, self._root, self._alone = lines, what, root, alone
        self._folder = cache_dir() / "environments" / _key(lines, root, alone)

    def find(self) -> Environment | None:
        """The environment, if it is built."""
        environment = Environment(self._folder)
        if not (self._folder / _COMPLETE).is_file() or not Path(environment.python).exists():
            return None
        with contextlib.suppress(OSError):  # the time of its last use
            os.utime(self._folder / _COMPLETE)
        return environment

    def build(self, announce: Announce) -> Environment:
        """Builds it, unless another run has done so meanwhile.

        Args:
            announce: gets what is installed, before it is.

        Raises:
            BundleError: a requirement cannot be met, or uv failed.
        """
        with _explained(f"{self._what} cannot be installed"):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            with self._folder.with_suffix(".lock").open("w") as lock:
                _wait(lock.fileno(), lambda: announce(f"Waiting for another run, which installs {self._what}"))
                if self.find() is None:
                    self._install(announce, lock.fileno())
                    _remove_unused(self._folder.parent)
        return Environment(self._folder)

    def _install(self, announce: Announce, lock: int) -> None:
        """The folder stays locked while uv writes to it, even if this process is killed."""
        shutil.rmtree(self._folder, ignore_errors=True)
        make: list[str | Path] = ["venv", "--quiet", "--no-project", "--python", sys.executable, self._folder]
        run_uv(make, self._root, [lock])
        changes = self._changes()
        if changes:
            count = f"{len(changes)} package{'s' * (len(changes) > 1)}"
            announce(f"Installing {count} for {self._what} (first time):\n  {_listed(list(changes))}")
            file = self._written("packages.txt", [*self._options(), *self._exact(changes)])
            python = Environment(self._folder).python
            arguments: list[str | Path] = ["pip", "install", "--quiet", "--no-deps", "--python", python, "-r", file]
            run_uv([*arguments, *self._reinstalled()], self._root, [lock])
        self._put_below(site_folders())
        self._check(changes)
        draft = self._written("draft.json", [json.dumps({"packages": sorted(changes)})])
        draft.replace(self._folder / _COMPLETE)

    def _changes(self) -> dict[str, str]:
        """What has to be installed on top of this Python's packages, which a dry run of uv finds out."""
        file = self._written("lines.txt", [line.text for line in self._lines])
        # A package whose marker never holds is left out wherever it is required.
        left_out = self._written("left-out.txt", [f"{name} ; python_version < '3'" for name in SPARK])
        arguments: list[str | Path] = ["pip", "install", "--dry-run", "--python", sys.executable, "-r", file]
        arguments += ["--override", left_out, "--break-system-packages"]  # which a dry run does not
        arguments += ["--no-deps"] if self._alone else []
        return planned_changes(run_uv([*arguments, *self._reinstalled()], self._root))

    def _reinstalled(self) -> Iterator[str]:
        """Options for what is on this machine: uv may know a version of the same name from before a change."""
        for line in self._lines:
            if line.is_wheel:
                yield f"--reinstall-package={line.text.partition(' ')[0].partition('[')[0]}"
            elif line.path and line.path.is_dir() and not line.is_option:
                name = project_name(line.path)
                yield f"--reinstall-package={name}" if name else "--refresh"

    def _check(self, changes: dict[str, str]) -> None:
        """That kernels start, if one of the packages takes the place of one that they may need.

        Raises:
            BundleError: they do not.
        """
        names = [name.partition(" ")[0] for name in changes]
        if not any(map(is_installed, names)):
            return
        file = self._written("check.py", [_KERNEL])  # from a file: without one, Spark's client takes it for a doctest
        python = Environment(self._folder).python
        done = subprocess.run([python, file], capture_output=True, text=True, errors="replace")
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
            message = f"{self._what} breaks Spark's client or Jupyter's kernel ({reason}); correct its dependencies"
            raise BundleError(message) from BundleError(done.stderr)

    def _exact(self, changes: dict[str, str]) -> Iterator[str]:
        """Lines that install these versions, with the hashes and the source that the environment's lines give."""
        hashes = {
            canonicalize_name(line.requirement.name): line.text[line.text.find(" --hash") :]
            for line in self._lines
            if line.requirement and " --hash" in line.text
        }
        sources = {line.path.as_uri(): line.text for line in self._lines if line.is_editable and line.path}
        for exact in changes.values():
            name, _, url = exact.partition(" @ ")
            package = canonicalize_name(name.partition("==")[0])
            yield sources.get(url, exact) + (hashes.get(package, "") if not url else "")

    def _options(self) -> list[str]:
        return [line.text for line in self._lines if line.is_option]

    def _put_below(self, folders: Iterable[Path]) -> None:
        """This Python's packages, and what its own .pth files name, come after the environment's on its path."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        added = "".join(f"site.addsitedir({str(folder)!r}); " for folder in folders)
        file = self._folder / "lib" / version / "site-packages" / "_below.pth"
        file.write_text(f"import site; {added}\n", "utf-8")

    def _written(self, name: str, lines: Iterable[str]) -> Path:
        file = self._folder / name
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return file


@contextlib.contextmanager
def _explained(problem: str) -> Iterator[None]:
    try:
        yield
    except UvError as error:
        fix = "go online, or install it here first" if error.is_offline else "correct its dependencies"
        raise BundleError(f"{problem}: {error}; {fix}") from BundleError(error.output)
    except OSError as error:
        raise BundleError(f"{problem} ({error.strerror}: {error.filename}); free or correct the folder") from error


def _wait(lock: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(lock, fcntl.LOCK_EX)


def _listed(packages: list[str]) -> str:
    more = f" and {len(packages) - _SHOWN} more" if len(packages) > _SHOWN else ""
    return ", ".join(packages[:_SHOWN]) + more


def _remove_unused(folder: Path) -> None:
    """Removes environments that no run has used for a month: each change of a wheel makes a new one."""
    for file in folder.glob(f"*/{_COMPLETE}"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < time.time() - _UNUSED_SECONDS:
                file.unlink()  # first, so that no run begins to use it
                shutil.rmtree(file.parent, ignore_errors=True)
                file.parent.with_suffix(".lock").unlink(missing_ok=True)


def _key(lines: Sequence[Line], root: Path, alone: bool) -> str:
    """The name of the folder: a hash of everything that its content depends on."""
    below = [*map(str, site_folders()), *installed_names()]
    texts = [[line.text if line.path is None else line.path.name, _content(line)] for line in lines]
    whole = [_FORMAT, sys.version, sys.base_prefix, below, texts, alone, SPARK]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:20]


def _content(line: Line) -> object:
    """What a line installs, as far as it is on this machine."""
    path = line.path
    if path is None or not path.exists() or (line.is_option and path.is_dir()):  # a folder of packages is an index
        return line.text
    if path.is_file():
        return [line.text.startswith("-"), line.extras, _content_of_file(path)]
    if line.is_editable:  # its metadata only: its code is read where it is
        files = [path / "pyproject.toml", path / "setup.py", path / "setup.cfg"]
        return [str(path), [_content_of_file(file) for file in files if file.is_file()]]
    return [str(path), sorted(_state(file, path) for file in path.rglob("*") if file.is_file())]


def _state(file: Path, folder: Path) -> tuple[str, int, int]:
    state = file.stat()
    return str(file.relative_to(folder)), state.st_size, state.st_mtime_ns


def _content_of_file(file: Path) -> str:
    """A hash; of a zip file that of its content, since two builds of one wheel may differ in times only."""
    digest = hashlib.sha256()
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for name in sorted(archive.namelist()):
                digest.update(f"{name}\0".encode() + hashlib.sha256(archive.read(name)).digest())
    else:
        digest.update(file.read_bytes())
    return digest.hexdigest()
