"""The command line: ragops serve, the page, the API and MCP for people and programs."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ragops.cli import options
from ragops.cli.ask import user_name
from ragops.cli.options import Groups, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_experiment, deployed_model
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.model_servers import is_this_machine
from ragops.platform.workspace import LEDGER

if TYPE_CHECKING:
    from ragops.platform.workspace import Workspace
    from ragops.serving.server.app import Parts
    from ragops.serving.server.chains import Source
    from ragops.serving.server.identity import Identity
    from ragops.serving.server.sources import OpenTrace
    from ragops.usecase import UseCase

TOKEN = "RAGOPS_SERVER_TOKEN"


def serve(
    target: Target = "dev",
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to bind; 0 for a free one.")] = 8400,
    group: Groups = None,
    working_copy: Annotated[
        bool, typer.Option("--working-copy", help="Serve the bundle's files instead of the champion.")
    ] = False,
    model: Annotated[str, typer.Option("--model", help="Model in usecase.yml, for --working-copy.")] = "",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Serve answers: a page, an API and MCP.

    They come from the registered champion, or with --working-copy from the bundle's files.
    """
    from ragops.serving.server.app import create_app
    from ragops.serving.server.assemble import assemble
    from ragops.serving.server.guard import Rules
    from ragops.serving.server.identity import Identity, always
    from ragops.serving.server.run import run
    from ragops.serving.server.traces import Traces

    token, local = os.environ.get(TOKEN, ""), is_this_machine(f"http://{host}")
    if not token and not local:
        raise UserError(f"--host {host}: others can reach it, and there is no token; set {TOKEN}, or use 127.0.0.1")
    if model and not working_copy:
        raise UserError(f"--model {model}: the champion has its own model; add --working-copy, or leave it out")
    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    _log_to_stderr()
    traces = Traces(target, deployed_experiment(target))
    source = _source(target, workspace, use_case, model, working_copy, traces.open)
    asker = Identity(user_name(), _checked(group or [], use_case))
    parts = assemble(use_case, workspace.volume(LEDGER), source, traces, always(asker), Rules(token, local))
    source.wanted()  # without a champion nothing can be served
    parts.chains.start()
    run(create_app(parts), host, port, lambda url: _show(url, parts, asker))


def _source(
    target: str, workspace: Workspace, use_case: UseCase, model: str, working_copy: bool, open_trace: OpenTrace
) -> Source:
    """Where the chain comes from. Raises UserError if there is no such model in usecase.yml."""
    from ragops.assembly import Locations
    from ragops.serving.model.registered import CHAIN
    from ragops.serving.server.sources import Champion, WorkingCopy

    if working_copy:
        models = use_case.models.with_primary(model or deployed_model(target))
        chosen = use_case.model_copy(update={"models": models})
        return WorkingCopy(chosen, Locations.of(workspace), open_trace)
    use_mlflow(target)
    from mlflow import MlflowClient

    return Champion(MlflowClient(), workspace.registered(CHAIN), open_trace)


def _checked(groups: list[str], use_case: UseCase) -> tuple[str, ...]:
    """The groups given. Raises RequestError for one that the use case does not list."""
    from ragops.corpus.index.access import check_groups

    return tuple(sorted(check_groups(groups, use_case.corpus.groups)))


def _log_to_stderr() -> None:
    """Lines of requests and warnings; of libraries only warnings."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("ragops").setLevel(logging.INFO)


def _show(url: str, parts: Parts, asker: Identity) -> None:
    """What is served, and to whom."""
    messages = console.messages()
    rows = Table.grid(padding=(0, 2))
    rows.add_row("[dim]page[/]", f"[bold cyan]{url}[/]")
    rows.add_row("[dim]API[/]", f"POST {url}/responses")
    rows.add_row("[dim]MCP[/]", f"{url}/mcp")
    if version := parts.chains.version:
        rows.add_row("[dim]chain[/]", escape(str(version)))
    else:
        rows.add_row("[dim]chain[/]", f"[yellow]not ready: {escape(parts.chains.problem)}[/]")
    groups = ", ".join(asker.groups) or "none"
    rows.add_row("[dim]you[/]", escape(f"{asker.name}; groups: {groups}"))
    rows.add_row("[dim]token[/]", f"{TOKEN}" if parts.rules.token else f"none; {TOKEN} sets one")
    messages.print(rows, highlight=False)
    messages.print("[dim]Ctrl-C ends it.[/]")
