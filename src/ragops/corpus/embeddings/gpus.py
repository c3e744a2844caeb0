"""The GPUs of a cluster, looked at before work starts: which there are, and why one cannot be used."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ragops.corpus.embeddings.interface import Device, EncoderSource
from ragops.errors import UserError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# The oldest driver on which a build of PyTorch for a major version of CUDA starts (NVIDIA's CUDA release notes, table
# of minor version compatibility). Between major versions there is none.
_OLDEST_DRIVERS = {11: 450, 12: 525, 13: 580}
_CHOOSE = "use a GPU cluster whose runtime fits, or choose encoder=openvino, which takes CPUs"


def cuda_device_count() -> int:
    """The number of GPUs that this process sees, by PyTorch; 0 without a driver."""
    import torch  # only encoders that run on PyTorch ask, and it takes seconds to import

    return torch.cuda.device_count()


def task_device(count_devices: Callable[[], int] = cuda_device_count) -> Device:
    """Returns the device of the Spark task that calls it.

    That is the GPU which the scheduler assigned to the task. Where GPUs are not scheduled (`local[*]`, Databricks
    single-node compute) the tasks spread over the visible GPUs by partition; outside a task it is the first GPU.

    Raises:
        UserError: there is none. The CPU would take hours for what was meant for a GPU: it is a choice, no fallback.
    """
    from pyspark import TaskContext  # workers have Spark; other users of this module need not

    task = TaskContext.get()
    if task is not None and "gpu" in task.resources():
        addresses = task.resources()["gpu"].addresses
        return Device(local_index(addresses, os.environ.get("CUDA_VISIBLE_DEVICES", "")))
    count = count_devices()
    if count == 0:
        raise UserError("torch sees no GPU here; use a GPU cluster, or choose encoder=openvino, which takes CPUs")
    return Device(0 if task is None else task.partitionId() % count)


def local_index(addresses: list[str], visible: str) -> int:
    """Translates a task's first GPU address into the index by which this process knows that GPU.

    `visible` is CUDA_VISIBLE_DEVICES: CUDA counts from zero within it. If it holds exactly as many GPUs as the task was
    assigned, the task sees its own alone, and the first is 0, whichever way the scheduler numbers them (Databricks may
    number a task's GPUs from zero, Spark uses the discovery script's ids). If it lists more, an address found there is
    a physical id.
    """
    listed = [entry.strip() for entry in visible.split(",") if entry.strip()]
    if listed and len(listed) == len(addresses):
        return 0
    return listed.index(addresses[0]) if addresses[0] in listed else int(addresses[0])


@dataclass(frozen=True)
class FoundGpu:
    """What one task finds: its GPU by its unique id and its name, the driver ("" where nobody tells), and so on.

    `problem` is what goes wrong, "" if nothing does.
    """

    host: str
    device: str
    name: str
    driver: str
    torch: str
    cuda: str
    problem: str


_SCHEMA = "host STRING, device STRING, name STRING, driver STRING, torch STRING, cuda STRING, problem STRING"


def check_processors(spark: SparkSession, source: EncoderSource, slots: int) -> str:
    """One line that says what the encoder will run on, after every GPU has computed something.

    Args:
        spark: the session.
        source: the encoder's recipe.
        slots: how many tasks run at a time.

    Raises:
        UserError: a task has no GPU, its driver is too old for PyTorch, or a kernel does not run on it.
    """
    if not source.uses_gpu:
        return f"runs on CPUs, {slots} tasks at a time"
    return describe(look_everywhere(spark, slots))


def look_everywhere(spark: SparkSession, slots: int) -> list[FoundGpu]:
    """What each of so many tasks finds; those that ran on one GPU find the same."""
    rows = spark.range(0, slots, 1, slots).mapInPandas(_look, _SCHEMA).toPandas()
    return [FoundGpu(*row) for row in rows.itertuples(index=False)]


def describe(found: Sequence[FoundGpu]) -> str:
    """What was found as one line.

    Raises:
        UserError: names the first GPU that cannot be used, why, and what to do.
    """
    for one in found:
        if problem := why_unusable(one):
            raise UserError(f"GPU on {one.host}: {problem}; {_CHOOSE}")
    if not found:
        raise UserError(f"GPUs: no task of the cluster found one; {_CHOOSE}")
    gpus = {(one.host, one.device) for one in found}
    kinds = {f"{one.name}, driver {one.driver or 'unknown'}, torch {one.torch} for CUDA {one.cuda}" for one in found}
    hosts = len({host for host, _ in gpus})
    return f"runs on {len(gpus)} GPUs of {hosts} nodes: {'; '.join(sorted(kinds))}"


def why_unusable(one: FoundGpu) -> str:
    """Why a GPU cannot be used, "" if it can: by its driver, where PyTorch itself may only say that it sees none."""
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
    for _ in batches:
        yield pd.DataFrame([asdict(look())])


def look(device: Callable[[], Device] = task_device) -> FoundGpu:
    """What the task that calls it finds, in a Spark worker: computes something on the GPU that the task has."""
    unique, name, problem, version, cuda = "", "", "", "none", "none"
    try:
        import torch  # only where a GPU is to be used; it may not find the libraries of its CUDA

        version, cuda = torch.__version__, torch.version.cuda or "none"
        place = str(device())
        name = torch.cuda.get_device_name(place)
        unique = str(getattr(torch.cuda.get_device_properties(place), "uuid", place))
        if torch.ones(64, device=place).sum().item() != 64:
            problem = "it computes wrongly"
    except Exception as error:  # CUDA's failures have many types
        problem = " ".join(str(error).split(". ")[0].split())[:200] or type(error).__name__
    return FoundGpu(socket.gethostname(), unique, name, _driver(), version, cuda, problem)


def _driver() -> str:
    """The driver's version, as NVIDIA's own command tells it; "" where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip().splitlines()[0] if result.returncode == 0 and result.stdout.strip() else ""
