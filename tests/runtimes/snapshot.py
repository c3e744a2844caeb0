"""A copy of the working tree to test in: nobody edits it meanwhile, and its local workspace is nobody's."""

import shutil
import subprocess
import sys
from pathlib import Path

from localbundle.definitions.bundle import Bundle, load_bundle

from tests.runtimes.commands import FOLDER, REPOSITORY, clean_environment, run
from tests.runtimes.places import GPU, SERVERLESS, Place

TARGET = "dev"


def copy_tree(into: Path = FOLDER / "bundle") -> Path:
    """Copies all that git would commit."""
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


def bundle_for(root: Path, places: dict[str, Place]) -> Bundle:
    """The definitions as they are for these places; its artifacts are built."""
    version = places[SERVERLESS].runtime.name.removeprefix("serverless-v")
    given = {"gpu_runtime": places[GPU].runtime.name, "serverless_version": version}
    bundle = load_bundle(root, TARGET, given)
    environment = clean_environment()
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    for name, artifact in (bundle.config.get("artifacts") or {}).items():
        folder = root / (artifact.get("path") or ".")
        run(f"artifact {name}", ["sh", "-c", artifact["build"]], environment, folder)
    return bundle
