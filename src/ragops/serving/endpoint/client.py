"""One serving endpoint of the workspace: reads it, waits for it, changes it while no other update is in progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryError, Retrying, retry_if_exception_type, retry_if_not_result, stop_after_delay, wait_fixed
from tenacity.retry import retry_base

from ragops.errors import NotPermitted, UserError, lacks
from ragops.serving.endpoint.settings import EndpointSettings, ai_gateway_config, same_ai_gateway
from ragops.serving.endpoint.state import describe, failed, overtaken, serves, updating
from ragops.text import reason

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import EndpointCoreConfigInput, ServingEndpointDetailed

_Result = TypeVar("_Result")


@contextmanager
def explained(action: str) -> Iterator[None]:
    """Turns the SDK's errors into UserError, whose message begins with the `action` that failed."""
    from databricks.sdk.errors import BadRequest, PermissionDenied, ResourceConflict, Unauthenticated
    from databricks.sdk.errors.base import DatabricksError

    try:
        yield
    except Unauthenticated as error:
        raise UserError(f"{action}: not logged in ({reason(error)}); renew the token or log in again") from error
    except PermissionDenied as error:
        rights = "CAN MANAGE on the endpoint and, as its creator does, EXECUTE"
        raise NotPermitted(f"{action}: not permitted; {lacks(rights, 'model', reason(error))}") from error
    except ResourceConflict as error:
        raise UserError(
            f"{action}: another update is in progress ({reason(error)}); retry when it is finished"
        ) from error
    except BadRequest as error:
        raise UserError(f"{action}: refused ({reason(error)}); correct the endpoint's settings") from error
    except (DatabricksError, TimeoutError) as error:
        raise UserError(f"{action}: temporarily unavailable ({reason(error)}); run again later") from error


class RemoteEndpoint:
    """An endpoint by its name. It polls by itself: the SDK's waiters end at the first server error."""

    def __init__(self, client: WorkspaceClient, settings: EndpointSettings, note: Callable[[str], None]) -> None:
        """`note` receives the state after each request for it."""
        self._api = client.serving_endpoints
        self._settings = settings
        self._note = note

    def when_idle(self, change: Callable[[ServingEndpointDetailed | None], _Result]) -> _Result:
        """Calls `change` with the endpoint, None if there is none, as soon as no update is in progress.

        Starts over if another client was faster. Raises UserError or the SDK's ResourceConflict if the endpoint does
        not become idle within `ready_seconds`.
        """
        from databricks.sdk.errors import ResourceConflict

        retrying = self._retrying(retry=retry_if_exception_type(ResourceConflict), reraise=True)
        return retrying(lambda: change(self._idle()))

    def create(self, config: EndpointCoreConfigInput, tags: Mapping[str, str]) -> None:
        """Requests a new endpoint, which becomes ready later."""
        from databricks.sdk.service.serving import EndpointTag

        gateway = self._settings.gateway
        self._api.create(
            self._settings.name,
            config=config,
            tags=[EndpointTag(key=key, value=value) for key, value in tags.items()],
            ai_gateway=ai_gateway_config(gateway) if gateway else None,
        )

    def change(self, config: EndpointCoreConfigInput) -> None:
        """Requests another configuration; the old one serves until the new one is ready."""
        self._api.update_config(
            self._settings.name, served_entities=config.served_entities, traffic_config=config.traffic_config
        )

    def sync_tags_and_gateway(self, current: ServingEndpointDetailed, tags: Mapping[str, str]) -> None:
        """Sets tags and AI Gateway where they differ. Other tags stay, and so does a gateway if none is configured."""
        from databricks.sdk.service.serving import EndpointTag

        present = {tag.key: tag.value for tag in current.tags or []}
        missing = [EndpointTag(key=key, value=value) for key, value in tags.items() if present.get(key) != value]
        if missing:
            self._api.patch(self._settings.name, add_tags=missing)
        if self._settings.gateway is None:
            return
        gateway = ai_gateway_config(self._settings.gateway)
        if not same_ai_gateway(gateway, current.ai_gateway):
            self._api.put_ai_gateway(
                self._settings.name,
                inference_table_config=gateway.inference_table_config,
                usage_tracking_config=gateway.usage_tracking_config,
                rate_limits=gateway.rate_limits,
            )

    def wait_until_served(self, config: EndpointCoreConfigInput, before: EndpointCoreConfigInput | None) -> str:
        """Waits until exactly this configuration serves. Returns the reason if it does not, else "".

        Reasons: the update failed or takes too long, or another client has changed the endpoint since, so that it
        serves neither this configuration nor the one `before`.
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

    def _idle(self) -> ServingEndpointDetailed | None:
        try:
            return self._poll(lambda endpoint: endpoint is None or not updating(endpoint))
        except RetryError as error:
            raise UserError(
                f"serving endpoint {self._settings.name}: still updating after {self._settings.ready_seconds:g} s "
                f"({_last(error)}); cancel the update on its page under Serving, then run again"
            ) from error

    def _poll(self, done: Callable[[ServingEndpointDetailed | None], bool]) -> ServingEndpointDetailed | None:
        """Requests the state until `done`; a server error does not end the wait for an update of 20 minutes."""
        from databricks.sdk.errors import DeadlineExceeded, InternalError, TemporarilyUnavailable

        # The SDK raises TimeoutError after minutes without a connection to the workspace.
        transient = retry_if_exception_type((DeadlineExceeded, InternalError, TemporarilyUnavailable, TimeoutError))
        return self._retrying(retry=retry_if_not_result(done) | transient)(self._get)

    def _get(self) -> ServingEndpointDetailed | None:
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
