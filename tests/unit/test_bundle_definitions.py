"""The bundle's resources against the types of the real bundle format: unknown fields and wrong values raise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume

ROOT = Path(__file__).parents[2]
KINDS = {"jobs": Job, "schemas": Schema, "volumes": Volume}
TARGETS = ("dev", "staging", "prod")


def resources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in sorted((ROOT / "resources").glob("*.yml")):
        for kind, named in yaml.safe_load(file.read_text())["resources"].items():
            for key, resource in named.items():
                yield kind, key, resource


@pytest.mark.parametrize(
    ("kind", "key", "resource"), resources(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_resource_is_of_its_type(kind: str, key: str, resource: dict[str, Any]) -> None:
    KINDS[kind].from_dict(resource)


def test_an_unknown_field_raises() -> None:
    with pytest.raises(ValueError, match="tusks"):
        Job.from_dict({"name": "x", "tusks": []})


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_is_one_target(target: str) -> None:
    assert list(yaml.safe_load((ROOT / "environments" / f"{target}.yml").read_text())["targets"]) == [target]


def test_variables_are_declared_once_and_used() -> None:
    declared = yaml.safe_load((ROOT / "databricks.yml").read_text())["variables"]
    text = "".join(file.read_text() for file in (ROOT / "resources").glob("*.yml"))
    assert {name for name in declared if f"${{var.{name}}}" not in text} == set()


def test_the_embed_task_gets_a_gpu_a_task_on_several_nodes() -> None:
    job = yaml.safe_load((ROOT / "resources" / "refresh.job.yml").read_text())["resources"]["jobs"]["refresh"]
    cluster = job["job_clusters"][0]["new_cluster"]
    assert cluster["spark_conf"]["spark.task.resource.gpu.amount"] == "1"
    assert "gpu-ml" in cluster["spark_version"]
    assert cluster["num_workers"] == "${var.gpu_workers}"
