"""The command line: ragops questions list | export | generate | candidates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.cli import options
from ragops.cli.ask import user_name
from ragops.cli.candidates import candidates_app
from ragops.cli.options import Json, Model, QuestionsFile, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_model

if TYPE_CHECKING:
    from ragops.corpus.index.passages import Passage
    from ragops.quality.datasets.generated.generate import Generated, Generator

questions_app = typer.Typer(help="Evaluation questions: what they are, and new ones.", no_args_is_help=True)
questions_app.add_typer(candidates_app, name="candidates")


@questions_app.command("list")
def list_(
    questions_file: QuestionsFile = None,
    as_json: Json = False,
    target: Target = "dev",
    usecase: UseCaseFile = None,
) -> None:
    """Show the question set: source, version, kinds, and each question."""
    from ragops.quality.datasets.console import about, show_set

    found = options.question_set(options.use_case(usecase, questions_file), target)
    if as_json:
        rows = [one.model_dump(mode="json", exclude_defaults=True) for one in found.questions]
        typer.echo(json.dumps(about(found) | {"rows": rows}))
    else:
        show_set(console.terminal(), found)


@questions_app.command()
def export(
    to: Annotated[str, typer.Argument(help="A new file (.jsonl), or dataset:NAME in MLflow.")],
    questions_file: QuestionsFile = None,
    target: Target = "dev",
    usecase: UseCaseFile = None,
) -> None:
    """Copy the question set to a file or an MLflow dataset, with the same version."""
    from ragops.platform.mlflow_store import use_mlflow
    from ragops.quality.datasets.question_set import is_dataset
    from ragops.quality.datasets.store import export as write

    found = options.question_set(options.use_case(usecase, questions_file), target)
    if not found.questions:
        raise UserError("evaluation.questions: the use case names none; give a set with --questions-file")
    if is_dataset(to):
        use_mlflow(target)
    write(found.questions, to, Path.cwd())
    line = f"{len(found.questions):,} questions in {to}, version {found.version}"
    console.terminal().print(line, highlight=False, markup=False, soft_wrap=True)


@questions_app.command()
def generate(
    to: Annotated[str, typer.Argument(help="A new file (.jsonl), or dataset:NAME in MLflow.")],
    count: Annotated[int, typer.Option("--count", min=1, help="Number of questions to keep.")] = 20,
    unanswerable: Annotated[
        float, typer.Option("--unanswerable", min=0, max=1, help="Share of them without an answer.")
    ] = 0.1,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Passages among which the source must be.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="Another one chooses other passages.")] = 0,
    model: Model = "",
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Let a model write questions from passages of the index.

    A question is kept if search finds its passage again and no known
    question asks nearly the same; one without an answer, if nothing
    that search finds answers it.
    """
    from ragops.platform.mlflow_store import use_mlflow
    from ragops.quality.datasets.generated.open import open_generator
    from ragops.quality.datasets.question_set import is_dataset, version_of
    from ragops.quality.datasets.store import check_export
    from ragops.quality.datasets.store import export as write

    check_export(to, Path.cwd())
    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    models = use_case.models.with_primary(model or deployed_model(target))
    if is_dataset(to):
        use_mlflow(target)
    known = options.question_set(use_case, target).questions
    with open_generator(use_case.model_copy(update={"models": models}), workspace, known, k, user_name()) as opened:
        generator, passages = opened
        found = _generated(generator, passages(seed), count, round(unanswerable * count))
    if found.stopped and not found.questions:
        raise UserError(f"questions: {found.stopped}")
    if found.questions:
        write(found.questions, to, Path.cwd())
    counts = {"questions": len(found.questions), "version": version_of(found.questions), "states": dict(found.states)}
    if as_json:
        typer.echo(json.dumps(counts | {"reasons": found.reasons, "stopped": found.stopped}))
    else:
        _show(found, to)
    if len(found.questions) < count:
        raise typer.Exit(1)


def _generated(generator: Generator, passages: list[Passage], count: int, unanswerable: int) -> Generated:
    with options.progress_bar() as progress:
        bar = progress.add_task("writing", total=count)
        return generator.generate(
            passages, count, unanswerable, lambda found: progress.update(bar, completed=len(found.questions))
        )


def _show(found: Generated, to: str) -> None:
    terminal = console.terminal()
    counted = ", ".join(f"{count} {state}" for state, count in found.states.most_common()) or "no passage to ask about"
    where = f" in {to}" if found.questions else ""
    lines = [f"{len(found.questions)} questions{where}: {counted}"]
    lines += [f"ended early: {found.stopped}"] if found.stopped else []
    lines += [f"{state}, the last: {reason}" for state, reason in found.reasons.items()]
    for line in lines:
        terminal.print(line, highlight=False, markup=False, soft_wrap=True)
