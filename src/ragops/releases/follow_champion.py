"""The serving endpoint follows the champion; where it cannot, what serves is champion again, or nothing is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ragops.errors import UserError
from ragops.releases.registry import CHAMPION, ChainRegistry, Version
from ragops.serving.endpoint.rollout import Served, Wanted, let_in, serve
from ragops.serving.endpoint.settings import EndpointSettings
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
    """Makes the endpoint serve the champion and answer one question, and lets its callers in; its managers anyhow.

    Args:
        client: of the workspace.
        registry: whose alias champion goes back to `before` when the endpoint does.
        champion: the version to serve.
        before: the champion before it; None for none: if this one does not work there is none again.
        settings: of the endpoint.
        use_case: says who pays.
        question: that it must answer.
        note: hears the endpoint's state while it changes.

    Raises:
        UserError: the version does not work there: the one before, if any, serves again and is champion again; or the
            platform refuses. Where only the callers cannot be let in, the champion serves and stays it.
    """
    wanted = Wanted(champion.name, champion.number, question, project=use_case.name, cost_owner=use_case.corpus.owner)
    try:
        served = serve(client, wanted, settings, note)
    except Exception as error:
        with suppress(UserError):  # what failed is what counts, and who is to read the logs must see them
            let_in(client, settings.model_copy(update={"callers": ()}))
        _step_back(registry, champion, before, str(error))
        raise
    if served.rolled_back:
        failure = (
            f"serving endpoint {settings.name}: version {champion.number} does not work there ({served.reason}); "
            f"version {served.version} serves again: read the endpoint's logs under Serving, then release again"
        )
        _step_back(registry, champion, before, failure)
        raise UserError(failure)
    let_in(client, settings)
    return served


def _step_back(registry: ChainRegistry, champion: Version, before: Version | None, failure: str) -> None:
    """Raises UserError, which begins with the `failure`, where the registry refuses."""
    from mlflow.exceptions import MlflowException

    if before == champion:
        return
    try:
        if before is None:  # or the fixed chain would have to be better than this one
            registry.drop(CHAMPION)
        else:
            registry.point(CHAMPION, before)
        registry.note(champion, gate="taken back", reason="it did not work on the serving endpoint")
    except (UserError, MlflowException) as error:
        was, reason = f"version {before.number}" if before else "no version", " ".join(str(error).split())
        raise UserError(
            f"{failure}; nor could the alias {CHAMPION} of {champion.name} be taken back ({reason}): "
            f"it should name {was}"
        ) from error
