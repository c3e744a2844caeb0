"""Rollouts to a serving endpoint with the real SDK, against a double of the platform's REST API."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.service.serving import ServingEndpointsAPI

from ragops.errors import UserError
from ragops.serving.endpoint import rollout
from ragops.serving.endpoint.rollout import Served, Wanted, serve
from ragops.serving.endpoint.settings import AiGatewaySettings, EndpointSettings
from ragops.serving.endpoint.smoke_test import SmokeFailure, smoke_test
from tests.support import serving_double
from tests.support.serving_double import MODEL, NAME, TOKEN, Double, Refused

TAGS = {"project": "python-reference", "cost_owner": "platform-team"}
FOREVER = 10**9

Release = Callable[..., Served]


@pytest.fixture
def double() -> Iterator[Double]:
    double = Double()
    yield double
    assert double.faults == []


@pytest.fixture
def release(double: Double) -> Iterator[Release]:
    with serving_double.served(double) as address:

        def run(version: str, token: str = TOKEN, note: Any = None, model: str = MODEL, **settings: Any) -> Served:
            wanted = Wanted(model, version, "What is a list?", **TAGS)
            paced = {"poll_seconds": 0.01, "ready_seconds": 20, "smoke_seconds": 20} | settings
            client = serving_double.client(address, double, token)
            return serve(client, wanted, EndpointSettings(name=NAME, **paced), note or (lambda line: None))

        yield run


def active(double: Double) -> Any:
    assert double.endpoint is not None
    return double.endpoint["config"]["served_entities"][0]


def test_a_missing_endpoint_is_created(double: Double, release: Release) -> None:
    lines: list[str] = []

    result = release(
        "7",
        note=lines.append,
        environment_vars={"OPENAI_API_KEY": "{{secrets/rag/openai}}"},
        gateway=AiGatewaySettings(inference_table="prod.rag.requests"),
    )

    assert result == Served("7", NAME, previous=None)
    assert double.changes == [("create", "7"), ("ask", "7")]
    assert active(double)["environment_vars"] == {"OPENAI_API_KEY": "{{secrets/rag/openai}}"}
    assert double.endpoint is not None
    assert double.endpoint["tags"] == [{"key": key, "value": value} for key, value in TAGS.items()]
    assert double.endpoint["ai_gateway"]["inference_table_config"] == {
        "enabled": True,
        "catalog_name": "prod",
        "schema_name": "rag",
        "table_name_prefix": "requests",
    }
    assert lines[0] == "rag: does not exist"
    assert lines[1] == "rag: NOT_READY, IN_PROGRESS (DEPLOYMENT_CREATING: building)"
    assert lines[-1] == "rag: READY, NOT_UPDATING"


@pytest.mark.skipif(not hasattr(Config, "workspace_id"), reason="this SDK does not support shared hosts")
def test_requests_name_the_workspace_on_a_shared_host(double: Double, release: Release) -> None:
    double.workspace = "42"

    assert release("7") == Served("7", NAME, previous=None)


def test_an_update_keeps_other_tags(double: Double, release: Release) -> None:
    double.serving("7")

    assert release("8") == Served("8", NAME, previous="7")

    assert double.changes == [("tags", TAGS), ("update", "8"), ("ask", "8")]
    assert active(double)["name"] == "rag_chain-8"
    assert double.endpoint is not None
    assert {tag["key"] for tag in double.endpoint["tags"]} == {"made_by", "project", "cost_owner"}


def test_the_same_rollout_again_changes_nothing(double: Double, release: Release) -> None:
    settings = {"gateway": AiGatewaySettings(inference_table="prod.rag.requests"), "environment_vars": {"A": "b"}}
    release("7", **settings)
    double.changes.clear()

    assert release("7", **settings) == Served("7", NAME, previous="7")

    assert double.changes == [("ask", "7")]


def test_other_settings_of_the_same_version_are_an_update(double: Double, release: Release) -> None:
    release("7")
    double.changes.clear()

    assert release("7", workload_size="Medium").version == "7"

    assert double.changes == [("update", "7"), ("ask", "7")]
    assert active(double)["workload_size"] == "Medium"


def test_a_changed_ai_gateway_needs_no_update(double: Double, release: Release) -> None:
    release("7", gateway=AiGatewaySettings(inference_table="prod.rag.requests"))
    double.changes.clear()

    release("7", gateway=AiGatewaySettings(inference_table="prod.rag.others"))

    assert [name for name, _ in double.changes] == ["gateway", "ask"]


def test_a_refused_ai_gateway_changes_nothing(double: Double, release: Release) -> None:
    release("7")
    double.changes.clear()

    with pytest.raises(UserError, match="only support inference tables"):
        release("8", gateway=AiGatewaySettings(calls_per_minute=100))

    assert double.changes == []


def test_a_failed_update_leaves_the_previous_version(double: Double, release: Release) -> None:
    double.serving("7")
    double.failing = {"8"}

    result = release("8")

    assert (result.version, result.previous, result.rolled_back) == ("7", "7", True)
    assert result.reason == "READY, UPDATE_FAILED (DEPLOYMENT_FAILED: no module named chromadb)"
    # The platform never switched: no second update is sent, and the broken version is not asked.
    assert double.changes == [("tags", TAGS), ("update", "8")]
    assert active(double)["entity_version"] == "7"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("EMPTY", "smoke test: an empty answer"),
        ("ERROR", "smoke test: HTTP 500"),
        ("SLOW", "smoke test: no answer within 0.3 s"),
    ],
)
def test_a_failed_smoke_test_restores_the_previous_version(
    double: Double, release: Release, answer: str, reason: str
) -> None:
    double.serving("7", workload_size="Large", environment_vars={"MODE": "old"})
    before = dict(active(double))
    double.answers = {"8": [answer]}

    result = release("8", smoke_seconds=0.3 if answer == "SLOW" else 20)

    assert (result.version, result.previous, result.rolled_back) == ("7", "7", True)
    assert result.reason.startswith(reason)
    assert double.changes == [("tags", TAGS), ("update", "8"), ("ask", "8"), ("update", "7")]
    assert active(double) == before


def test_a_smoke_test_waits_for_replicas_and_routes(double: Double, release: Release) -> None:
    double.serving("7")
    double.answers = {"8": ["BUSY", "STALE", "Yes [1]."]}

    assert release("8").rolled_back is False

    assert double.changes[-3:] == [("ask", "8")] * 3


def test_an_unreachable_endpoint_fails_the_smoke_test_at_its_limit(double: Double) -> None:
    with serving_double.served(double) as address:
        client = WorkspaceClient(host=address, token=TOKEN, auth_type="pat")

    with pytest.raises(SmokeFailure, match="cannot be reached"):
        smoke_test(client, EndpointSettings(name=NAME, smoke_seconds=0.1, poll_seconds=0.01), "?", "rag_chain-7")


def test_a_split_of_the_traffic_is_restored(double: Double, release: Release) -> None:
    double.serving("6")
    assert double.endpoint is not None
    config = double.endpoint["config"]
    second = config["served_entities"][0] | {"name": "canary", "entity_version": "7"}
    config["served_entities"].append(second)
    config["traffic_config"]["routes"] = [
        {"served_model_name": "rag_chain-6", "traffic_percentage": 90},
        {"served_model_name": "canary", "traffic_percentage": 10},
    ]
    double.answers = {"8": ["EMPTY"]}

    result = release("8")

    assert (result.version, result.rolled_back) == ("6+7", True)
    assert double.endpoint["config"]["traffic_config"]["routes"] == config["traffic_config"]["routes"]


def test_a_first_version_that_fails_is_an_error_and_stays(double: Double, release: Release) -> None:
    double.failing = {"7"}

    with pytest.raises(UserError, match=r"version 7 does not work \(NOT_READY, UPDATE_FAILED .*no earlier version"):
        release("7")

    assert double.changes == [("create", "7")]
    assert double.endpoint is not None

    # The next version finds that endpoint without a version to restore.
    assert release("8") == Served("8", NAME, previous=None)


def test_a_first_version_that_does_not_answer_is_an_error(double: Double, release: Release) -> None:
    double.answers = {"7": ["EMPTY"]}

    with pytest.raises(UserError, match=r"smoke test: an empty answer\) and there is no earlier version"):
        release("7")


def test_a_version_that_served_already_and_does_not_answer_is_an_error(double: Double, release: Release) -> None:
    """Another run rolled it out, so its previous version is unknown."""
    release("7")
    double.changes.clear()
    double.answers = {"7": ["EMPTY"]}

    with pytest.raises(UserError, match="no earlier version"):
        release("7")

    assert double.changes == [("ask", "7")]


def test_a_late_update_is_rolled_back_when_it_is_finished(
    double: Double, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API cannot cancel an update, so it is rolled back as soon as it is finished."""
    double.serving("7")
    double.hanging = {"8": FOREVER}
    roll_back = rollout._roll_back

    def finish_soon(*arguments: Any) -> None:
        double.left = 3
        roll_back(*arguments)

    monkeypatch.setattr(rollout, "_roll_back", finish_soon)

    result = release("8", ready_seconds=1)

    assert (result.version, result.rolled_back) == ("7", True)
    assert result.reason.startswith("not ready within 1 s: READY, IN_PROGRESS (DEPLOYMENT_CREATING")
    assert double.changes == [("tags", TAGS), ("update", "8"), ("update", "7")]


