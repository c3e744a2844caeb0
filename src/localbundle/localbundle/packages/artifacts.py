"""The wheels that a bundle builds, as its deployment builds them, and the wheel that a line names."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import absolute_path, error_at, located_like
from localbundle.errors import BundleError
from localbundle.packages.installed import editable_packages, wheel_metadata

BUILD_FAILED = "failed-build"


@dataclass(frozen=True)
class Artifact:
    """A wheel of the bundle.

    Attributes:
        name: its key in `artifacts`.
        folder: its project's folder.
        command: builds it; "" if its files are there already.
        executable: the shell for the command; "" for the CLI's choice.
        installed: its package, if that is installed here from its source (editable): it is used as it is.
    """

    name: str
    folder: Path
    command: str
    executable: str
    installed: Distribution | None

    @property
    def dist(self) -> Path:
        """The folder where its wheel is built, of the project's source where its pyproject.toml is a link."""
        return _source(self.folder) / "dist"


def artifacts_of(bundle: Bundle) -> list[Artifact]:
    """The wheels of a bundle; if it has no artifacts, the one of a setup.py in its folder, as in the Databricks CLI."""
    written: Mapping[str, Any] | None = bundle.config.get("artifacts")
    if written is None and (bundle.root / "setup.py").is_file():
        written = {"python_artifact": {"type": "whl"}}
    packages = {url: package for package, url in editable_packages()} if written else {}
    specs = ((name, spec) for name, spec in (written or {}).items() if (spec or {}).get("type") == "whl")
    return [_artifact(bundle, name, spec, packages) for name, spec in specs]


def installed_from_source(artifacts: Iterable[Artifact], wheel: Path) -> Distribution | None:
    """The package that a path of a wheel stands for, if an artifact is built there and installed from its source."""
    built_in = _source(wheel.parent.parent) / wheel.parent.name
    for artifact in artifacts:
        package = artifact.installed
        if package and artifact.dist == built_in and _may_be(wheel.name, package.metadata["Name"]):
            return package
    return None


def build(
    bundle: Bundle, artifacts: Iterable[Artifact], wheels: Iterable[Path], progress: Callable[[str], None]
) -> None:
    """Builds the artifacts that these wheels need; all of them if one of the wheels is elsewhere.

    Raises:
        BundleError: a build failed.
    """
    folders = {path.parent for path in wheels}
    waiting = [artifact for artifact in artifacts if artifact.command and not artifact.installed]
    if folders <= {artifact.folder / "dist" for artifact in artifacts}:
        waiting = [artifact for artifact in waiting if artifact.folder / "dist" in folders]
    if not waiting or not folders:
        return
    bundle.home.parent.mkdir(parents=True, exist_ok=True)
    with (bundle.home.parent / "artifacts.lock").open("w") as lock:  # of two runs at once, one would delete `dist`
        fcntl.flock(lock, fcntl.LOCK_EX)
        for artifact in waiting:
            progress(f"building the wheel {artifact.name}")
            _build(bundle, artifact)


def matching_wheels(pattern: Path) -> dict[str, Path]:
    """The newest wheel of each package that a path with `*` matches, as the Databricks CLI chooses them.

    Raises:
        ValueError: a file is not a wheel.
    """
    found: dict[str, Path] = {}
    for file in sorted(pattern.parent.glob(pattern.name), key=lambda file: file.stat().st_mtime_ns):
        found[canonicalize_name(wheel_metadata(file).metadata["Name"])] = file
    return found


def _artifact(bundle: Bundle, name: str, spec: Mapping[str, Any], packages: Mapping[str, Distribution]) -> Artifact:
    folder = absolute_path(spec.get("path") or ".", bundle.root)
    command = spec.get("build") or ("" if spec.get("files") else _default_command(folder))
    executable = str(spec.get("executable") or "")
    return Artifact(name, folder, located_like(name, str(command)), executable, packages.get(_source(folder).as_uri()))


def _default_command(folder: Path) -> str:
    if (folder / "pyproject.toml").is_file():
        return "uv build --quiet --wheel --out-dir dist"
    return f"'{sys.executable}' setup.py --quiet bdist_wheel"


def _source(folder: Path) -> Path:
    """The folder of an artifact's project; if pyproject.toml is a link, the folder it points to."""
    return (folder / "pyproject.toml").resolve().parent


def _may_be(file: str, package: str) -> bool:
    """Whether the name of a wheel, which may contain `*`, is of this package."""
    prefix, star, _ = file.partition("-")[0].partition("*")
    name, wanted = canonicalize_name(prefix), canonicalize_name(package)
    return wanted.startswith(name) if star else name == wanted


def _build(bundle: Bundle, artifact: Artifact) -> None:
    """Runs the command with this Python and its uv in front of PATH; one of several lines ends at the first error."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    shell = artifact.executable or ("bash" if shutil.which("bash") else "sh")
    try:
        done = subprocess.run(
            [shell, "-ec", artifact.command],
            cwd=artifact.folder, capture_output=True, text=True, errors="replace", env={**os.environ, "PATH": path},
        )  # fmt: skip
    except OSError as error:
        raise _failed(bundle, artifact, f"{error.strerror}: {error.filename}") from error
    if done.returncode:
        printed = [text.strip() for text in (done.stdout, done.stderr) if text.strip()]
        printed = printed or [f"exit code {done.returncode}"]
        raise _failed(bundle, artifact, printed[-1].splitlines()[-1]) from BundleError("\n".join(printed))


def _failed(bundle: Bundle, artifact: Artifact, reason: str) -> BundleError:
    command = artifact.command.strip().splitlines()
    shown = f"{command[0]}{' …' if len(command) > 1 else ''}"
    message = f"artifact {artifact.name}: `{shown}` failed ({reason}); correct its build command, or what it builds"
    return error_at(artifact.command, bundle.root, message, rule=BUILD_FAILED)
