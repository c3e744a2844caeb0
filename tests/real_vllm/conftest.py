"""A workspace whose Spark workers run vLLM on the CPU, and a small model for it."""

import os
from pathlib import Path

import pytest

# Inherited by Spark's workers: a cache of 1 GiB instead of half the memory, and threads that are not bound to cores.
os.environ |= {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": str(os.cpu_count() or 1),
    "HF_HUB_OFFLINE": "1",
}

from tests.integration.conftest import spark_environment, workspace, workspace_server  # noqa: E402
from tests.real_vllm.model import save_model  # noqa: E402

__all__ = ["spark_environment", "workspace", "workspace_server"]


@pytest.fixture(scope="session")
def worker_id() -> str:
    """As pytest-xdist has it for a run without workers."""
    return "master"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder)
    return folder
