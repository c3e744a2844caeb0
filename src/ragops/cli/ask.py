"""The command line: ragops ask, an answer with citations; ragops search, the passages."""

from __future__ import annotations

import getpass
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.text import Text

from ragops.cli import options
from ragops.cli.options import Groups, Json, Model, Prompt, Schema, Target, UseCaseFile
from ragops.platform import console
from ragops.platform.deployment import deployed_experiment
from ragops.platform.mlflow_store import open_experiment

if TYPE_CHECKING:
    from rich.console import Console

    from ragops.answers.chain.chain import Chain
    from ragops.answers.chain.types import Answer, Query

_QUESTION = typer.Argument(help="Your question.")


def ask(
    question: Annotated[str, _QUESTION],
    follow: Annotated[
        list[str] | None, typer.Option(help="An earlier question that this one follows (repeatable, oldest first).")
    ] = None,
    group: Groups = None,
    model: Model = "",
    prompt: Prompt = "",
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Answer a question from the documents, with citations.

    If the documents contain no answer, it says so.
    """
    from ragops.answers.chain.trace_record import TraceRecord
    from ragops.answers.chain.types import Query
    from ragops.answers.prompts.types import Message
    from ragops.answers.retrieval.validate import check_question
    from ragops.cli.tracing import TraceWriter

    history = tuple(Message("user", check_question(earlier)) for earlier in follow or ())
    query = Query(question, history, tuple(group or ()), user_name())
    if "mlflow" in sys.modules:  # a notebook or a test that calls the command: this process writes its traces itself
        chain = options.chain(target, schema, usecase, model, prompt)
        open_experiment(deployed_experiment(target), target)
        _show(query, chain, as_json)
        return
    record = TraceRecord()
    with TraceWriter(target) as writer:
        _show(query, options.chain(target, schema, usecase, model, prompt, record=record), as_json)
        sys.stdout.flush()
        if reason := writer.write(record):
            console.messages().print(f"[yellow]not traced: {escape(reason)}", highlight=False, soft_wrap=True)


def _show(query: Query, chain: Chain, as_json: bool) -> None:
    """Asks and prints."""
    from ragops.answers.chain.console import as_outputs, show_answer

    terminal, messages = console.terminal(), console.messages()
    if not as_json:
        terminal.print(Text(query.text, style="bold"))
    answer = _streamed(chain, query, messages) if messages.is_terminal else chain.answer(query)
    if as_json:
        typer.echo(json.dumps({"question": query.text, "answer": answer.text, **as_outputs(answer)}))
    else:
        show_answer(terminal, answer)


def search(
    question: Annotated[str, _QUESTION],
    k: Annotated[
        int | None, typer.Option("-k", min=1, max=100, help="Number of passages (default: the use case's).")
    ] = None,
    group: Groups = None,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Find the passages that answer a question."""
    from ragops.answers.retrieval.validate import check_question
    from ragops.assembly import Locations, open_searcher

    question = check_question(question)
    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    started = time.monotonic()
    searcher = open_searcher(use_case, Locations.of(workspace))
    from ragops.answers.retrieval.console import as_rows, show_passages  # after the encoder, which loads meanwhile

    opened = time.monotonic()
    found = searcher.search(question, k, group or ())
    milliseconds = (time.monotonic() - opened) * 1000
    if as_json:
        typer.echo(json.dumps({"question": question, "generation": searcher.generation, "passages": as_rows(found)}))
        return
    terminal = console.terminal()
    show_passages(terminal, question, found)
    noun = "passage" if len(found) == 1 else "passages"
    index = f"index {searcher.generation} opened in {opened - started:.1f} s"
    terminal.print(f"[dim]{len(found)} {noun} in {milliseconds:.0f} ms ({index})[/]")


def user_name() -> str:
    """The user's name for the ledger, or the number of a user without one, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _streamed(chain: Chain, query: Query, messages: Console) -> Answer:
    """Shows the answer while it is generated, and removes it at the end: only the checked answer counts."""
    from ragops.answers.llms.types import drain
    from ragops.corpus.documents.normalize import normalize

    written: list[str] = []
    waiting = Spinner("dots", f"asking {chain.gateway.primary_name} ...")
    with Live(waiting, console=messages, transient=True) as live:

        def show(piece: str) -> None:
            written.append(piece)
            live.update(Text(normalize("".join(written))))

        return drain(chain.stream(query), show)
