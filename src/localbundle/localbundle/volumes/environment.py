"""How every Python process of a workspace comes to have strict volumes, whoever starts it: by its environment."""

import os
from collections.abc import Sequence
from pathlib import Path

from localbundle.volumes.strict import VARIABLE

AT_START = Path(__file__).parent / "at_start"


def environment(volumes: Path, *, strict: bool, path: Sequence[Path] = ()) -> dict[str, str]:
    """What makes the folders below `volumes` strict, or leaves them plain.

    Args:
        volumes: the folder of the volumes.
        strict: whether they refuse what a volume refuses.
        path: folders that belong on PYTHONPATH, before those that are on it.
    """
    inherited = os.environ.get("PYTHONPATH", "")
    first = [str(AT_START)] if strict and str(AT_START) not in inherited.split(os.pathsep) else []
    python_path = os.pathsep.join(filter(None, [*first, *map(str, path), inherited]))
    # Empty, not left out: a run that another one starts inherits that one's.
    named = {VARIABLE: str(volumes) if strict else ""}
    return named | ({"PYTHONPATH": python_path} if python_path else {})