def test_an_update_that_never_ends_is_an_error(double: Double, release: Release) -> None:
    double.serving("7")
    double.hanging = {"8": FOREVER}

    with pytest.raises(UserError, match="version 8 failed .* rollback failed too: .*cancel the update on its page"):
        release("8", ready_seconds=0.2)

    assert active(double)["entity_version"] == "7"


def test_a_first_version_that_never_becomes_ready_is_an_error(double: Double, release: Release) -> None:
    double.hanging = {"7": FOREVER}

    with pytest.raises(UserError, match=r"version 7 does not work \(not ready within 0.2 s: NOT_READY, IN_PROGRESS"):
        release("7", ready_seconds=0.2)


def test_another_clients_update_is_awaited_and_restored(double: Double, release: Release) -> None:
    double.serving("6")
    double.updating_to("7", looks=3)
    double.answers = {"8": ["EMPTY"]}

    result = release("8")

    assert (result.version, result.previous, result.rolled_back) == ("7", "7", True)
    assert double.changes == [("tags", TAGS), ("update", "8"), ("ask", "8"), ("update", "7")]


@pytest.mark.parametrize("is_ready", [False, True])
def test_a_later_update_by_another_client_is_left_as_it_is(is_ready: bool, double: Double, release: Release) -> None:
    double.serving("7")
    double.answers = {"8": ["EMPTY"]}
    theirs: list[str] = []

    def overtake(state: str) -> None:
        if ("update", "8") in double.changes and double.left == (0 if is_ready else 1) and not theirs:
            theirs.append("6")
            if not is_ready:
                double._finish()
            double.updating_to("6", looks=2)

    with pytest.raises(UserError, match="another client has changed the endpoint"):
        release("8", note=overtake)
    assert active(double)["entity_version"] == "6"
    assert [what for what, _ in double.changes if what == "update"] == ["update"]


