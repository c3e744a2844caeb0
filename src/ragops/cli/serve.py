"""The command line: ragops serve and ragops mcp, the chain for people and programs."""

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
from ragops.platform.compute import in_app
from ragops.platform.credentials import workspace_client
from ragops.platform.deployment import deployed_experiment, deployed_model
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.model_servers import is_this_machine
from ragops.platform.workspace import INDEXES, LEDGER

if TYPE_CHECKING:
    from pathlib import Path

    from ragops.platform.workspace import Workspace
    from ragops.serving.server.app import Parts
    from ragops.serving.server.chains import Source
    from ragops.serving.server.guard import Rules
    from ragops.serving.server.identity import Identify
    from ragops.serving.server.sources import OpenTrace
    from ragops.usecase import UseCase

TOKEN, ENDPOINT = "RAGOPS_SERVER_TOKEN", "RAGOPS_ENDPOINT"
WorkingCopy = Annotated[bool, typer.Option("--working-copy", help="Serve the bundle's files instead of the champion.")]
Model = Annotated[str, typer.Option("--model", help="Model in usecase.yml, for --working-copy.")]


def serve(
    target: Target = "dev",
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to bind; 0 for a free one.")] = 8400,
    group: Groups = None,
    working_copy: WorkingCopy = False,
    model: Model = "",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Serve answers: a page, an API and MCP.

    They come from the registered champion, or with --working-copy from the bundle's files.
    """
    from ragops.serving.server.app import create_app
    from ragops.serving.server.guard import Rules
    from ragops.serving.server.run import bind, run, url

    token, local = os.environ.get(TOKEN, ""), is_this_machine(f"http://[{host}]" if ":" in host else f"http://{host}")
    if in_app():  # the platform's proxy is in front, and admits only users that it names
        host, port, rules = "0.0.0.0", int(os.environ["DATABRICKS_APP_PORT"]), Rules("", local=False)
    elif not token and not local:
        raise UserError(f"--host {host}: others can reach it, and there is no token; set {TOKEN}, or use 127.0.0.1")
    else:
        rules = Rules(token, local)
    bound = bind(host, port)  # before the chain is opened, which takes seconds
    parts = _opened(target, schema, usecase, group, working_copy, model, rules)
    _show(url(bound), parts)
    run(create_app(parts), bound)


def mcp(
    target: Target = "dev",
    group: Groups = None,
    working_copy: WorkingCopy = False,
    model: Model = "",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Serve the tools search, ask and read_passage to an agent that starts this command.

    The protocol is MCP over standard input and output. `ragops serve` has the same tools at /mcp.
    """
    from ragops.serving.server.guard import Rules
    from ragops.serving.server.mcp import mcp_server

    parts = _opened(target, schema, usecase, group, working_copy, model, Rules())
    try:
        mcp_server(parts.use_case, parts.chains, parts.answers, parts.identify).run("stdio")
    finally:
        parts.close()


def _opened(
    target: str,
    schema: str | None,
    usecase: Path | None,
    group: list[str] | None,
    working_copy: bool,
    model: str,
    rules: Rules,
) -> Parts:
    """The server's parts, with the chain open or the reason why it is not.

    Raises:
        UserError: the options contradict each other, or there is no champion.
    """
    from ragops.serving.server.assemble import assemble
    from ragops.serving.server.traces import Traces, writer

    if model and not working_copy:
        raise UserError(f"--model {model}: the champion has its own model; add --working-copy, or leave it out")
    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    identify = _identify(group or [], use_case)
    _log_to_stderr()
    traces = Traces(writer(target, deployed_experiment(target)))
    source = _source(target, workspace, use_case, model, working_copy, traces.open)
    if not in_app():  # where it would be started again and again, it waits for the first champion instead
        source.wanted()
    volumes = workspace.volume(LEDGER), workspace.volume(INDEXES)
    parts = assemble(use_case, *volumes, source, traces, identify, rules)
    parts.chains.start()
    return parts


def _source(
    target: str, workspace: Workspace, use_case: UseCase, model: str, working_copy: bool, open_trace: OpenTrace
) -> Source:
    """Where the chain comes from.

    Raises:
        UserError: there is no such model in usecase.yml; or the endpoint's name or the workspace's credentials are
            missing.
    """
    from ragops.assembly import Locations
    from ragops.serving.model.registered import CHAIN
    from ragops.serving.server.sources import Champion, WorkingCopy

    if working_copy:
        models = use_case.models.with_primary(model or deployed_model(target))
        chosen = use_case.model_copy(update={"models": models})
        return WorkingCopy(chosen, Locations.of(workspace), open_trace)
    if use_case.serving.backend == "endpoint":
        from ragops.serving.server.endpoint import ServedEndpoint

        if not (name := os.environ.get(ENDPOINT, "")):
            raise UserError(f"serving.backend is endpoint, and {ENDPOINT} does not name one; set it, or use chain")
        return ServedEndpoint(workspace_client(), name, use_case, Locations.of(workspace))
    use_mlflow(target)
    from mlflow import MlflowClient

    return Champion(MlflowClient(), workspace.registered(CHAIN), open_trace)


def _identify(groups: list[str], use_case: UseCase) -> Identify:
    """Who asks: in an App whom the platform names, here always this user. Raises RequestError for an unknown group."""
    from ragops.corpus.index.access import check_groups
    from ragops.serving.server.identity import AppIdentity, Identity, always, workspace_groups

    known = use_case.corpus.groups
    if in_app():
        return AppIdentity(workspace_groups, known)
    return always(Identity(user_name(), tuple(sorted(check_groups(groups, known)))))


def _log_to_stderr() -> None:
    """Lines of requests and warnings; of libraries only warnings."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("ragops").setLevel(logging.INFO)


def _show(address: str, parts: Parts) -> None:
    """What is served, and to whom."""
    messages, rows = console.messages(), Table.grid(padding=(0, 2))
    rows.add_row("[dim]page[/]", f"[bold cyan]{address}[/]")
    rows.add_row("[dim]API[/]", f"POST {address}/responses")
    rows.add_row("[dim]MCP[/]", f"{address}/mcp")
    version, problem = parts.chains.version, escape(parts.chains.problem)
    rows.add_row("[dim]chain[/]", escape(str(version)) if version else f"[yellow]not ready: {problem}[/]")
    if not in_app():
        asker = parts.identify({})
        rows.add_row("[dim]you[/]", escape(f"{asker.name}; groups: {', '.join(asker.groups) or 'none'}"))
        rows.add_row("[dim]token[/]", TOKEN if parts.rules.token else f"none ({TOKEN} sets one)")
    messages.print(rows, "[dim]Ctrl-C ends it.[/]", highlight=False)
