"""GPUs are looked at before work starts; which one cannot be used, and why, is one line."""

from dataclasses import replace

import pytest

from ragops.corpus.embeddings.devices import Device
from ragops.corpus.embeddings.gpus import FoundGpu, describe, look
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
