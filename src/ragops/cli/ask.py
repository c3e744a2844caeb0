"""`ragops ask`: a question answered from the documents, with citations."""

from __future__ import annotations

import getpass
import json
import os
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from ragops.cli import options
from ragops.cli.options import Json, Model, Prompt, Schema, Target, UseCaseFile
from ragops.platform.deployment import deployed_experiment
from ragops.platform.mlflow_store import open_experiment

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.answers.chain.types import Answer, Query

console = Console()
progress = Console(stderr=True)


def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    follow: Annotated[
        list[str] | None,
        typer.Option(help="An earlier question that this one follows; may be given again, oldest first."),
    ] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group you belong to; may be given again.")] = None,
    model: Model = "",
    prompt: Prompt = "",
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Answers a question from the documents and cites them, or says that they hold no answer."""
    from ragops.answers.chain.console import as_outputs, show_answer
    from ragops.answers.chain.types import Query
    from ragops.answers.prompts.types import Message
    from ragops.answers.retrieval.validate import check_question

    history = tuple(Message("user", check_question(earlier)) for earlier in follow or ())
    asked = Query(question, history, tuple(group or ()), _who())
    chain = options.chain(target, schema, usecase, model, prompt)
    open_experiment(deployed_experiment(target), target)
    if not as_json:
        console.print(Text(asked.text, style="bold"))
    answer = _watched(chain, asked) if progress.is_terminal else chain.answer(asked)
    if as_json:
        typer.echo(json.dumps({"question": asked.text, "answer": answer.text, **as_outputs(answer)}))
    else:
        show_answer(console, answer)


def _who() -> str:
    """For the ledger; a container may run as a number without a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _watched(chain: Chain, question: Query) -> Answer:
    """Shows who is asked, then the answer as it is written; none of it stays, since only the checked one counts."""
    from ragops.corpus.documents.normalize import normalize

    pieces, written = chain.stream(question), ""
    waiting = Spinner("dots", f"asking {chain.gateway.primary_name} ...")
    with Live(waiting, console=progress, transient=True) as live:
        while True:
            try:
                written += next(pieces)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            live.update(Text(normalize(written)))
