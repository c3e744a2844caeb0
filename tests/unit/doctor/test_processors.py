"""GPUs are needed only where they are expected, and each is told once."""

import pytest

from ragops.doctor import processors
from ragops.embeddings.gpus import FoundGpu
from ragops.workspace import Workspace

PLACE = Workspace("c", "s")
GOOD = FoundGpu("node", "uuid-1", "Tesla T4", "535.54", "2.9.0", "12.8", "")
NONE = FoundGpu("node", "", "", "", "2.9.0", "12.8", "no NVIDIA driver")


@pytest.mark.parametrize(("expected", "state"), [(False, "ok"), (True, "missing")])
def test_none_is_missing_only_where_one_is_expected(
    monkeypatch: pytest.MonkeyPatch, expected: bool, state: str
) -> None:
    monkeypatch.setattr(processors, "has_spark", lambda: False)
    monkeypatch.setattr(processors, "look", lambda device: NONE)
    (finding,) = processors.check_gpus(PLACE, expected)
    assert finding.state == state and "no NVIDIA driver" in finding.found
    monkeypatch.setattr(processors.importlib.util, "find_spec", lambda name: None)
    (finding,) = processors.check_gpus(PLACE, expected)
    assert finding.state == state and finding.found.startswith("torch is not installed")


def test_two_tasks_on_one_gpu_are_one_row_with_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "has_spark", lambda: True)
    monkeypatch.setattr(processors, "parallelism", lambda workspace: 2)
    monkeypatch.setattr(processors, "look_everywhere", lambda spark, slots: [GOOD] * slots)
    monkeypatch.setattr(Workspace, "spark", object(), raising=False)
    slots, gpu = processors.check_gpus(PLACE, True)
    assert slots.found == "2"
    assert gpu == ("GPU of node", "Tesla T4 (uuid-1) computes; torch 2.9.0 for CUDA 12.8, driver 535.54", "ok", "")
