"""Reading a serving endpoint: what it serves, what it is changing to, and whether that went well.

Meanings (documentation of model serving, REST reference of serving-endpoints): `config` is what serves; while
`state.config_update` is IN_PROGRESS it keeps serving, `pending_config` is being brought up, and no other update is
taken. After UPDATE_FAILED or UPDATE_CANCELED `config` stays as if nothing had been asked. `state.ready` says whether
all of `config` can be queried. An update can be cancelled in the user interface only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk.service.serving import (
        EndpointCoreConfigInput,
        EndpointCoreConfigOutput,
        ServedEntityInput,
        ServedEntityOutput,
        ServingEndpointDetailed,
    )

_FAILED = {"UPDATE_FAILED", "UPDATE_CANCELED"}
_BROKEN = {"DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED"}


def updating(endpoint: ServingEndpointDetailed) -> bool:
    """Whether a new configuration is being brought up."""
    return _update(endpoint) == "IN_PROGRESS"


def failed(endpoint: ServingEndpointDetailed) -> bool:
    """Whether the last update failed or was cancelled."""
    return _update(endpoint) in _FAILED


def serves(endpoint: ServingEndpointDetailed, wanted: EndpointCoreConfigInput) -> bool:
    """Whether the endpoint can be queried and serves exactly this, with nothing else on its way."""
    active = endpoint.config
    if active is None or updating(endpoint) or _ready(endpoint) != "READY":
        return False
    return _essence(active) == _essence(wanted)


def overtaken(
    endpoint: ServingEndpointDetailed, wanted: EndpointCoreConfigInput, before: EndpointCoreConfigInput | None
) -> bool:
    """Whether other versions serve than those asked for and those before: somebody else has asked for them since.

    False where nothing that worked is known of before.
    """
    if endpoint.config is None or before is None or updating(endpoint):
        return False
    return _versions(endpoint.config) not in (_versions(wanted), _versions(before))


def restorable(endpoint: ServingEndpointDetailed) -> EndpointCoreConfigInput | None:
    """The active configuration as one to send again; None when nothing works that could be gone back to."""
    from databricks.sdk.service.serving import EndpointCoreConfigInput, Route, TrafficConfig

    active = endpoint.config
    entities = (active.served_entities if active else None) or []
    if not active or not entities or any(_deployment(entity) in _BROKEN for entity in entities):
        return None
    shares = _shares(active)
    return EndpointCoreConfigInput(
        name=endpoint.name or "",
        served_entities=[_to_send(entity) for entity in entities],
        traffic_config=TrafficConfig(
            routes=[Route(served_model_name=name, traffic_percentage=share) for name, share in shares.items()]
        ),
    )


def version_of(config: EndpointCoreConfigInput, model: str) -> str:
    """The version served; another model's with its name, several joined by a plus sign."""
    return "+".join(
        f"{entity.entity_version}" if entity.entity_name == model else f"{entity.entity_name}/{entity.entity_version}"
        for entity in config.served_entities or []
    )


def describe(endpoint: ServingEndpointDetailed) -> str:
    """Its state in a few words, with what the platform says about entities that are not up."""
    state = ", ".join(part for part in (_ready(endpoint), _update(endpoint)) if part)
    return f"{state} ({said})" if (said := _messages(endpoint)) else state


def _messages(endpoint: ServingEndpointDetailed) -> str:
    active = (endpoint.config.served_entities if endpoint.config else None) or []
    pending = (endpoint.pending_config.served_entities if endpoint.pending_config else None) or []
    states = [entity.state for entity in [*pending, *active] if entity.state]
    return "; ".join(
        " ".join(f"{state.deployment.value}: {state.deployment_state_message or ''}".split()).rstrip(":")
        for state in states
        if state.deployment and state.deployment.value != "DEPLOYMENT_READY"
    )


def _update(endpoint: ServingEndpointDetailed) -> str:
    update = endpoint.state.config_update if endpoint.state else None
    return update.value if update else ""


def _ready(endpoint: ServingEndpointDetailed) -> str:
    ready = endpoint.state.ready if endpoint.state else None
    return ready.value if ready else ""


def _deployment(entity: ServedEntityOutput) -> str:
    deployment = entity.state.deployment if entity.state else None
    return deployment.value if deployment else ""


def _to_send(entity: ServedEntityOutput) -> ServedEntityInput:
    from databricks.sdk.service.serving import ServedEntityInput

    sent = ServedEntityInput.from_dict(entity.as_dict())
    if sent.workload_size:  # which the platform does not take together with the range that it stands for
        sent.min_provisioned_concurrency = sent.max_provisioned_concurrency = None
    return sent


def _shares(config: EndpointCoreConfigInput | EndpointCoreConfigOutput) -> dict[str, int]:
    """Percent of the traffic by the entity's name. One entity needs no route to get all of it."""
    routes = (config.traffic_config.routes if config.traffic_config else None) or []
    if not routes and config.served_entities:
        return {config.served_entities[0].name or "": 100}
    return {route.served_entity_name or route.served_model_name or "": route.traffic_percentage for route in routes}


def _versions(config: EndpointCoreConfigInput | EndpointCoreConfigOutput) -> list[tuple[str, str]]:
    return sorted((entity.entity_name or "", entity.entity_version or "") for entity in config.served_entities or [])


def _essence(config: EndpointCoreConfigInput | EndpointCoreConfigOutput) -> list[tuple[object, ...]]:
    """What makes two configurations the same, whatever else the platform tells of the one that it serves."""
    shares = _shares(config)
    return sorted(
        (
            entity.name or "",
            entity.entity_name or "",
            entity.entity_version or "",
            entity.workload_size or "",
            entity.workload_type.value if entity.workload_type else "CPU",
            bool(entity.scale_to_zero_enabled),
            sorted((entity.environment_vars or {}).items()),
            shares.get(entity.name or "", 0),
        )
        for entity in config.served_entities or []
    )
