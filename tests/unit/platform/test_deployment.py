"""What a deployed job uses is told where the bundle's own files say which job that is; else where to look."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import Job, JobParameterDefinition, JobSettings

from ragops.platform import deployment
from ragops.platform.deployment import job_values_hint

METADATA = {"config": {"resources": {"jobs": {"refresh": {"id": "17", "relative_path": "x"}, "smoke": {"id": "18"}}}}}
ELSEWHERE = "use those of the job refresh: its page lists its parameters"


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """A bundle's folder as `databricks bundle deploy` lays it out."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "metadata.json").write_text(json.dumps(METADATA))
    (tmp_path / "files" / "notebooks").mkdir(parents=True)
    (tmp_path / "files" / "databricks.yml").touch()
    return tmp_path / "files" / "notebooks"


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[int, Job]:
    parameters = [JobParameterDefinition(name=name, default=value) for name, value in PARAMETERS.items()]
    found = {17: Job(settings=JobSettings(parameters=parameters)), 18: Job(settings=JobSettings())}

    def get(job_id: int) -> Job:
        if job_id not in found:
            raise NotFound("no such job")
        return found[job_id]

    client = SimpleNamespace(jobs=SimpleNamespace(get=get))
    monkeypatch.setattr(deployment, "workspace_client", lambda *_: client)
    return found


PARAMETERS = {"allow_deletes": "false", "schema": "dev_ann_rag", "catalog": "dev", "usecase": "/Workspace/u.yml"}


def test_the_jobs_own_values(notebooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = "the job refresh has catalog=dev, schema=dev_ann_rag, usecase=/Workspace/u.yml"
    assert job_values_hint("refresh", notebooks) == result
    monkeypatch.chdir(notebooks)
    assert job_values_hint("refresh") == result


@pytest.mark.parametrize("metadata", ["", "[]", '{"config": {}}', '{"config": {"resources": {"jobs": {}}}}'])
def test_what_the_bundle_does_not_say_is_looked_up_elsewhere(notebooks: Path, metadata: str) -> None:
    (notebooks.parents[1] / "state" / "metadata.json").write_text(metadata)
    assert job_values_hint("refresh", notebooks) == ELSEWHERE


def test_a_job_that_is_gone_or_a_folder_elsewhere(notebooks: Path, jobs: dict[int, Job], tmp_path: Path) -> None:
    assert job_values_hint("smoke", notebooks) == ELSEWHERE.replace("refresh", "smoke")
    del jobs[17]
    assert job_values_hint("refresh", notebooks) == ELSEWHERE
    assert job_values_hint("refresh", tmp_path / "nowhere") == ELSEWHERE
