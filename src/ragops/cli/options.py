"""What commands have in common: their options, and what these name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.platform.deployment import deployed_model, deployed_workspace
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.workspace import Workspace, bundle_root

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.answers.llms.ledger.sinks import Sink
    from ragops.answers.prompts.registry import PromptRegistry
    from ragops.answers.prompts.template import Template
    from ragops.usecase import UseCase

Target = Annotated[str, typer.Option("-t", "--target", help="The bundle's target.")]
Schema = Annotated[str | None, typer.Option("--schema", help="Another schema than the target's own.")]
UseCaseFile = Annotated[
    Path | None, typer.Option("--usecase", help="The use case; by default usecase.yml beside databricks.yml.")
]
Model = Annotated[
    str, typer.Option("--model", help="A model in usecase.yml; by default the target's or the use case's own.")
]
Prompt = Annotated[str, typer.Option("--prompt", help="A prompt template; by default the use case's.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def place(target: str, schema: str | None) -> Workspace:
    """The catalog and schema of a target. Raises UserError when it was never run here."""
    own = deployed_workspace(target)
    return Workspace(own.catalog, schema) if schema else own


def use_case_file(path: Path | None) -> Path:
    """The use case's file. Raises UserError when there is no bundle to look in."""
    return path or bundle_root() / "usecase.yml"


def use_case(path: Path | None) -> UseCase:
    """The use case. Raises UserError when it is missing or wrong."""
    from ragops.usecase import load_usecase

    return load_usecase(use_case_file(path))


def templates(path: Path | None) -> dict[str, Template]:
    """The use case's prompt templates by name. Raises UserError when one is unsound."""
    from ragops.answers.prompts.template_files import load_templates

    return load_templates(use_case(path).prompts, use_case_file(path).parent)


def registry(target: str, schema: str | None) -> PromptRegistry:
    """The registered prompts of a schema. Raises UserError as `place` does."""
    from ragops.answers.prompts.registry import PromptRegistry

    workspace = place(target, schema)
    use_mlflow(target)
    from mlflow import MlflowClient

    return PromptRegistry(MlflowClient(), workspace.registered)


def chain(
    target: str, schema: str | None, path: Path | None, model: str = "", prompt: str = "", sink: Sink | None = None
) -> Chain:
    """The use case's chain over a schema's index, with the target's model unless another is chosen.

    Raises UserError as `place`, `use_case` and `assembly.open_chain` do.
    """
    from ragops.assembly import Locations, open_chain

    workspace, own = place(target, schema), use_case(path)
    models = own.models.with_primary(model or deployed_model(target))
    prompts = own.prompts.model_copy(update={"answer": prompt}) if prompt else own.prompts
    chosen = own.model_copy(update={"models": models, "prompts": prompts})
    return open_chain(chosen, Locations.of(workspace), sink=sink)
