from typing import Any

import pytest
from databricks.sdk.service.serving import ServingEndpointDetailed
from hypothesis import given
from hypothesis import strategies as st

from ragops.serving.endpoint.state import describe, failed, restorable, serves, updating, version_of

MODEL = "prod.rag.rag_chain"


def endpoint(
    *entities: dict[str, Any], ready: str = "READY", update: str = "NOT_UPDATING", **parts: Any
) -> ServingEndpointDetailed:
    body = {"name": "rag", "state": {"ready": ready, "config_update": update}}
    return ServingEndpointDetailed.from_dict(body | {"config": {"served_entities": list(entities)}} | parts)


def entity(
    version: str = "7", deployment: str = "DEPLOYMENT_READY", message: str = "", **fields: Any
) -> dict[str, Any]:
    state = {"deployment": deployment, "deployment_state_message": message}
    named = {"name": f"rag_chain-{version}", "entity_name": MODEL, "entity_version": version, "state": state}
    return named | {"workload_size": "Small", "scale_to_zero_enabled": False} | fields


def active_7() -> Any:
    config = restorable(endpoint(entity("7")))
    assert config is not None
    return config


@pytest.mark.parametrize(
    ("ready", "update", "answers"),
    [
        ("READY", "NOT_UPDATING", True),
        ("READY", "UPDATE_FAILED", True),  # the active configuration is unchanged
        ("READY", "UPDATE_CANCELED", True),
        ("READY", "IN_PROGRESS", False),  # another configuration is being deployed
        ("NOT_READY", "NOT_UPDATING", False),
        ("NOT_READY", "UPDATE_FAILED", False),
    ],
)
def test_serves_only_what_can_be_queried_and_is_not_being_updated(ready: str, update: str, answers: bool) -> None:
    assert serves(endpoint(entity("7"), ready=ready, update=update), active_7()) is answers


@pytest.mark.parametrize(
    "change",
    [
        {"entity_version": "8"},
        {"entity_name": "prod.rag.other"},
        {"workload_size": "Large"},
        {"workload_type": "GPU_SMALL"},
        {"scale_to_zero_enabled": True},
        {"environment_vars": {"A": "b"}},
        {"name": "other"},
    ],
)
def test_every_setting_is_compared(change: dict[str, Any]) -> None:
    assert not serves(endpoint(entity("7") | change), active_7())


def test_no_workload_type_means_cpu() -> None:
    assert serves(endpoint(entity("7", workload_type="CPU")), active_7())


def test_a_share_of_the_traffic_is_not_enough() -> None:
    routes = [{"served_model_name": "rag_chain-7", "traffic_percentage": 90}]
    config = {"served_entities": [entity("7")], "traffic_config": {"routes": routes}}

    assert not serves(endpoint(config=config), active_7())


SIZES = st.sampled_from(["Small", "Medium", "Large"])
VARIABLES = st.dictionaries(st.sampled_from("ABC"), st.text(max_size=3), max_size=3)


@given(st.lists(st.tuples(SIZES, st.booleans(), VARIABLES), min_size=1, max_size=4), st.data())
def test_an_active_configuration_can_be_restored_unchanged(drawn: list[Any], data: st.DataObject) -> None:
    entities = [
        entity(str(n), workload_size=size, scale_to_zero_enabled=zero, environment_vars=variables)
        for n, (size, zero, variables) in enumerate(drawn)
    ]
    cuts = sorted(data.draw(st.lists(st.integers(0, 100), min_size=len(drawn) - 1, max_size=len(drawn) - 1)))
    shares = [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]
    key = data.draw(st.sampled_from(["served_model_name", "served_entity_name"]))
    routes = [{key: e["name"], "traffic_percentage": share} for e, share in zip(entities, shares, strict=True)]
    found = endpoint(config={"served_entities": entities, "traffic_config": {"routes": routes}})

    config = restorable(found)

    assert config is not None and config.traffic_config is not None
    assert serves(found, config)
    assert sum(route.traffic_percentage for route in config.traffic_config.routes or []) == 100


def test_a_size_is_sent_without_its_concurrency_range() -> None:
    config = restorable(endpoint(entity("7", min_provisioned_concurrency=4, max_provisioned_concurrency=4)))

    assert config is not None and config.served_entities is not None
    assert config.served_entities[0].as_dict().keys() == {
        "name",
        "entity_name",
        "entity_version",
        "workload_size",
        "scale_to_zero_enabled",
    }


@pytest.mark.parametrize("deployment", ["DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED"])
def test_a_configuration_that_failed_is_not_restorable(deployment: str) -> None:
    assert restorable(endpoint(entity("6"), entity("7", deployment))) is None
    assert restorable(endpoint()) is None
    assert restorable(ServingEndpointDetailed.from_dict({"name": "rag"})) is None


def test_a_recovering_entity_is_restorable() -> None:
    assert restorable(endpoint(entity("7", "DEPLOYMENT_RECOVERING"), ready="NOT_READY")) is not None


def test_versions_of_a_split_are_joined() -> None:
    config = restorable(endpoint(entity("6"), entity("3", entity_name="prod.rag.old")))

    assert config is not None
    assert version_of(config, MODEL) == "6+prod.rag.old/3"


@pytest.mark.parametrize(
    ("update", "is_updating", "has_failed"),
    [
        ("NOT_UPDATING", False, False),
        ("IN_PROGRESS", True, False),
        ("UPDATE_FAILED", False, True),
        ("UPDATE_CANCELED", False, True),
        ("A_STATE_OF_TOMORROW", False, False),
    ],
)
def test_update_states(update: str, is_updating: bool, has_failed: bool) -> None:
    found = endpoint(entity(), update=update)

    assert (updating(found), failed(found)) == (is_updating, has_failed)


def test_entities_that_are_not_ready_are_described_in_one_line() -> None:
    pending = {"served_entities": [entity("8", "DEPLOYMENT_CREATING", "Building\n image")]}
    found = endpoint(entity("7"), update="IN_PROGRESS", pending_config=pending)

    assert describe(found) == "READY, IN_PROGRESS (DEPLOYMENT_CREATING: Building image)"
    assert describe(endpoint(entity("7"))) == "READY, NOT_UPDATING"
