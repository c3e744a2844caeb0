"""One serving endpoint of the workspace: read, waited for, changed when nobody else changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryError, Retrying, retry_if_exception_type, retry_if_not_result, stop_after_delay, wait_fixed
from tenacity.retry import retry_base

from ragops.errors import UserError
from ragops.serving.endpoint.access import access, managing
from ragops.serving.endpoint.ai_gateway import gateway_config, same_gateway
from ragops.serving.endpoint.errors import line
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.serving.endpoint.state import describe, failed, overtaken, serves, updating

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import EndpointCoreConfigInput, ServingEndpointDetailed

_Result = TypeVar("_Result")


class RemoteEndpoint:
    """Waits are polls of our own: the SDK's end at the first error of the server and cannot be paced."""

    def __init__(self, client: WorkspaceClient, settings: EndpointSettings, note: Callable[[str], None]) -> None:
        """`note` hears the state at each look."""
        self._client = client
        self._api = client.serving_endpoints
        self._settings = settings
        self._note = note

    def in_turn(self, change: Callable[[ServingEndpointDetailed | None], _Result]) -> _Result:
        """Calls `change` with the endpoint, None for none, once no update is in progress.

        Again from the beginning when somebody else came first. Raises UserError or the SDK's ResourceConflict when
        the endpoint is not free within the time limit.
        """
        from databricks.sdk.errors import ResourceConflict

        retrying = self._retrying(retry=retry_if_exception_type(ResourceConflict), reraise=True)
        return retrying(lambda: change(self._settled()))

    def create(self, config: EndpointCoreConfigInput, tags: Mapping[str, str]) -> None:
        """Asks for a new endpoint; it is ready later."""
        from databricks.sdk.service.serving import EndpointTag

        gateway = self._settings.gateway
        self._api.create(
            self._settings.name,
            config=config,
            tags=[EndpointTag(key=key, value=value) for key, value in tags.items()],
            ai_gateway=gateway_config(gateway) if gateway else None,
        )

    def change(self, config: EndpointCoreConfigInput) -> None:
        """Asks for another configuration; the old one serves until that is ready."""
        self._api.update_config(
            self._settings.name, served_entities=config.served_entities, traffic_config=config.traffic_config
        )

    def keep_in_step(self, current: ServingEndpointDetailed, tags: Mapping[str, str]) -> None:
        """Sets tags and gateway where they differ; other tags stay, and so does the gateway when none is given."""
        from databricks.sdk.service.serving import EndpointTag

        present = {tag.key: tag.value for tag in current.tags or []}
        missing = [EndpointTag(key=key, value=value) for key, value in tags.items() if present.get(key) != value]
        if missing:
            self._api.patch(self._settings.name, add_tags=missing)
        if self._settings.gateway is None:
            return
        gateway = gateway_config(self._settings.gateway)
        if not same_gateway(gateway, current.ai_gateway):
            self._api.put_ai_gateway(
                self._settings.name,
                inference_table_config=gateway.inference_table_config,
                usage_tracking_config=gateway.usage_tracking_config,
                rate_limits=gateway.rate_limits,
            )

    def let_in(self) -> None:
        """Gives managers and callers their rights; what others have stays.

        Raises:
            UserError: one of them is not known here, or the endpoint is gone.
        """
        from databricks.sdk.errors import BadRequest, NotFound

        if not access(self._settings):
            return
        try:
            its_id = self._api.get(self._settings.name).id or ""
            held = self._api.get_permissions(its_id).access_control_list or []
            if wanted := access(self._settings, managing(held)):
                self._api.update_permissions(its_id, access_control_list=wanted)
        except (NotFound, BadRequest) as error:
            names = ", ".join((*self._settings.managers, *self._settings.callers))
            raise UserError(
                f"serving endpoint {self._settings.name}: it serves, and none of {names} was let in ({line(error)}); "
                "correct rights.endpoint in databricks.yml, or make who is missing, and release again"
            ) from error

    def reach(self, config: EndpointCoreConfigInput, before: EndpointCoreConfigInput | None) -> str:
        """Waits until exactly this serves. Returns why it does not; else "".

        The update failed, takes too long, or somebody else's came after it: neither this nor what was `before` serves.
        """

        def is_settled(endpoint: ServingEndpointDetailed | None) -> bool:
            if endpoint is None:
                return False
            return serves(endpoint, config) or failed(endpoint) or overtaken(endpoint, config, before)

        try:
            found = self._poll(is_settled)
        except RetryError as error:
            return f"not ready within {self._settings.ready_seconds:g} s: {_last(error)}"
        return "" if found is not None and serves(found, config) else _state(found)

    def _settled(self) -> ServingEndpointDetailed | None:
        try:
            return self._poll(lambda endpoint: endpoint is None or not updating(endpoint))
        except RetryError as error:
            raise UserError(
                f"serving endpoint {self._settings.name}: still changing after {self._settings.ready_seconds:g} s "
                f"({_last(error)}); cancel the update on its page under Serving, then run again"
            ) from error

    def _poll(self, done: Callable[[ServingEndpointDetailed | None], bool]) -> ServingEndpointDetailed | None:
        """Looks until `done`; an error of the server is no reason to give an update of 20 minutes up."""
        from databricks.sdk.errors import DeadlineExceeded, InternalError, TemporarilyUnavailable

        # The SDK gives up with a TimeoutError where the workspace cannot be reached for minutes.
        passing = retry_if_exception_type((DeadlineExceeded, InternalError, TemporarilyUnavailable, TimeoutError))
        return self._retrying(retry=retry_if_not_result(done) | passing)(self._look)

    def _look(self) -> ServingEndpointDetailed | None:
        from databricks.sdk.errors import NotFound

        try:
            endpoint = self._api.get(self._settings.name)
        except NotFound:
            endpoint = None
        self._note(f"{self._settings.name}: {_state(endpoint)}")
        return endpoint

    def _retrying(self, retry: retry_base, reraise: bool = False) -> Retrying:
        wait, stop = wait_fixed(self._settings.poll_seconds), stop_after_delay(self._settings.ready_seconds)
        return Retrying(retry=retry, wait=wait, stop=stop, reraise=reraise)


def _state(endpoint: ServingEndpointDetailed | None) -> str:
    return describe(endpoint) if endpoint else "does not exist"


def _last(error: RetryError) -> str:
    attempt = error.last_attempt
    return str(attempt.exception()) if attempt.failed else _state(attempt.result())
