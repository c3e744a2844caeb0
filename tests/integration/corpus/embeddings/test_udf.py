"""The embedding function on real workers, through Spark Connect."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_every_text_is_embedded_once_and_gets_its_own_vector(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))} | {
        "PYTHONPATH": str(HERE),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(tmp_path),
    }
    command = [sys.executable, str(HERE / "connect_job.py"), str(log)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    embedded = [line for file in log.iterdir() for line in file.read_text().splitlines()]
    assert sorted(embedded) == sorted(f"text {number}" for number in range(1000))
