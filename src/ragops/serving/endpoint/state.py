"""Interprets the state of a serving endpoint: what it serves, what it is changing to, and whether that succeeded.

Semantics (documentation of model serving, REST reference of serving-endpoints): `config` is what serves. While
`state.config_update` is IN_PROGRESS, `config` keeps serving, `pending_config` is being deployed, and the platform
accepts no other update. After UPDATE_FAILED or UPDATE_CANCELED, `config` is unchanged. `state.ready` says whether all
of `config` can be queried. Only the user interface can cancel an update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragops.text import one_line

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
    """Whether a new configuration is being deployed."""
    return _update(endpoint) == "IN_PROGRESS"


def failed(endpoint: ServingEndpointDetailed) -> bool:
    """Whether the last update failed or was canceled."""
    return _update(endpoint) in _FAILED


def serves(endpoint: ServingEndpointDetailed, wanted: EndpointCoreConfigInput) -> bool:
    """Whether the endpoint can be queried and serves exactly this configuration, and no update is in progress."""
    active = endpoint.config
    if active is None or updating(endpoint) or _ready(endpoint) != "READY":
        return False
    return _essence(active) == _essence(wanted)


def overtaken(
    endpoint: ServingEndpointDetailed, wanted: EndpointCoreConfigInput, before: EndpointCoreConfigInput | None
) -> bool:
    """Whether another client has changed the endpoint: it serves neither the `wanted` versions nor those `before`.

    False if no working configuration is known from before.
    """
    if endpoint.config is None or before is None or updating(endpoint):
        return False
    return _versions(endpoint.config) not in (_versions(wanted), _versions(before))


def restorable(endpoint: ServingEndpointDetailed) -> EndpointCoreConfigInput | None:
    """The active configuration as one that can be sent again; None if there is no working one to restore."""
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
    """The served version; with the model's name if it is another model's; several are joined by a plus sign."""
    return "+".join(
        f"{entity.entity_version}" if entity.entity_name == model else f"{entity.entity_name}/{entity.entity_version}"
        for entity in config.served_entities or []
    )


def describe(endpoint: ServingEndpointDetailed) -> str:
    """The state in a few words, with the platform's messages about entities that are not ready."""
    state = ", ".join(part for part in (_ready(endpoint), _update(endpoint)) if part)
    return f"{state} ({messages})" if (messages := _messages(endpoint)) else state


def _messages(endpoint: ServingEndpointDetailed) -> str:
    active = (endpoint.config.served_entities if endpoint.config else None) or []
    pending = (endpoint.pending_config.served_entities if endpoint.pending_config else None) or []
    states = [entity.state for entity in [*pending, *active] if entity.state]
    return "; ".join(
        one_line(f"{state.deployment.value}: {state.deployment_state_message or ''}").rstrip(":")
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
    if sent.workload_size:  # the platform refuses a size together with the range that it means
        sent.min_provisioned_concurrency = sent.max_provisioned_concurrency = None
    return sent


def _shares(config: EndpointCoreConfigInput | EndpointCoreConfigOutput) -> dict[str, int]:
    """Percent of the traffic by entity name. A single entity gets all of it without a route."""
    routes = (config.traffic_config.routes if config.traffic_config else None) or []
    if not routes and config.served_entities:
        return {config.served_entities[0].name or "": 100}
    return {route.served_entity_name or route.served_model_name or "": route.traffic_percentage for route in routes}


def _versions(config: EndpointCoreConfigInput | EndpointCoreConfigOutput) -> list[tuple[str, str]]:
    return sorted((entity.entity_name or "", entity.entity_version or "") for entity in config.served_entities or [])


def _essence(config: EndpointCoreConfigInput | EndpointCoreConfigOutput) -> list[tuple[object, ...]]:
    """The fields that make two configurations equal; the platform adds others to the one that it serves."""
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
