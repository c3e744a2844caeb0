from dataclasses import replace

import pyspark
import pytest

from ragops.corpus.embeddings.gpus import FoundGpu, describe, local_index, task_device
from ragops.corpus.embeddings.interface import CPU, Device
from ragops.errors import UserError

T4 = FoundGpu("node-1", "GPU-1", "Tesla T4", "560.35.03", "2.9.0", "12.8", "")


def test_the_gpus_are_described_in_one_line() -> None:
    result = describe([T4, replace(T4, host="node-2")])
    assert result == "runs on 2 GPUs of 2 nodes: Tesla T4, driver 560.35.03, torch 2.9.0 for CUDA 12.8"
    assert describe([replace(T4, driver="")]).endswith("driver unknown, torch 2.9.0 for CUDA 12.8")
    assert "; Tesla T4" in describe([replace(T4, name="A10G"), T4])


def test_a_gpu_found_by_several_tasks_counts_once() -> None:
    """Spark runs the check once per core."""
    assert describe([T4, T4, replace(T4, device="GPU-2"), T4]).startswith("runs on 2 GPUs of 1 nodes")


def test_a_cluster_without_results_is_refused() -> None:
    with pytest.raises(UserError, match="^GPUs: no task of the cluster found one; use a GPU cluster"):
        describe([])


@pytest.mark.parametrize(
    ("driver", "torch", "cuda", "oldest"),
    [("560.35.03", "2.14.0", "13.0", 580), ("470.82.01", "2.9.0", "12.8", 525), ("579", "2.14.0", "13.2", 580)],
)
def test_an_old_driver_is_reported_with_the_oldest_supported_one(
    driver: str, torch: str, cuda: str, oldest: int
) -> None:
    found = replace(T4, driver=driver, torch=torch, cuda=cuda, name="", problem="torch finds no GPU here")
    with pytest.raises(UserError) as caught:
        describe([T4, found])
    assert str(caught.value).startswith(
        f"GPU on node-1: its driver {driver} is older than the {oldest} that torch {torch} for CUDA {cuda} needs; "
    )


@pytest.mark.parametrize(("driver", "cuda"), [("580.65", "13.0"), ("560.35", "12.8"), ("525.60.13", "12.1")])
def test_a_supported_driver_is_accepted(driver: str, cuda: str) -> None:
    assert describe([replace(T4, driver=driver, cuda=cuda)])


def test_an_old_driver_that_runs_kernels_is_accepted() -> None:
    """NVIDIA's forward compatibility package allows it on data-center GPUs."""
    assert describe([replace(T4, driver="535.54.03", torch="2.14.0", cuda="13.0")])


def test_a_gpu_that_runs_no_kernel_is_named() -> None:
    with pytest.raises(UserError, match="^GPU on node-2: CUDA error: no kernel image is available; use a GPU cluster"):
        describe([T4, replace(T4, host="node-2", problem="CUDA error: no kernel image is available")])


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


def test_the_schedulers_gpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_without_a_gpu_the_cpu_is_not_a_fallback(monkeypatch: pytest.MonkeyPatch, task: Task | None) -> None:
    in_task(monkeypatch, task)
    with pytest.raises(UserError, match="torch finds no GPU here"):
        task_device(lambda: 0)
    assert str(CPU) == "cpu"


def test_outside_a_task_the_first_gpu_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_an_address_is_translated_to_this_processs_index(addresses: list[str], visible: str, index: int) -> None:
    assert local_index(addresses, visible) == index
