"""What stands in for a workspace on a laptop: Java, localbundle, the target's folder, strict volumes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from ragops.doctor.findings import Finding, look
from ragops.doctor.process import disk
from ragops.platform.deployment import deployed_workspace
from ragops.platform.workspace import find_local_home


def check_laptop(target: str) -> Iterator[Finding]:
    """What a laptop needs, and what of it is here."""
    java = os.environ.get("JAVA_HOME") or shutil.which("java")
    yield Finding("Java", java or "none on PATH; localbundle fetches one when it first starts Spark")
    here = shutil.which("localbundle", path=str(Path(sys.executable).parent)) or shutil.which("localbundle")
    yield Finding("localbundle", here or "not installed", "ok" if here else "missing", "" if here else "make demo")
    home = find_local_home(target)
    if home is None:
        yield Finding("local workspace", f"none for target {target}", "missing", f"localbundle run refresh -t {target}")
        return
    run = f"localbundle run refresh -t {target}"
    yield look(f"target {home.name}", lambda: f"catalog and schema {_named(target)}, in {home}", run, "missing")
    yield disk("disk of the workspace", home)
    running = "SPARK_REMOTE" in os.environ or (home / "server.json").is_file()
    yield Finding("Spark server", "running" if running else "none is running; each command starts one: localbundle up")
    yield Finding("strict volumes", "on" if is_strict() else "off here; on inside localbundle run and exec")


def is_strict() -> bool:
    """Whether folders that stand for volumes refuse, in this process, what a volume refuses."""
    return bool(os.environ.get("LOCALBUNDLE_STRICT_VOLUMES"))


def _named(target: str) -> str:
    place = deployed_workspace(target)
    return f"{place.catalog}.{place.schema}"
