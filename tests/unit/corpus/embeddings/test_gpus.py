from dataclasses import replace

import pyspark
import pytest

from ragops.corpus.embeddings.gpus import FoundGpu, describe, local_index, look, task_device
from ragops.corpus.embeddings.interface import CPU, Device
from ragops.errors import UserError

T4 = FoundGpu("node-1", "GPU-1", "Tesla T4", "560.35.03", "2.9.0", "12.8", "")


def test_what_the_encoder_runs_on_is_one_line() -> None:
    result = describe([T4, replace(T4, host="node-2")])
    assert result == "runs on 2 GPUs of 2 nodes: Tesla T4, driver 560.35.03, torch 2.9.0 for CUDA 12.8"
    assert describe([replace(T4, driver="")]).endswith("driver unknown, torch 2.9.0 for CUDA 12.8")
    assert "; Tesla T4" in describe([replace(T4, name="A10G"), T4])


def test_a_gpu_counts_once_however_many_tasks_looked_at_it() -> None:
    """Spark looks as often as there are cores."""
    assert describe([T4, T4, replace(T4, device="GPU-2"), T4]).startswith("runs on 2 GPUs of 1 nodes")


def test_a_cluster_on_which_nobody_looked_is_refused() -> None:
    with pytest.raises(UserError, match="^GPUs: no task of the cluster found one; use a GPU cluster"):
        describe([])


@pytest.mark.parametrize(
    ("driver", "torch", "cuda", "oldest"),
    [("560.35.03", "2.14.0", "13.0", 580), ("470.82.01", "2.9.0", "12.8", 525), ("579", "2.14.0", "13.2", 580)],
)
def test_a_driver_that_is_too_old_is_named_with_the_one_that_is_needed(
    driver: str, torch: str, cuda: str, oldest: int
) -> None:
    found = replace(T4, driver=driver, torch=torch, cuda=cuda, name="", problem="torch sees no GPU here")
    with pytest.raises(UserError) as caught:
        describe([T4, found])
    assert str(caught.value) == (
        f"GPU on node-1: its driver {driver} is older than the {oldest} that torch {torch} for CUDA {cuda} needs; "
        "use a GPU cluster whose runtime fits, or choose encoder=openvino, which takes CPUs"
    )


@pytest.mark.parametrize(("driver", "cuda"), [("580.65", "13.0"), ("560.35", "12.8"), ("525.60.13", "12.1")])
def test_a_driver_that_fits_is_no_problem(driver: str, cuda: str) -> None:
    assert describe([replace(T4, driver=driver, cuda=cuda)])


def test_an_old_driver_with_which_kernels_run_is_no_problem() -> None:
    """NVIDIA's package for forward compatibility allows it on data-centre GPUs."""
    assert describe([replace(T4, driver="535.54.03", torch="2.14.0", cuda="13.0")])


def test_a_gpu_on_which_no_kernel_runs_is_named() -> None:
    with pytest.raises(UserError, match="^GPU on node-2: CUDA error: no kernel image is available; use a GPU cluster"):
        describe([T4, replace(T4, host="node-2", problem="CUDA error: no kernel image is available")])


def test_a_task_without_a_gpu_says_so() -> None:
    """On a machine without one: PyTorch's reason, whatever the scheduler has given."""
    found = look(lambda: Device(0))
    assert found.problem and "\n" not in found.problem and found.host and found.torch
    with pytest.raises(UserError, match="^GPU on "):
        describe([found])


class Resource:
    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)


class Task:
    def __init__(self, partition: int, **resources: Resource) -> None:
        self._partition, self._resources = partition, resources

    def partitionId(self) -> int:  # noqa: N802 (Spark's name)
        return self._partition

    def resources(self) -> dict[str, Resource]:
        return self._resources


def in_task(monkeypatch: pytest.MonkeyPatch, task: Task | None) -> None:
    monkeypatch.setattr(pyspark.TaskContext, "get", classmethod(lambda cls: task))


def test_the_scheduler_s_gpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    in_task(monkeypatch, Task(0, gpu=Resource("3")))
    assert str(task_device(lambda: 8)) == "cuda:3"


def test_without_scheduling_partitions_spread_over_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for partition in range(5):
        in_task(monkeypatch, Task(partition))
        found.append(task_device(lambda: 2))
    assert found == [Device(0), Device(1), Device(0), Device(1), Device(0)]


@pytest.mark.parametrize("task", [Task(1), None])
def test_without_gpus_it_is_an_error_and_never_the_cpu(monkeypatch: pytest.MonkeyPatch, task: Task | None) -> None:
    in_task(monkeypatch, task)
    with pytest.raises(UserError, match="torch sees no GPU here; use a GPU cluster, or choose encoder=openvino"):
        task_device(lambda: 0)
    assert str(CPU) == "cpu"


def test_outside_a_task_it_is_the_first_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    in_task(monkeypatch, None)
    assert task_device(lambda: 4) == Device(0)


@pytest.mark.parametrize(
    ("addresses", "visible", "index"),
    [
        (["2"], "", 2),
        (["2"], "0,1,2,3", 2),
        (["2"], "2", 0),  # physical id, and the task sees its own GPU alone
        (["0"], "2", 0),  # numbered from zero, and the task sees its own GPU alone
        (["5"], "4, 5, 6, 7", 1),  # the executor has half of the node's GPUs
        (["1"], "GPU-aa,GPU-bb", 1),
        (["2", "3"], "2,3", 0),
    ],
)
def test_an_address_becomes_an_index_of_this_process(addresses: list[str], visible: str, index: int) -> None:
    assert local_index(addresses, visible) == index
