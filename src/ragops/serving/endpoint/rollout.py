"""Puts one version of a Unity Catalog model behind its serving endpoint, or restores the version that served before.

Steps: wait until no other update is in progress, create or update the endpoint, wait until it is ready, ask one
question. If a step after the update fails, the previous configuration is restored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.platform.tags import cloud_tag
from ragops.serving.endpoint.client import RemoteEndpoint, explained
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.serving.endpoint.smoke_test import SmokeFailure, smoke_test
from ragops.serving.endpoint.state import overtaken, restorable, serves, version_of

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import EndpointCoreConfigInput, ServingEndpointDetailed

_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Wanted:
    """The version to serve, the question it must answer, and who pays.

    Attributes:
        model: CATALOG.SCHEMA.NAME.
        version: Its number.
        question: For the smoke test.
        project: Tag of the endpoint.
        cost_owner: Tag of the endpoint.
    """

    model: str
    version: str
    question: str
    project: str
    cost_owner: str

    @property
    def entity(self) -> str:
        """Name of the served entity, NAME-VERSION, of letters, digits, dashes and underscores."""
        name = "".join(c if c.isascii() and c.isalnum() else "_" for c in self.model.rpartition(".")[2])
        return f"{name[: _LONGEST_NAME - 1 - len(self.version)]}-{self.version}"


@dataclass(frozen=True, slots=True)
class Served:
    """The version that serves now.

    Attributes:
        previous: The version that served before; None if there was none.
        rolled_back: Whether the wanted version failed and `version` is the previous one.
        reason: Why it was rolled back.
    """

    version: str
    endpoint: str
    previous: str | None
    rolled_back: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Before:
    """The configuration that served before, None if there was none, and whether this rollout requested another one."""

    config: EndpointCoreConfigInput | None
    changed: bool


def serve(
    client: WorkspaceClient, wanted: Wanted, settings: EndpointSettings, note: Callable[[str], None] = lambda line: None
) -> Served:
    """Makes the endpoint serve `wanted` with all of its traffic; sends no update if it already does.

    `note` receives the endpoint's state whenever it is requested. If the update fails, is late or does not answer, the
    previous version is restored and the result is `rolled_back`.

    Raises:
        UserError: the model version does not exist, the platform refuses, there is no previous version to restore or
            another client changed the endpoint (it is left as it is), or the rollback failed too.
    """
    name = settings.name
    endpoint, config = RemoteEndpoint(client, settings, note), _config(wanted, settings)
    with explained(f"serving endpoint {name}, {wanted.model} version {wanted.version}"):
        _check_version(client, wanted)
        before = _start(endpoint, config, wanted)
    reason = _why_not_served(endpoint, config, before.config) or _smoke(client, wanted, settings)
    previous = version_of(before.config, wanted.model) if before.config else None
    if not reason:
        return Served(wanted.version, name, previous)
    if before.config is None or previous is None or not before.changed:
        raise UserError(
            f"serving endpoint {name}: version {wanted.version} does not work ({reason}) and there is no earlier "
            "version to restore; the endpoint is left as it is: read its logs under Serving, then release again"
        )
    _roll_back(endpoint, before.config, config, f"serving endpoint {name}: version {wanted.version} failed ({reason})")
    return Served(previous, name, previous, rolled_back=True, reason=reason)


def _start(endpoint: RemoteEndpoint, config: EndpointCoreConfigInput, wanted: Wanted) -> _Before:
    """Requests the configuration, unless it serves already."""
    tags = {"project": cloud_tag(wanted.project), "cost_owner": cloud_tag(wanted.cost_owner)}
    requested: list[_Before] = []

    def ask(current: ServingEndpointDetailed | None) -> _Before:
        if current is None:
            requested.append(_Before(None, changed=True))
            endpoint.create(config, tags)
            return requested[-1]
        endpoint.sync_tags_and_gateway(current, tags)
        if serves(current, config):
            # The SDK repeats a request whose response was lost; the repetition conflicts with the first one.
            return requested[-1] if requested else _Before(restorable(current), changed=False)
        requested.append(_Before(restorable(current), changed=True))
        endpoint.change(config)
        return requested[-1]

    return endpoint.when_idle(ask)


def _why_not_served(
    endpoint: RemoteEndpoint, config: EndpointCoreConfigInput, before: EndpointCoreConfigInput | None
) -> str:
    """Why the requested configuration does not serve, else "". An endpoint that cannot be read counts as failed."""
    try:
        with explained("its state"):
            return endpoint.wait_until_served(config, before)
    except UserError as error:
        return str(error)


def _smoke(client: WorkspaceClient, wanted: Wanted, settings: EndpointSettings) -> str:
    """Why the smoke test failed; else ""."""
    try:
        smoke_test(client, settings, wanted.question, wanted.entity)
    except SmokeFailure as error:
        return f"smoke test: {error}"
    return ""


def _roll_back(
    endpoint: RemoteEndpoint, config: EndpointCoreConfigInput, failed: EndpointCoreConfigInput, failure: str
) -> None:
    """Restores `config`. After a failed update the platform still serves it, and nothing is sent."""

    def ask(current: ServingEndpointDetailed | None) -> None:
        if current is not None and overtaken(current, failed, config):
            raise UserError("another client has changed the endpoint since; it is left as it is")
        if current is None or not serves(current, config):
            endpoint.change(config)

    try:
        with explained("update"):
            endpoint.when_idle(ask)
            reason = endpoint.wait_until_served(config, failed)
    except UserError as error:
        raise UserError(f"{failure}, and the rollback failed too: {error}") from error
    if reason:
        raise UserError(f"{failure}, and the rollback failed too ({reason}); read the endpoint's logs under Serving")


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
    """Looks the version up in Unity Catalog, because serving reports a missing one in several ways."""
    from databricks.sdk.errors import NotFound

    missing = (
        f"model {wanted.model} has no version {wanted.version} in Unity Catalog; "
        "give CATALOG.SCHEMA.NAME and one of its versions"
    )
    if wanted.model.count(".") != 2 or not wanted.version.isdecimal():
        raise UserError(missing)
    try:
        client.model_versions.get(wanted.model, int(wanted.version))
    except NotFound as error:
        raise UserError(missing) from error
