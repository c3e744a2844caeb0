"""The environment that gives every Python process of a workspace strict volumes, whatever starts it."""

import os
from pathlib import Path

from localbundle.volumes.strict import VARIABLE

AT_START = Path(__file__).parent / "at_start"


def environment(volumes: Path, *, strict: bool) -> dict[str, str]:
    """The variables that make the folders below `volumes` strict, or leave them plain.

    Args:
        volumes: the folder of the volumes.
        strict: whether they refuse what a volume on Databricks refuses.
    """
    inherited = os.environ.get("PYTHONPATH", "")
    first = [str(AT_START)] if strict and str(AT_START) not in inherited.split(os.pathsep) else []
    python_path = os.pathsep.join(filter(None, [*first, inherited]))
    # Empty rather than missing: a run that is started inside another one inherits its environment.
    named = {VARIABLE: str(volumes) if strict else ""}
    return named | ({"PYTHONPATH": python_path} if python_path else {})
