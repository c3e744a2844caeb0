import pyspark
import pytest

from ragops.corpus.embeddings.devices import CPU, Device, local_index, task_device
from ragops.errors import UserError


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
