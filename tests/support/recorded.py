"""The requests of a run's tasks to the catalog, as `recorder/sitecustomize.py` records them in each process."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localbundle.volumes.environment import environment

RECORDER = Path(__file__).parent / "recorder"


@dataclass(frozen=True)
class Request:
    """One request of a task; `schema` is the task's parameter.

    By `kind`: sql (`what` is the statement), table (`name` is read), plan and catalog (a command, a lookup), volume
    (`name` is a path below Volumes that is read or written), secret, registry and tracking (a method of MLflow's
    stores; `name` is a model's or a prompt's).
    """

    task: str
    schema: str
    kind: str
    what: str
    name: str


def recording(home: Path, file: Path) -> Mapping[str, str]:
    """The environment in which every process of a local workspace appends its requests to `file`."""
    strict = environment(home / "Volumes", strict=True)
    return strict | {"PYTHONPATH": f"{strict['PYTHONPATH']}{os.pathsep}{RECORDER}", "RAGOPS_RECORD": str(file)}


def read_requests(file: Path, since: int = 0) -> list[Request]:
    """The requests of tasks after the first `since` bytes, each once."""
    with file.open("rb") as record:
        record.seek(since)
        found = dict.fromkeys(Request(**json.loads(line)) for line in record)
    return [request for request in found if request.task]
