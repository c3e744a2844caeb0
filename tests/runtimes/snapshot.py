"""A copy of the working tree to test in, with its own local workspace, so that edits do not affect the test."""

import shutil
import subprocess
import sys
from pathlib import Path

from localbundle.definitions.bundle import Bundle, load_bundle

from tests.runtimes.commands import FOLDER, REPOSITORY, clean_environment, run
from tests.runtimes.platforms import GPU, SERVERLESS, Platform

TARGET = "dev"


def copy_tree(into: Path = FOLDER / "bundle") -> Path:
    """Copies all files that git would commit."""
    shutil.rmtree(into, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source, copy = REPOSITORY / name, into / name
        if source.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    return into


def bundle_for(root: Path, platforms: dict[str, Platform]) -> Bundle:
    """The bundle for these platforms, with built artifacts."""
    version = platforms[SERVERLESS].runtime.name.removeprefix("serverless-v")
    given = {"gpu_runtime": platforms[GPU].runtime.name, "serverless_version": version}
    bundle = load_bundle(root, TARGET, given)
    environment = clean_environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    for name, artifact in (bundle.config.get("artifacts") or {}).items():
        folder = root / (artifact.get("path") or ".")
        run(f"artifact {name}", ["sh", "-c", artifact["build"]], environment, folder)
    return bundle
