"""The serving endpoint follows the champion; if the rollout fails, the alias goes back to the version that serves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.releases.registry import CHAMPION, ChainRegistry, Version
from ragops.serving.endpoint.access import grant_access
from ragops.serving.endpoint.rollout import Served, Wanted, serve
from ragops.serving.endpoint.settings import EndpointSettings
from ragops.text import reason
from ragops.usecase import UseCase

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


def follow(
    client: WorkspaceClient,
    registry: ChainRegistry,
    champion: Version,
    before: Version | None,
    settings: EndpointSettings,
    use_case: UseCase,
    question: str,
    note: Callable[[str], None] = print,
) -> Served:
    """Makes the endpoint serve the champion and answer one question, then gives its callers access.

    Managers get access even if that fails, so that they can read the logs.

    Args:
        client: The workspace's client.
        registry: Contains the alias champion, which goes back to `before` if the rollout fails.
        champion: The version to serve.
        before: The champion before it; None if there was none, in which case a failure leaves no champion.
        settings: The endpoint's settings.
        use_case: Names the project and who pays.
        question: That the endpoint must answer.
        note: Receives the endpoint's state while it changes.

    Raises:
        UserError: the version does not work on the endpoint, and the previous version, if any, serves and is champion
            again; or the platform refuses. If only granting access fails, the champion serves and stays champion.
    """
    wanted = Wanted(champion.name, champion.number, question, project=use_case.name, cost_owner=use_case.corpus.owner)
    try:
        served = serve(client, wanted, settings, note)
    except Exception as error:
        with suppress(UserError):  # the first error counts, and the managers must be able to read the logs
            grant_access(client, settings.model_copy(update={"callers": ()}))
        _restore_alias(registry, champion, before, str(error))
        raise
    if served.rolled_back:
        failure = (
            f"serving endpoint {settings.name}: version {champion.number} does not work there ({served.reason}); "
            f"version {served.version} serves again: read the endpoint's logs under Serving, then release again"
        )
        _restore_alias(registry, champion, before, failure)
        raise UserError(failure)
    grant_access(client, settings)
    return served


def _restore_alias(registry: ChainRegistry, champion: Version, before: Version | None, failure: str) -> None:
    """Moves the alias back. If the registry refuses, raises UserError with `failure` and what to correct."""
    from mlflow.exceptions import MlflowException

    if before == champion:
        return
    try:
        if before is None:  # else the corrected chain would have to be better than this one
            registry.drop(CHAMPION)
        else:
            registry.point(CHAMPION, before)
        registry.note(champion, gate="taken back", reason="it did not work on the serving endpoint")
    except (UserError, MlflowException) as error:
        previous = f"version {before.number}" if before else "no version"
        raise UserError(
            f"{failure}; the alias {CHAMPION} of {champion.name} could not be moved back either ({reason(error)}): "
            f"it should name {previous}"
        ) from error
