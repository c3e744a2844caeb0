from pathlib import Path

import pytest
from localbundle.definitions.bundle import Bundle
from localbundle.definitions.yamlfile import Text

from tests.runtimes.platforms import GPU, SERVERLESS, Installation, installations, spark_of


@pytest.mark.parametrize(
    ("runtime", "spark"),
    [
        ("18.x-gpu-ml-scala2.13", "4.1"),
        ("19.x-cpu-ml-scala2.13", "4.2"),
        ("serverless-v5", "4.1"),
        ("serverless-v6", "4.2"),
    ],
)
def test_the_spark_of_a_runtime(runtime: str, spark: str) -> None:
    assert spark_of(runtime) == spark


def test_installations_come_from_the_definitions_of_jobs(tmp_path: Path) -> None:
    """Paths are relative to the file that contains them; a wheel is the one that was built."""
    (tmp_path / "dist").mkdir()
    wheel = tmp_path / "dist" / "ragops-0.1.0-py3-none-any.whl"
    wheel.touch()
    file = tmp_path / "resources" / "refresh.job.yml"
    job = {
        "environments": [
            {"spec": {"dependencies": [Text("../dist/*.whl[cpu]", file), Text("-r ../on_top.txt", file)]}}
        ],
        "tasks": [
            {"task_key": "ingest"},
            {"task_key": "embed", "libraries": [{"whl": Text("../dist/*.whl", file)}, {"pypi": {"package": "a==1"}}]},
        ],
    }
    bundle = Bundle(tmp_path, "b", "dev", {"resources": {"jobs": {"refresh": job}}}, {})
    assert list(installations(bundle)) == [
        Installation(SERVERLESS, "refresh", (f"{wheel}[cpu]", "-r", str(tmp_path / "on_top.txt"))),
        Installation(GPU, "refresh.embed", (str(wheel), "a==1")),
    ]
