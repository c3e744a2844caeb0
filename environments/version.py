"""The version of the library: a release, and a hash of all files that its wheel is made of.

Deployments name the wheel by its version, and serverless environments keep it by that name. So a changed library needs
a new one, and an unchanged library must keep it, on any machine: else each plan reports changes of all jobs.
"""

import hashlib
from pathlib import Path

RELEASE = "0.1.0"
_ROOT = Path(__file__).parents[1]
_NOT_SHIPPED = {"__pycache__", ".DS_Store"}


def version() -> str:
    """For example 0.1.0+c0ffee123456."""
    files = [
        _ROOT / "pyproject.toml",
        _ROOT / "README.md",
        _ROOT / "LICENSE",
        *sorted((_ROOT / "src/ragops").rglob("*")),
    ]
    content = hashlib.sha256()
    for file in files:
        if file.is_file() and not _NOT_SHIPPED & set(file.parts):
            content.update(f"{file.relative_to(_ROOT).as_posix()}\0{file.stat().st_size}\0".encode())
            content.update(file.read_bytes())
    return f"{RELEASE}+{content.hexdigest()[:12]}"
