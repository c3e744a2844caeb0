"""The endpoint follows the champion's alias in a real registry; if the rollout fails, the alias goes back."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from ragops.errors import NotPermitted, UserError
from ragops.releases.follow_champion import follow
from ragops.releases.registry import CHAMPION, ChainRegistry, Version
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.usecase import UseCase, load_usecase
from tests.support import serving_double
from tests.support.serving_double import MODEL, NAME, Double, Refused

USE_CASE = load_usecase(Path(__file__).parents[3] / "usecase.yml")
SETTINGS = EndpointSettings(name=NAME, poll_seconds=0.01, ready_seconds=20, smoke_seconds=20)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> MlflowClient:
    """A registry with the versions in the double, and earlier ones."""
    store = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    client.create_registered_model(MODEL)
    for _ in range(8):
        client.create_model_version(MODEL, source="file:///nowhere")
    return client


@pytest.fixture
def registry(client: MlflowClient) -> ChainRegistry:
    return ChainRegistry(client, MODEL)


def version(number: str) -> Version:
    return Version(MODEL, number, "", "")


def followed(
    double: Double,
    registry: ChainRegistry,
    champion: str,
    before: str | None,
    settings: EndpointSettings = SETTINGS,
    use_case: UseCase = USE_CASE,
) -> str:
    registry.point(CHAMPION, version(champion))
    with serving_double.served(double) as address:
        client = serving_double.client(address, double)
        earlier = version(before) if before else None
        served = follow(
            client, registry, version(champion), earlier, settings, use_case, "What is a list?", lambda line: None
        )
    return served.version


def champion(registry: ChainRegistry) -> str:
    found = registry.by_alias(CHAMPION)
    assert found is not None
    return found.number


def test_the_endpoint_serves_the_champion(registry: ChainRegistry) -> None:
    double = Double()
    assert followed(double, registry, "7", None) == "7"
    assert double.changes == [("create", "7"), ("ask", "7")]
    assert double.endpoint is not None
    tags = {tag["key"]: tag["value"] for tag in double.endpoint["tags"]}
    assert tags == {"project": USE_CASE.name, "cost_owner": USE_CASE.corpus.owner}
    assert champion(registry) == "7"
    assert double.faults == []


def test_any_name_of_a_use_case_makes_valid_tags(registry: ChainRegistry) -> None:
    corpus = USE_CASE.corpus.model_copy(update={"owner": "Qualität & Prüfung: " + "x" * 99})
    use_case = USE_CASE.model_copy(update={"name": "Fragen, Antworten = alles/neu", "corpus": corpus})
    double = Double()
    assert followed(double, registry, "7", None, use_case=use_case) == "7"


def test_callers_get_access_and_others_keep_theirs(registry: ChainRegistry) -> None:
    double = Double(permissions={"somebody@example.com": "CAN_VIEW"})
    double.serving("7")
    settings = SETTINGS.model_copy(
        update={"managers": ("ragops-admins",), "callers": ("ragops-callers", "me@example.com", "ragops-admins")}
    )
    assert followed(double, registry, "7", "7", settings) == "7"
    assert double.permissions == {
        "somebody@example.com": "CAN_VIEW",
        "ragops-admins": "CAN_MANAGE",
        "ragops-callers": "CAN_QUERY",
        "me@example.com": "CAN_QUERY",
    }
    assert double.faults == []


def test_a_manager_is_not_reduced_to_a_caller(registry: ChainRegistry) -> None:
    double = Double(permissions={"me@example.com": "CAN_MANAGE"})
    double.serving("7")
    settings = SETTINGS.model_copy(update={"callers": ("me@example.com",)})
    followed(double, registry, "7", "7", settings)
    assert double.permissions == {"me@example.com": "CAN_MANAGE"}


def test_an_unknown_caller_is_named_and_the_champion_stays(registry: ChainRegistry) -> None:
    double = Double()
    settings = SETTINGS.model_copy(update={"callers": ("ragops-typo",)})
    with pytest.raises(UserError, match=r"it serves, but ragops-typo .*\(Principal: group_name") as result:
        followed(double, registry, "7", None, settings)
    assert "correct rights.endpoint in databricks.yml" in str(result.value) and "\n" not in str(result.value)
    assert champion(registry) == "7" and double.changes == [("create", "7"), ("ask", "7")]


def test_a_version_that_does_not_start_loses_the_alias(registry: ChainRegistry, client: MlflowClient) -> None:
    double = Double(failing={"8"})
    double.serving("7")
    with pytest.raises(UserError, match="version 8 does not work there .*version 7 serves again"):
        followed(double, registry, "8", "7")
    assert champion(registry) == "7"
    assert client.get_model_version(MODEL, "8").tags["gate"] == "taken back"


def test_a_first_champion_that_does_not_work_leaves_none(registry: ChainRegistry, client: MlflowClient) -> None:
    double = Double(failing={"6"})
    settings = SETTINGS.model_copy(update={"managers": ("ragops-admins",), "callers": ("ragops-callers",)})
    with pytest.raises(UserError, match="no earlier version .* read its logs"):
        followed(double, registry, "6", None, settings)
    assert double.permissions == {"ragops-admins": "CAN_MANAGE"}, "managers need access to its logs"
    assert registry.by_alias(CHAMPION) is None
    assert client.get_model_version(MODEL, "6").tags["gate"] == "taken back"


def test_a_champion_that_served_before_keeps_the_alias_if_the_endpoint_fails(registry: ChainRegistry) -> None:
    with pytest.raises(UserError, match="no earlier version"):
        followed(Double(failing={"6"}), registry, "6", "6")
    assert champion(registry) == "6"


def test_a_refused_request_for_the_state_reverts_update_and_alias(registry: ChainRegistry) -> None:
    double = Double()
    double.serving("7")
    double.looks_refused = {3: Refused(403, "PERMISSION_DENIED", "taken away")}
    with pytest.raises(UserError, match="version 8 does not work there .*taken away.*version 7 serves again"):
        followed(double, registry, "8", "7")
    assert champion(registry) == "7"
    assert double.endpoint is not None
    assert double.endpoint["config"]["served_entities"][0]["entity_version"] == "7"


@pytest.mark.parametrize("before", ["7", None])
def test_an_alias_that_cannot_be_moved_back_is_reported_with_the_first_failure(
    registry: ChainRegistry, before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    double = Double(failing={"8"})
    if before:
        double.serving(before)
    original = registry.point

    def refused(alias: str, version: Version | None = None) -> None:
        if version != Version(MODEL, "8", "", ""):
            raise NotPermitted("the current user needs MANAGE")
        original(alias, version)

    monkeypatch.setattr(registry, "point", refused)
    monkeypatch.setattr(registry, "drop", refused)
    wanted = "version 7" if before else "no version"
    with pytest.raises(
        UserError, match=f"version 8 does not work .*could not be moved back .*MANAGE.* should name {wanted}"
    ) as result:
        followed(double, registry, "8", before)
    assert "\n" not in str(result.value)
