"""The command line: ragops serve, the page, the API and MCP for people and programs."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from ragops.cli import options
from ragops.cli.ask import user_name
from ragops.cli.options import Groups, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_experiment, deployed_model
from ragops.platform.model_servers import is_this_machine

TOKEN = "RAGOPS_SERVER_TOKEN"


def serve(
    target: Target = "dev",
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to bind.")] = 8400,
    group: Groups = None,
    working_copy: Annotated[bool, typer.Option("--working-copy", help="Serve the bundle's files.")] = False,
    model: Annotated[str, typer.Option("--model", help="With --working-copy: model in usecase.yml.")] = "",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Serve the page, the API and MCP.

    Answers come from the registered champion, or with --working-copy from the bundle's files.
    """
    from ragops.assembly import Locations
    from ragops.corpus.index.access import check_groups
    from ragops.serving.server.app import create_app
    from ragops.serving.server.assemble import assemble
    from ragops.serving.server.guard import Rules
    from ragops.serving.server.identity import Identity, always
    from ragops.serving.server.run import run
    from ragops.serving.server.sources import WorkingCopy
    from ragops.serving.server.traces import Traces

    token = os.environ.get(TOKEN, "")
    if not token and not is_this_machine(f"http://{host}"):
        raise UserError(f"--host {host}: others can reach it, and there is no token; set {TOKEN}, or use 127.0.0.1")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    models = use_case.models.with_primary(model or deployed_model(target))
    chosen = use_case.model_copy(update={"models": models})
    traces = Traces(target, deployed_experiment(target))
    source = WorkingCopy(chosen, Locations.of(workspace), traces.open)
    identify = always(Identity(user_name(), tuple(check_groups(group or (), use_case.corpus.groups))))
    parts = assemble(chosen, workspace, source, traces, identify, Rules(token, is_this_machine(f"http://{host}")))
    parts.chains.start()
    console.messages().print(f"http://{host}:{port}")
    run(create_app(parts), host, port)
