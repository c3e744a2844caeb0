"""The wheels that a job's environments name: built from the bundle's artifacts, then unpacked for its tasks."""

import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.yamlfile import absolute_path
from localbundle.errors import BundleError


def wheel_folder(bundle: Bundle, job: Job, progress: Callable[[str], None]) -> Path | None:
    """A folder for PYTHONPATH with the job's wheels, unpacked; None if it needs none.

    A package that is installed here is used as it is, and so is an artifact that is installed from its source
    (editable).

    Raises:
        BundleError: an artifact cannot be built, or a wheel that the job names does not exist.
    """
    artifacts = [spec for spec in (bundle.config.get("artifacts") or {}).values() if spec.get("type") == "whl"]
    to_build = [spec for spec in artifacts if not _is_installed(_folder(bundle, spec))]
    from_source = {_source(_folder(bundle, spec)) / "dist" for spec in artifacts if spec not in to_build}
    named = [Path(library) for library in job.libraries if library.endswith(".whl")]
    patterns = [path for path in named if _built_in(path) not in from_source and not _is_package_installed(path.name)]
    if not patterns or (artifacts and not to_build):
        return None
    for spec in to_build:
        progress("building the wheel")
        _build(_folder(bundle, spec), spec)
    progress("")
    return _unpacked(bundle.home / "wheels", [_newest(path) for path in patterns])


def missing_requirements(job: Job) -> list[str]:
    """Requirement lines of the job's environments that this Python does not satisfy."""
    return [
        line
        for line in job.libraries
        if not line.endswith(".whl") and not line.startswith("-") and not _is_satisfied(line)
    ]


def _is_satisfied(line: str) -> bool:
    try:
        wanted = Requirement(line)
        return wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True)
    except InvalidRequirement:
        return True  # a path or a URL: only pip can check it
    except importlib.metadata.PackageNotFoundError:
        return False


def _folder(bundle: Bundle, spec: Mapping[str, Any]) -> Path:
    return absolute_path(spec.get("path") or ".", bundle.root)


def _is_package_installed(name: str) -> bool:
    """Whether a wheel's file name, which may contain `*`, begins with an installed package and a dash."""
    package, dash, _ = name.partition("-")
    if not dash or not re.fullmatch(r"[\w.]+", package):
        return False
    try:
        return bool(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return False


def _is_installed(folder: Path) -> bool:
    source = _source(folder).as_uri()
    return any(source == url for url in _editable_sources())


def _built_in(wheel: Path) -> Path:
    """The folder where a wheel is built, of the project's source where its pyproject.toml is a link."""
    return _source(wheel.parent.parent) / wheel.parent.name


def _source(folder: Path) -> Path:
    """The folder of an artifact's project; if pyproject.toml is a link, the folder it points to."""
    return (folder / "pyproject.toml").resolve().parent


def _editable_sources() -> Iterator[str]:
    for distribution in importlib.metadata.distributions():
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            yield origin["url"]


def _build(folder: Path, spec: Mapping[str, Any]) -> None:
    command = spec.get("build") or f"{sys.executable} -m pip wheel --quiet --no-deps --wheel-dir dist ."
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise BundleError(f"artifact in {folder}: `{command}` failed ({reason}); correct its build command")


def _newest(pattern: Path) -> Path:
    found = sorted(pattern.parent.glob(pattern.name), key=lambda file: file.stat().st_mtime)
    if not found:
        raise BundleError(f"no wheel matches {pattern}; add an artifact of type whl that builds it")
    return found[-1]


def _unpacked(root: Path, wheels: list[Path]) -> Path:
    """Unpacks wheels, which are zip files for the path, into a folder named by their content, so that runs share it."""
    digest = hashlib.sha256(b"".join(wheel.read_bytes() for wheel in wheels)).hexdigest()[:16]
    if not (root / digest).is_dir():
        root.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=root))
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(draft)
        try:
            draft.rename(root / digest)
        except OSError:  # another run was faster
            shutil.rmtree(draft)
    return root / digest
