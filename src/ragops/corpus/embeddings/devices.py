"""Which device a Spark task may use."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from ragops.errors import UserError


@dataclass(frozen=True)
class Device:
    """A processor that holds a model: the CPU, or one GPU by its index as this process counts them."""

    gpu: int | None = None

    def __str__(self) -> str:
        """Returns PyTorch's name of the device."""
        return "cpu" if self.gpu is None else f"cuda:{self.gpu}"


CPU = Device()


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
