"""GPUs are needed only where they are expected, and each is told once."""

import pytest

from ragops.corpus.embeddings.gpus import FoundGpu
from ragops.doctor import gpus
from ragops.platform.workspace import Workspace

PLACE = Workspace("c", "s")
GOOD = FoundGpu("node", "uuid-1", "Tesla T4", "535.54", "2.9.0", "12.8", "")
NONE = FoundGpu("node", "", "", "", "2.9.0", "12.8", "no NVIDIA driver")


@pytest.mark.parametrize(("expected", "state"), [(False, "ok"), (True, "missing")])
def test_none_is_missing_only_where_one_is_expected(
    monkeypatch: pytest.MonkeyPatch, expected: bool, state: str
) -> None:
    monkeypatch.setattr(gpus, "has_spark", lambda: False)
    monkeypatch.setattr(gpus, "look", lambda device: NONE)
    (finding,) = gpus.check_gpus(PLACE, expected)
    assert finding.state == state and "no NVIDIA driver" in finding.found
    monkeypatch.setattr(gpus.importlib.util, "find_spec", lambda name: None)
    (finding,) = gpus.check_gpus(PLACE, expected)
    assert finding.state == state and finding.found.startswith("torch is not installed")


def test_two_tasks_on_one_gpu_are_one_row_with_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "has_spark", lambda: True)
    monkeypatch.setattr(gpus, "parallelism", lambda workspace: 2)
    monkeypatch.setattr(gpus, "look_everywhere", lambda spark, slots: [GOOD] * slots)
    monkeypatch.setattr(Workspace, "spark", object(), raising=False)
    slots, gpu = gpus.check_gpus(PLACE, True)
    assert slots.found == "2"
    assert gpu == ("GPU of node", "Tesla T4 (uuid-1) computes; torch 2.9.0 for CUDA 12.8, driver 535.54", "ok", "")
