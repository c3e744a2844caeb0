"""What the registry allows, tried on SQLite and on a double of Unity Catalog; nothing is left behind."""

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from ragops.doctor.findings import Finding
from ragops.doctor.registry import check_models, check_prompts
from tests.support.catalog_double import Refused, catalog_client, off, store


@pytest.fixture
def catalog(monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    with catalog_client(monkeypatch) as client:
        yield client


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def test_a_laptop_allows_everything_and_keeps_nothing(client: MlflowClient) -> None:
    models = by_name(check_models(client, "main.rag.doctor_m"))
    prompts = by_name(check_prompts(client, "main.rag.doctor_p"))
    assert {finding.state for finding in (models | prompts).values()} == {"ok"}
    assert models["model tag with a dot"].found == "allowed"
    assert models["remove the model"].found == prompts["remove the prompt"].found == "removed again"
    assert list(client.search_registered_models()) == [] and list(client.search_prompts()) == []


def test_unity_catalog_says_what_it_refuses_and_keeps_nothing(catalog: MlflowClient) -> None:
    found = by_name(check_prompts(catalog, "main.rag.doctor_p"))
    assert found["prompt not there"].found == "answers None"  # MLflow's client makes that of the code
    assert found["prompt by alias latest"].found == "answers None"
    assert found["list versions"].found == "1 found"
    assert found["version tag"].found == "allowed"
    assert found["version tag with a dot"].found == "refused: INVALID_PARAMETER_VALUE"
    assert found["version tag, 1,001 chars"].found == "refused: INVALID_PARAMETER_VALUE"
    assert found["remove the prompt"].found == "removed again" and store == {}


def test_where_nothing_may_be_made_one_row_says_so(catalog: MlflowClient) -> None:
    off.append(Refused("FEATURE_DISABLED", "the preview is off"))
    *_, last = check_prompts(catalog, "main.rag.doctor_p")
    assert (last.what, last.state) == ("make a prompt", "unknown") and "preview" in last.to_do
    *_, last = check_models(catalog, "main.rag.doctor_m")
    assert (last.what, last.state) == ("make a model", "unknown") and "docs/rights.md" in last.to_do
