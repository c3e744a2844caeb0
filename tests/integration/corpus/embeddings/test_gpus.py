import pytest

from ragops.corpus.embeddings.gpus import describe, look
from ragops.corpus.embeddings.interface import Device
from ragops.errors import UserError


def test_a_task_without_a_gpu_reports_the_reason() -> None:
    """On a machine without a GPU, with PyTorch's reason."""
    found = look(lambda: Device(0))
    assert found.problem and "\n" not in found.problem and found.host and found.torch
    with pytest.raises(UserError, match="^GPU on "):
        describe([found])
