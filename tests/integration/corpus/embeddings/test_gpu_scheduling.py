"""One task per GPU, tested without a GPU: Spark schedules four simulated ones with the real job's configuration."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyspark
import pytest
import yaml

HERE = Path(__file__).parent
JOB = HERE.parents[3] / "resources" / "refresh.jobs.yml"
GPUS = ["0", "1", "2", "3"]


def cluster_conf() -> dict[str, str]:
    """The Spark configuration of the job's GPU cluster."""
    job = yaml.safe_load(JOB.read_text(encoding="utf-8"))["resources"]["jobs"]["refresh"]
    (embed,) = (task for task in job["tasks"] if task["task_key"] == "embed")
    (cluster,) = (c for c in job["job_clusters"] if c["job_cluster_key"] == embed["job_cluster_key"])
    return cluster["new_cluster"]["spark_conf"]


def spark_home(folder: Path) -> Path:
    """Links to the installed Spark, since its worker writes into SPARK_HOME and the environment must not change."""
    home = folder / "spark"
    home.mkdir()
    for entry in Path(pyspark.__file__).parent.iterdir():
        (home / entry.name).symlink_to(entry)
    return home


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folder = tmp_path_factory.mktemp("gpus")
    log = folder / "log"
    log.mkdir()
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
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_", "CUDA_"))
    } | {
        "PYTHONPATH": str(HERE),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(spark_home(folder)),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    command = [sys.executable, str(HERE / "gpu_job.py"), json.dumps(cluster_conf() | node), str(log)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return [
        json.loads(line) | {"pid": file.stem} for file in log.glob("*.jsonl") for line in file.read_text().splitlines()
    ]


def encodes(records: list[dict]) -> list[dict]:
    return [record for record in records if record["event"] == "encode"]


def test_every_gpu_is_used(records: list[dict]) -> None:
    assert {record["device"] for record in encodes(records)} == {f"cuda:{gpu}" for gpu in GPUS}


def test_every_task_encodes_with_the_model_on_its_own_gpu(records: list[dict]) -> None:
    assert all(record["addresses"] == [record["device"].removeprefix("cuda:")] for record in encodes(records))


def test_a_gpu_never_has_two_tasks_at_once(records: list[dict]) -> None:
    for gpu in GPUS:
        turns = sorted((r["start"], r["end"]) for r in encodes(records) if r["addresses"] == [gpu])
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(turns))


def test_a_process_loads_a_model_once_for_each_gpu(records: list[dict]) -> None:
    loads = [(record["pid"], record["device"]) for record in records if record["event"] == "load"]
    assert len(loads) == len(set(loads))
    assert len(loads) < len(encodes(records))
