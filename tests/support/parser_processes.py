"""Files for the misbehaving parsers, and the processes that a pool of parsers starts."""

import time
from pathlib import Path

import psutil


def write_named(folder: Path, stem: str) -> Path:
    path = folder / f"{stem}.md"
    path.write_text(f"# {stem}\n\nThe harbour opens at six in the morning.")
    return path


def wait_for_children(owner: psutil.Process, before: set[psutil.Process], count: int = 1) -> set[psutil.Process]:
    """Waits until `owner` has `count` new descendants: resource tracker, fork server and child start one by one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = set(owner.children(recursive=True)) - before
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError("no child has started")
