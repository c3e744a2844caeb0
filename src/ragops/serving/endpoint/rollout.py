"""Puts one version of a Unity Catalog model behind its serving endpoint, or leaves there what served before.

Wait until nobody else changes the endpoint, create or update it, wait until it is ready, ask one question. What fails
after an update is taken back to the configuration that served before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.tags import cloud_tag
from ragops.serving.endpoint.client import RemoteEndpoint
from ragops.serving.endpoint.errors import explained
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.serving.endpoint.smoke_test import SmokeFailure, smoke_test
from ragops.serving.endpoint.state import overtaken, restorable, serves, version_of

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import EndpointCoreConfigInput, ServingEndpointDetailed

_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Wanted:
    """The version to serve, the question it must answer, and who is billed.

    `model` is CATALOG.SCHEMA.NAME and `version` its number; `project` and `cost_owner` become the endpoint's tags.
    """

    model: str
    version: str
    question: str
    project: str
    cost_owner: str

    @property
    def entity(self) -> str:
        """Name of the served entity, NAME-VERSION: in letters, digits, dashes and underscores."""
        name = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.model.rpartition(".")[2])
        return f"{name[: _LONGEST_NAME - 1 - len(self.version)]}-{self.version}"


@dataclass(frozen=True, slots=True)
class Served:
    """The version that serves now and the one that did before, None for none; `reason`: why it was rolled back."""

    version: str
    endpoint: str
    previous: str | None
    rolled_back: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Before:
    """What served when we came, and whether we asked for something else."""

    config: EndpointCoreConfigInput | None
    changed: bool


def serve(
    client: WorkspaceClient, wanted: Wanted, settings: EndpointSettings, note: Callable[[str], None] = lambda line: None
) -> Served:
    """Makes the endpoint serve `wanted` with all of its traffic; sends no update when it already does.

    `note` hears the endpoint's state at each look. After a failed, late or unanswering update the result is
    `rolled_back`, and the version before serves again.

    Raises:
        UserError: there is no such model version, the platform refuses, nothing served before that could be gone back
            to or somebody else changed it meanwhile (the endpoint is left as it is), or going back failed too.
    """
    name = settings.name
    endpoint, config = RemoteEndpoint(client, settings, note), _config(wanted, settings)
    with explained(f"serving endpoint {name}, {wanted.model} version {wanted.version}"):
        _check_version(client, wanted)
        before = _start(endpoint, config, wanted)
    reason = _reached(endpoint, config, before.config) or _smoke(client, wanted, settings)
    previous = version_of(before.config, wanted.model) if before.config else None
    if not reason:
        return Served(wanted.version, name, previous)
    if before.config is None or previous is None or not before.changed:
        raise UserError(
            f"serving endpoint {name}: version {wanted.version} does not work ({reason}) and there is no earlier one "
            "to go back to; the endpoint is left as it is: read its logs under Serving, release a version that works"
        )
    _go_back(endpoint, before.config, config, f"serving endpoint {name}: version {wanted.version} failed ({reason})")
    return Served(previous, name, previous, rolled_back=True, reason=reason)


def let_in(client: WorkspaceClient, settings: EndpointSettings) -> None:
    """Lets managers and callers in.

    Raises:
        UserError: one of them is not known to the workspace, or it refuses.
    """
    with explained(f"serving endpoint {settings.name}, who may ask it"):
        RemoteEndpoint(client, settings, lambda state: None).let_in()


def _start(endpoint: RemoteEndpoint, config: EndpointCoreConfigInput, wanted: Wanted) -> _Before:
    """Asks for the configuration, unless it serves already."""
    tags = {"project": cloud_tag(wanted.project), "cost_owner": cloud_tag(wanted.cost_owner)}
    asked: list[_Before] = []

    def ask(current: ServingEndpointDetailed | None) -> _Before:
        if current is None:
            asked.append(_Before(None, changed=True))
            endpoint.create(config, tags)
            return asked[-1]
        endpoint.keep_in_step(current, tags)
        if serves(current, config):
            # A request whose answer got lost is repeated by the SDK, and the second one met the first: a conflict.
            return asked[-1] if asked else _Before(restorable(current), changed=False)
        asked.append(_Before(restorable(current), changed=True))
        endpoint.change(config)
        return asked[-1]

    return endpoint.in_turn(ask)


def _reached(endpoint: RemoteEndpoint, config: EndpointCoreConfigInput, before: EndpointCoreConfigInput | None) -> str:
    """Why the configuration does not serve; else "". It was asked for: what cannot be looked at is taken back, too."""
    try:
        with explained("its state"):
            return endpoint.reach(config, before)
    except UserError as error:
        return str(error)


def _smoke(client: WorkspaceClient, wanted: Wanted, settings: EndpointSettings) -> str:
    """Why the smoke test failed; else ""."""
    try:
        smoke_test(client, settings, wanted.question, wanted.entity)
    except SmokeFailure as error:
        return f"smoke test: {error}"
    return ""


def _go_back(
    endpoint: RemoteEndpoint, config: EndpointCoreConfigInput, failed: EndpointCoreConfigInput, failure: str
) -> None:
    """After a failed update the platform still serves the old configuration: that is checked, and nothing sent."""

    def ask(current: ServingEndpointDetailed | None) -> None:
        if current is not None and overtaken(current, failed, config):
            raise UserError("somebody else has changed it meanwhile, and it is left as it is now")
        if current is None or not serves(current, config):
            endpoint.change(config)

    try:
        with explained("update"):
            endpoint.in_turn(ask)
            reason = endpoint.reach(config, failed)
    except UserError as error:
        raise UserError(f"{failure}, and going back failed too: {error}") from error
    if reason:
        raise UserError(f"{failure}, and going back failed too ({reason}); read the endpoint's logs under Serving")


def _config(wanted: Wanted, settings: EndpointSettings) -> EndpointCoreConfigInput:
    from databricks.sdk.service.serving import (
        EndpointCoreConfigInput,
        Route,
        ServedEntityInput,
        ServingModelWorkloadType,
        TrafficConfig,
    )

    entity = ServedEntityInput(
        name=wanted.entity,
        entity_name=wanted.model,
        entity_version=wanted.version,
        workload_size=settings.workload_size,
        workload_type=ServingModelWorkloadType(settings.workload_type),
        scale_to_zero_enabled=settings.scale_to_zero,
        environment_vars=dict(settings.environment_vars) or None,
    )
    route = Route(served_model_name=wanted.entity, traffic_percentage=100)
    return EndpointCoreConfigInput(
        name=settings.name, served_entities=[entity], traffic_config=TrafficConfig(routes=[route])
    )


def _check_version(client: WorkspaceClient, wanted: Wanted) -> None:
    """Asked of Unity Catalog, since serving says it in different ways."""
    from databricks.sdk.errors import NotFound

    unknown = (
        f"model {wanted.model} has no version {wanted.version} in Unity Catalog; "
        "name it CATALOG.SCHEMA.NAME and give one of its versions"
    )
    if wanted.model.count(".") != 2 or not wanted.version.isdecimal():
        raise UserError(unknown)
    try:
        client.model_versions.get(wanted.model, int(wanted.version))
    except NotFound as error:
        raise UserError(unknown) from error