def test_a_conflict_restarts_the_rollout(double: Double, release: Release) -> None:
    double.serving("7")
    conflict = Refused(409, "RESOURCE_CONFLICT", "Endpoint 'rag' is currently being updated")
    double.refusals = [("PUT /config", conflict), ("PUT /config", conflict)]

    assert release("8") == Served("8", NAME, previous="7")

    assert double.refusals == []
    assert double.changes == [("tags", TAGS), ("update", "8"), ("ask", "8")]


def test_an_update_whose_response_was_lost_can_be_rolled_back(double: Double, release: Release) -> None:
    double.serving("7")
    double.lost_answers = 1
    double.answers = {"8": ["EMPTY"]}

    result = release("8")

    assert (result.version, result.previous, result.rolled_back) == ("7", "7", True)
    assert double.changes == [("tags", TAGS), ("update", "8"), ("ask", "8"), ("update", "7")]


def test_a_permanent_conflict_is_an_error(double: Double, release: Release) -> None:
    double.serving("7")
    conflict = Refused(409, "RESOURCE_CONFLICT", "Endpoint 'rag' is currently being updated")
    double.refusals = [("PUT /config", conflict)] * 1000

    with pytest.raises(UserError, match="another update is in progress .*retry"):
        release("8", ready_seconds=0.2)


