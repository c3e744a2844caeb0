"""GPUs: of every task of a cluster that is meant to have them, else of this process."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from ragops.corpus.embeddings.gpus import FoundGpu, look, look_everywhere, why_unusable
from ragops.corpus.embeddings.interface import Device
from ragops.doctor.findings import Finding
from ragops.platform.compute import has_spark
from ragops.platform.merge import parallelism
from ragops.platform.workspace import Workspace

_TO_DO = "use a GPU cluster whose runtime fits, or choose encoder=openvino"


def check_gpus(workspace: Workspace, expected: bool) -> Iterator[Finding]:
    """A row for each GPU, once a kernel has run on it; `expected`: whether one must be here."""
    if importlib.util.find_spec("torch") is None:
        found = "torch is not installed; models run on the CPU"
        yield Finding("GPUs", found, "missing" if expected else "ok", _TO_DO if expected else "")
    elif expected and has_spark():
        slots = parallelism(workspace)
        gpus = {(one.host, one.device): one for one in look_everywhere(workspace.spark, slots)}
        yield Finding("tasks at a time", str(slots))
        yield from (_row(one, expected) for one in gpus.values())
    else:
        yield _row(look(lambda: Device(0)), expected)


def _row(one: FoundGpu, expected: bool) -> Finding:
    torch = f"torch {one.torch} for CUDA {one.cuda}, driver {one.driver or 'none'}"
    if problem := why_unusable(one):
        found = f"none can be used ({problem}); {torch}"
        return Finding(f"GPU of {one.host}", found, "missing" if expected else "ok", _TO_DO if expected else "")
    return Finding(f"GPU of {one.host}", f"{one.name} ({one.device}) computes; {torch}")
