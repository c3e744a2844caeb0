"""What registries allow, tried on SQLite and on a double of Unity Catalog; nothing is left behind."""

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


def test_a_laptop_s_registry_allows_everything_and_is_empty_afterwards(client: MlflowClient) -> None:
    models = by_name(check_models(client, "main.rag.doctor_m"))
    prompts = by_name(check_prompts(client, "main.rag.doctor_p"))
    assert {finding.state for finding in (models | prompts).values()} == {"ok"}
    assert models["model tag with a dot"].found == "allowed"
    assert models["delete the model"].found == prompts["delete the prompt"].found == "deleted"
    assert list(client.search_registered_models()) == [] and list(client.search_prompts()) == []


def test_unity_catalog_s_refusals_are_reported_and_it_is_empty_afterwards(catalog: MlflowClient) -> None:
    found = by_name(check_prompts(catalog, "main.rag.doctor_p"))
    assert found["missing prompt"].found == "returns None"  # by MLflow's client, from the code
    assert found["prompt by alias latest"].found == "returns None"
    assert found["list versions"].found == "1 found"
    assert found["version tag"].found == "allowed"
    assert found["version tag with a dot"].found == "refused: INVALID_PARAMETER_VALUE"
    assert found["version tag, 1,001 chars"].found == "refused: INVALID_PARAMETER_VALUE"
    assert found["delete the prompt"].found == "deleted" and store == {}


def test_if_nothing_can_be_created_one_row_names_the_fix(catalog: MlflowClient) -> None:
    off.append(Refused("FEATURE_DISABLED", "the preview is off"))
    *_, last = check_prompts(catalog, "main.rag.doctor_p")
    assert (last.what, last.state) == ("create a prompt", "unknown") and "preview" in last.to_do
    *_, last = check_models(catalog, "main.rag.doctor_m")
    assert (last.what, last.state) == ("create a model", "unknown") and "docs/rights.md" in last.to_do