def test_an_endpoint_created_by_another_client_is_updated(double: Double, release: Release) -> None:
    double.serving("7")
    double.refusals = [("GET /rag", Refused(404, "RESOURCE_DOES_NOT_EXIST", "not yet"))]

    assert release("8") == Served("8", NAME, previous="7")


def test_server_errors_do_not_end_the_wait(double: Double, release: Release) -> None:
    double.serving("7")
    double.refusals = [("GET /rag", Refused(500, "INTERNAL_ERROR", "oops")), ("GET /rag", Refused(504, "", "gateway"))]

    assert release("8").version == "8"

    assert double.refusals == []


def test_a_refused_rollback_is_an_error(double: Double, release: Release) -> None:
    double.serving("7")
    double.answers = {"8": ["EMPTY"]}
    original = double.invoke

    def invoke_then_refuse(body: Any) -> Any:
        double.refusals = [("PUT /config", Refused(403, "PERMISSION_DENIED", "creator left"))]
        return original(body)

    double.invoke = invoke_then_refuse  # type: ignore[method-assign]

    with pytest.raises(UserError, match=r"version 8 failed \(.*empty answer\), and the rollback failed too"):
        release("8")


@pytest.mark.parametrize("version", ["9", "latest"])
def test_an_unknown_version_is_refused_before_anything_changes(double: Double, release: Release, version: str) -> None:
    double.serving("7")

    with pytest.raises(UserError, match=f"model {MODEL} has no version {version} in Unity Catalog"):
        release(version)

    assert double.changes == []


def test_an_unknown_model_is_refused(double: Double, release: Release) -> None:
    with pytest.raises(UserError, match="model prod.rag.other has no version 7"):
        release("7", model="prod.rag.other")


def test_a_missing_permission_is_explained(double: Double, release: Release) -> None:
    double.refuse_all = Refused(403, "PERMISSION_DENIED", "User does not have\npermission")

    with pytest.raises(UserError, match=r"not permitted; .* needs CAN MANAGE .*\(User does not have permission\)"):
        release("7")


def test_a_wrong_token_is_explained(double: Double, release: Release) -> None:
    with pytest.raises(UserError, match="not logged in .*renew the token"):
        release("7", token="expired")


def test_refused_settings_are_explained(double: Double, release: Release) -> None:
    double.serving("7")
    double.refusals = [("PUT /config", Refused(400, "INVALID_PARAMETER_VALUE", "no GPU in this region"))]

    with pytest.raises(UserError, match=r"refused \(no GPU in this region\); correct the endpoint's settings"):
        release("8", workload_type="GPU_SMALL")


def test_a_workspace_that_is_unreachable_for_minutes_does_not_end_the_wait(
    double: Double, release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.serving("7")
    away, get = [TimeoutError("Timed out after 0:05:00")], ServingEndpointsAPI.get

    def look(api: ServingEndpointsAPI, name: str) -> Any:
        if away and ("update", "8") in double.changes:
            raise away.pop()
        return get(api, name)

    monkeypatch.setattr(ServingEndpointsAPI, "get", look)

    assert release("8") == Served("8", NAME, previous="7")
    assert away == []
