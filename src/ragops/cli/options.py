"""What the commands share: options, the objects that options name, and running inside the local workspace."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.compute import has_spark
from ragops.platform.deployment import deployed_model, deployed_workspace
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.workspace import VOLUMES, Workspace, bundle_root

if TYPE_CHECKING:
    from rich.progress import Progress

    from ragops.answers.chain.chain import Chain
    from ragops.answers.chain.trace_record import TraceRecord
    from ragops.answers.llms.ledger.sinks import Sink
    from ragops.answers.prompts.registry import PromptRegistry
    from ragops.answers.prompts.template import Template
    from ragops.quality.datasets.question_set import QuestionSet
    from ragops.usecase import UseCase

Target = Annotated[str, typer.Option("-t", "--target", help="Bundle target.")]
Schema = Annotated[str | None, typer.Option("--schema", help="Schema (default: the target's).")]
UseCaseFile = Annotated[
    Path | None, typer.Option("--usecase", help="Use case file (default: the bundle's usecase.yml).")
]
Model = Annotated[str, typer.Option("--model", help="Model in usecase.yml (default: the target's).")]
Prompt = Annotated[str, typer.Option("--prompt", help="Prompt template (default: the use case's).")]
QuestionsFile = Annotated[
    Path | None,
    typer.Option("--questions-file", help="Question set: a file or a folder (default: the use case's)."),
]
Groups = Annotated[list[str] | None, typer.Option("--group", help="A group you belong to (repeatable).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def workspace(target: str, schema: str | None) -> Workspace:
    """The catalog and schema of a target. Raises UserError if it has never been run here."""
    own = deployed_workspace(target)
    return Workspace(own.catalog, schema) if schema else own


def deployed_or_default(target: str, schema: str | None) -> tuple[Workspace, str, str]:
    """The target's workspace and language model; before the first run a default workspace, "", and the reason."""
    try:
        return workspace(target, schema), deployed_model(target), ""
    except UserError as error:
        return Workspace("spark_catalog", schema or "rag"), "", str(error)


def use_case(path: Path | None, questions: Path | None = None) -> UseCase:
    """The use case, with another question set if one is given.

    Raises UserError if it is missing or wrong, or if there is no bundle to look for it in.
    """
    from ragops.usecase import load_usecase

    found = load_usecase(path or bundle_root() / "usecase.yml")
    if questions is None:
        return found
    named = found.evaluation.model_copy(update={"questions": str(questions.absolute())})
    return found.model_copy(update={"evaluation": named})


def question_set(use_case: UseCase, target: str) -> QuestionSet:
    """The use case's evaluation set, which may be in the target's MLflow. Raises UserError as `measured_set`."""
    from ragops.quality.datasets.leakage import measured_set
    from ragops.quality.datasets.question_set import is_dataset

    named = use_case.evaluation.questions
    if is_dataset(named):
        use_mlflow(target)
    elif named and Path(named).parts[:2] == ("/", VOLUMES):
        deployed_workspace(target)  # whose volumes are meant
    return measured_set(use_case)


def templates(use_case: UseCase) -> dict[str, Template]:
    """The use case's prompt templates by name. Raises UserError if one is invalid."""
    from ragops.answers.prompts.template_files import load_templates

    return load_templates(use_case.prompts, use_case.folder)


def registry(target: str, schema: str | None) -> PromptRegistry:
    """The registered prompts of a schema. Raises UserError as `workspace` does."""
    from ragops.answers.prompts.registry import PromptRegistry

    own = workspace(target, schema)
    use_mlflow(target)
    from mlflow import MlflowClient

    return PromptRegistry(MlflowClient(), own.registered)


def chain(
    target: str,
    schema: str | None,
    path: Path | None,
    model: str = "",
    prompt: str = "",
    *,
    sink: Sink | None = None,
    record: TraceRecord | None = None,
) -> Chain:
    """The use case's chain over a schema's index, with the given or the target's model.

    Raises UserError as `workspace`, `use_case` and `assembly.open_chain` do.
    """
    from ragops.assembly import Locations, open_chain

    found, own = workspace(target, schema), use_case(path)
    models = own.models.with_primary(model or deployed_model(target))
    prompts = own.prompts.model_copy(update={"answer": prompt}) if prompt else own.prompts
    chosen = own.model_copy(update={"models": models, "prompts": prompts})
    return open_chain(chosen, Locations.of(found), sink=sink, record=record)


def listed(names: str) -> list[str]:
    """The names in a comma-separated list."""
    return [name.strip() for name in names.split(",") if name.strip()]


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error with description, count and time, which disappears at the end."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console.messages(), transient=True) as progress:
        yield progress


def local_workspace_command(target: str) -> list[str] | None:
    """This command inside the local workspace, with Spark and strict volumes; None without localbundle."""
    localbundle = shutil.which("localbundle", path=str(Path(sys.executable).parent)) or shutil.which("localbundle")
    if localbundle is None:
        return None
    return [localbundle, "exec", "-t", target, "--", sys.executable, "-m", "ragops.cli.app", *sys.argv[1:]]


def need_spark(target: str) -> None:
    """Replaces this process with the same command inside the local workspace, unless there is a Spark session.

    Raises:
        UserError: neither Spark nor localbundle is available.
    """
    if has_spark():
        return
    command = local_workspace_command(target)
    if command is None:
        raise UserError("Spark: no Spark session; run this inside a workspace, or install localbundle in addition")
    sys.stdout.flush()
    os.execv(command[0], command)
