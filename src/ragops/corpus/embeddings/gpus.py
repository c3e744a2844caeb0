"""GPUs: which one a Spark task uses, and a check of all of a cluster's GPUs before work starts."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ragops.corpus.embeddings.interface import Device, EncoderSource
from ragops.errors import UserError
from ragops.text import one_line

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import SparkSession

# The oldest driver that supports a PyTorch build for a major version of CUDA (NVIDIA's CUDA release notes, table of
# minor version compatibility). There is no compatibility between major versions.
_OLDEST_DRIVERS = {11: 450, 12: 525, 13: 580}
_CHOOSE = "use a GPU cluster with a matching runtime, or choose encoder=openvino, which uses CPUs"


def cuda_device_count() -> int:
    """The number of GPUs that this process sees, according to PyTorch; 0 without a driver."""
    import torch  # only encoders on PyTorch need it, and it takes seconds to import

    return torch.cuda.device_count()


def task_device(count_devices: Callable[[], int] = cuda_device_count) -> Device:
    """Returns the GPU of the calling Spark task.

    That is the GPU that the scheduler assigned to the task. Where GPUs are not scheduled (`local[*]`, Databricks
    single-node compute), tasks are spread over the visible GPUs by partition; outside a task it is the first GPU.

    Raises:
        UserError: there is no GPU. The CPU would take hours, so it is never used as a fallback.
    """
    from pyspark import TaskContext  # workers have Spark; other users of this module may not

    task = TaskContext.get()
    if task is not None and "gpu" in task.resources():
        addresses = task.resources()["gpu"].addresses
        return Device(local_index(addresses, os.environ.get("CUDA_VISIBLE_DEVICES", "")))
    count = count_devices()
    if count == 0:
        raise UserError("torch finds no GPU here; use a GPU cluster, or choose encoder=openvino, which uses CPUs")
    return Device(0 if task is None else task.partitionId() % count)


def local_index(addresses: list[str], visible: str) -> int:
    """Translates a task's first GPU address into this process's index of that GPU.

    `visible` is CUDA_VISIBLE_DEVICES; CUDA counts from zero within it. If it lists exactly as many GPUs as the task was
    assigned, the task sees only its own, and the first is 0, however the scheduler numbers them (Databricks may number
    a task's GPUs from zero, Spark uses the discovery script's ids). If it lists more, an address found there is a
    physical id.
    """
    listed = [entry.strip() for entry in visible.split(",") if entry.strip()]
    if listed and len(listed) == len(addresses):
        return 0
    return listed.index(addresses[0]) if addresses[0] in listed else int(addresses[0])


@dataclass(frozen=True)
class FoundGpu:
    """A task's GPU: its unique id and name, the driver ("" if unknown), and the versions of PyTorch and CUDA.

    `problem` says why it cannot be used; "" if it can.
    """

    host: str
    device: str
    name: str
    driver: str
    torch: str
    cuda: str
    problem: str


_SCHEMA = "host STRING, device STRING, name STRING, driver STRING, torch STRING, cuda STRING, problem STRING"


@dataclass(frozen=True, slots=True)
class Processors:
    """What an encoder runs on: a line about it, and the number of GPUs; 0 on CPUs."""

    description: str
    gpus: int = 0

    def __str__(self) -> str:
        """The line."""
        return self.description


def check_processors(spark: SparkSession, source: EncoderSource, slots: int) -> Processors:
    """What the encoder runs on, after a test computation on every GPU.

    Args:
        spark: the session.
        source: the encoder's recipe.
        slots: the number of tasks that run at a time.

    Raises:
        UserError: a task has no GPU, its driver is too old for PyTorch, or a kernel does not run on it.
    """
    if not source.uses_gpu:
        return Processors(f"runs on CPUs, {slots} tasks at a time")
    found = look_everywhere(spark, slots)
    return Processors(describe(found), len(distinct(found)))


def look_everywhere(spark: SparkSession, slots: int) -> list[FoundGpu]:
    """The GPU that each of `slots` tasks finds; tasks on the same GPU give equal results."""
    rows = spark.range(0, slots, 1, slots).mapInPandas(_look, _SCHEMA).toPandas()
    return [FoundGpu(*row) for row in rows.itertuples(index=False)]


def describe(found: Sequence[FoundGpu]) -> str:
    """Describes the GPUs in one line.

    Raises:
        UserError: a GPU cannot be used, or there is none.
    """
    for one in found:
        if problem := why_unusable(one):
            raise UserError(f"GPU on {one.host}: {problem}; {_CHOOSE}")
    if not found:
        raise UserError(f"GPUs: no task of the cluster found one; {_CHOOSE}")
    gpus = distinct(found)
    kinds = {f"{one.name}, driver {one.driver or 'unknown'}, torch {one.torch} for CUDA {one.cuda}" for one in found}
    hosts = len({host for host, _ in gpus})
    return f"runs on {len(gpus)} GPUs of {hosts} nodes: {'; '.join(sorted(kinds))}"


def distinct(found: Iterable[FoundGpu]) -> set[tuple[str, str]]:
    """Each GPU once, by host and device."""
    return {(one.host, one.device) for one in found}


def why_unusable(one: FoundGpu) -> str:
    """Why a GPU cannot be used, "" if it can. With an old driver, PyTorch may only say that it finds none."""
    if not one.problem:
        return ""
    cuda, driver = _major(one.cuda), _major(one.driver)
    oldest = _OLDEST_DRIVERS.get(cuda, 0)
    if not driver or driver >= oldest:
        return one.problem
    return f"its driver {one.driver} is older than the {oldest} that torch {one.torch} for CUDA {one.cuda} needs"


def _major(version: str) -> int:
    match = re.match(r"\d+", version)
    return int(match[0]) if match else 0


def _look(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    import pandas as pd  # a search, which asks for the number of GPUs, need not import it

    for _ in batches:
        yield pd.DataFrame([asdict(look())])


def look(device: Callable[[], Device] = task_device) -> FoundGpu:
    """The GPU of the calling task, after a test computation on it."""
    unique, name, problem, version, cuda = "", "", "", "none", "none"
    try:
        import torch  # only if a GPU is used; the import may fail if CUDA's libraries are missing

        version, cuda = torch.__version__, torch.version.cuda or "none"
        name_of_device = str(device())
        name = torch.cuda.get_device_name(name_of_device)
        unique = str(getattr(torch.cuda.get_device_properties(name_of_device), "uuid", name_of_device))
        if torch.ones(64, device=name_of_device).sum().item() != 64:
            problem = "a test computation gave a wrong result"
    except Exception as error:  # CUDA errors have many types
        problem = one_line(str(error).split(". ")[0], 200) or type(error).__name__
    return FoundGpu(socket.gethostname(), unique, name, _driver(), version, cuda, problem)


def _driver() -> str:
    """The driver's version from nvidia-smi; "" if that is not available."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip().splitlines()[0] if result.returncode == 0 and result.stdout.strip() else ""
