"""One engine for each GPU, tested without a GPU: Spark schedules four simulated ones with the job's configuration."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.integration.corpus.embeddings.test_gpu_scheduling import spark_home

HERE = Path(__file__).parent
JOB = HERE.parents[3] / "resources" / "answer_batch.job.yml"
GPUS = ["0", "1", "2", "3"]
ROUNDS, ROWS = 2, 40


def cluster_conf() -> dict[str, str]:
    """The Spark configuration of the job's GPU cluster."""
    job = yaml.safe_load(JOB.read_text(encoding="utf-8"))["resources"]["jobs"]["answer_batch"]
    (generate,) = (task for task in job["tasks"] if task["task_key"] == "generate")
    (cluster,) = (one for one in job["job_clusters"] if one["job_cluster_key"] == generate["job_cluster_key"])
    conf: dict[str, str] = cluster["new_cluster"]["spark_conf"]
    return conf


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gpus")
    log = folder / "log"
    (log / "ledger").mkdir(parents=True)
    discovery = folder / "discover.sh"
    discovery.write_text(f"#!/bin/sh\necho '{json.dumps({'name': 'gpu', 'addresses': GPUS})}'\n")
    discovery.chmod(0o755)
    # What Databricks adds by itself on a node with four GPUs.
    node = {
        "spark.worker.resource.gpu.amount": "4",
        "spark.worker.resource.gpu.discoveryScript": str(discovery),
        "spark.executor.resource.gpu.amount": "4",
        "spark.executorEnv.PYTHONPATH": str(HERE),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(folder),
        "spark.pyspark.python": sys.executable,
    }
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_", "CUDA_"))}
    environment = kept | {
        "PYTHONPATH": str(HERE),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(spark_home(folder)),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    command = [sys.executable, str(HERE / "gpu_batch.py"), json.dumps(cluster_conf() | node), str(log)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return log


@pytest.fixture(scope="module")
def engines(log: Path) -> list[dict]:
    return [json.loads(line) for file in log.glob("*.jsonl") for line in file.read_text().splitlines()]


def test_all_gpus_of_the_cluster_are_counted(log: Path) -> None:
    assert (log / "gpus").read_text() == str(len(GPUS))


def test_every_gpu_gets_the_same_share(engines: list[dict]) -> None:
    rows = {gpu: sum(one["rows"] for one in engines if one["gpu"] == gpu) for gpu in GPUS}
    assert rows == dict.fromkeys(GPUS, ROUNDS * ROWS // len(GPUS))


def test_there_is_one_engine_for_each_gpu_and_round_on_the_gpu_of_its_task(engines: list[dict]) -> None:
    assert len(engines) == ROUNDS * len(GPUS)
    assert all(one["addresses"] == [one["gpu"]] for one in engines)


def test_a_gpu_never_has_two_engines_and_a_process_never_two_gpus(engines: list[dict]) -> None:
    for gpu in GPUS:
        turns = sorted((one["start"], one["end"]) for one in engines if one["gpu"] == gpu)
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(turns))
    assert len({one["pid"] for one in engines}) == len(engines)


def test_every_request_is_in_the_ledger_once(log: Path) -> None:
    lines = [line for file in (log / "ledger").glob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(lines) == ROUNDS * ROWS
