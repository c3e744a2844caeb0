"""What a bundle deployed: from the last local run, and from the state of a deployment in a workspace."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import Job, JobParameterDefinition, JobSettings

from ragops.errors import UserError
from ragops.platform import deployment
from ragops.platform.deployment import deployed_experiment, deployed_model, deployed_workspace, job_values_hint
from ragops.platform.workspace import Workspace

METADATA = {"config": {"resources": {"jobs": {"refresh": {"id": "17", "relative_path": "x"}, "smoke": {"id": "18"}}}}}
ELSEWHERE = "use those of the job refresh: its page lists its parameters"


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    """The folder of a bundle after `databricks bundle deploy`."""
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


def test_the_hint_has_the_values_of_the_deployed_job(notebooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = "the job refresh uses catalog=dev, schema=dev_ann_rag, usecase=/Workspace/u.yml"
    assert job_values_hint("refresh", notebooks) == result
    monkeypatch.chdir(notebooks)
    assert job_values_hint("refresh") == result


@pytest.mark.parametrize("metadata", ["", "[]", '{"config": {}}', '{"config": {"resources": {"jobs": {}}}}'])
def test_without_a_job_in_the_state_the_hint_names_its_page(notebooks: Path, metadata: str) -> None:
    (notebooks.parents[1] / "state" / "metadata.json").write_text(metadata)
    assert job_values_hint("refresh", notebooks) == ELSEWHERE


def test_without_the_job_or_the_bundle_the_hint_names_its_page(
    notebooks: Path, jobs: dict[int, Job], tmp_path: Path
) -> None:
    assert job_values_hint("smoke", notebooks) == ELSEWHERE.replace("refresh", "smoke")
    del jobs[17]
    assert job_values_hint("refresh", notebooks) == ELSEWHERE
    assert job_values_hint("refresh", tmp_path / "nowhere") == ELSEWHERE


def test_the_deployed_schema_is_the_one_recorded_by_the_last_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    home = tmp_path / ".localbundle" / "dev"
    inside = tmp_path / "notebooks"
    inside.mkdir()
    monkeypatch.chdir(inside)
    with pytest.raises(UserError, match="make demo"):
        deployed_workspace("dev")
    home.mkdir(parents=True)
    with pytest.raises(UserError, match="never been run here"):
        deployed_workspace("dev")
    record = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "dev_me_rag"}}}}
    (home / "bundle.json").write_text(json.dumps(record))
    assert deployed_workspace("dev") == Workspace("spark_catalog", "dev_me_rag")


def test_each_target_has_its_own_volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALBUNDLE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    record = {"resources": {"schemas": {"rag": {"catalog_name": "spark_catalog", "name": "rag"}}}}
    for target in ("dev", "staging"):
        (tmp_path / ".localbundle" / target).mkdir(parents=True)
        (tmp_path / ".localbundle" / target / "bundle.json").write_text(json.dumps(record))
    landing = deployed_workspace("staging").volume("landing")
    assert landing == tmp_path / ".localbundle/staging/Volumes/spark_catalog/rag/landing"


def test_the_record_names_the_experiment_and_the_model_of_a_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    resources = {"experiments": {"quality": {"name": "[dev me] quality"}}}
    record = tmp_path / "bundle.json"
    record.write_text(json.dumps({"resources": resources, "variables": {}}))
    assert (deployed_experiment("dev"), deployed_model("dev")) == ("[dev me] quality", "")
    record.write_text(json.dumps({"resources": resources, "variables": {"llm": {"value": "quotes"}}}))
    assert deployed_model("dev") == "quotes"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"bundle.json: cannot be read as JSON \(.*\); correct it, or remove it"),
        ("[]", r"bundle.json: is not a JSON object"),
        ("{}", r"bundle.json: has no resources.experiments.quality; run: localbundle run refresh -t dev"),
        ('{"resources": 5}', r"bundle.json: has no resources.experiments.quality"),
    ],
)
def test_a_broken_record_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, message: str
) -> None:
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path))
    (tmp_path / "bundle.json").write_text(content)
    with pytest.raises(UserError, match=message):
        deployed_experiment("dev")


def test_an_app_finds_what_it_serves_in_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"APP_NAME": "chat", "APP_PORT": "8000"}.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    monkeypatch.delenv("RAGOPS_CATALOG", raising=False)
    with pytest.raises(UserError, match="RAGOPS_CATALOG is not set"):
        deployed_workspace("prod")
    for name, value in {"CATALOG": "main", "SCHEMA": "rag", "EXPERIMENT": "/Shared/quality", "LLM": "served"}.items():
        monkeypatch.setenv(f"RAGOPS_{name}", value)
    assert deployed_workspace("prod") == Workspace("main", "rag")
    assert (deployed_experiment("prod"), deployed_model("prod")) == ("/Shared/quality", "served")
