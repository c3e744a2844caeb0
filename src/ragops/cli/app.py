"""The command line: ragops, with its commands and groups of commands."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from contextlib import suppress
from typing import Any

import typer
from rich.markup import escape

from ragops.cli import options
from ragops.cli.ask import ask, search
from ragops.cli.doctor import doctor
from ragops.cli.documents import documents
from ragops.cli.evaluate import evaluate_app
from ragops.cli.feedback import feedback_app
from ragops.cli.index import index_app
from ragops.cli.judges import judges_app
from ragops.cli.models import models_app
from ragops.cli.monitor import monitor
from ragops.cli.options import Schema, Target
from ragops.cli.prompts import prompts_app
from ragops.cli.questions import questions_app
from ragops.cli.serve import mcp, serve
from ragops.cli.usecase import usecase
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.workspace import LANDING

app = typer.Typer(
    help="Query and manage the published index.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(ask)
app.command()(search)
app.command()(serve)
app.command()(mcp)
app.command()(doctor)
app.command()(documents)
app.command()(usecase)
app.command()(monitor)
app.add_typer(index_app, name="index")
app.add_typer(prompts_app, name="prompts")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(judges_app, name="judges")
app.add_typer(models_app, name="models")
app.add_typer(feedback_app, name="feedback")
app.add_typer(questions_app, name="questions")


# Libraries import these if they are installed, and commands use nothing of them: jsonschema, which Chroma imports,
# checks of IRIs (2 s, an extra that Jupyter installs) and of durations (0.02 s).
_UNUSED = ("rfc3987_syntax", "isoduration")
# bm25s imports a way to build an index (0.08 s), OpenVINO its converter (0.02 s).
_UNUSED_TO_SEARCH = ("scipy", "openvino.tools.ovc")


def main() -> None:
    """Entry point of a process that does nothing else: see `run`."""
    unused = (*_UNUSED, *_UNUSED_TO_SEARCH) if sys.argv[1:2] in (["search"], ["ask"]) else _UNUSED
    modules: dict[str, Any] = sys.modules
    modules |= dict.fromkeys(unused)  # as if not installed
    code = 1  # of an exception, whose stack trace Python prints
    atexit.register(lambda: _end(code))  # the first to be registered is the last to be called
    try:
        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise


def run() -> None:
    """Runs a command. An error that a user can fix is one line and exit code 2; --debug shows its stack trace."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except UserError as error:
        if debug:
            raise
        console.messages().print(f"[red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


def _end(code: int) -> None:
    """Ends the process as Python does, but without taking every object apart: 0.25 s after a search."""
    logging.shutdown()
    with suppress(OSError, ValueError):  # the reader of a pipe is gone
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


@app.command()
def sample(target: Target = "dev", schema: Schema = None) -> None:
    """Write the sample corpus to the landing volume.

    It is the Python language reference in several document formats.
    """
    from ragops.demo.corpus import write_corpus

    landing, terminal = options.workspace(target, schema).volume(LANDING), console.terminal()
    with terminal.status("writing the sample corpus"):
        written = write_corpus(landing)
    terminal.print(f"{len(written)} documents in {landing}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
