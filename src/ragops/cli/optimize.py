"""The command line: ragops prompts optimize."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ragops.cli import options
from ragops.cli.options import Model, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform.deployment import deployed_experiment, deployed_model
from ragops.platform.mlflow_store import open_experiment

if TYPE_CHECKING:
    from ragops.answers.prompts.registry import PromptRegistry
    from ragops.platform.workspace import Workspace
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.optimization.proposals import Reflection
    from ragops.quality.optimization.result import Optimized
    from ragops.quality.questions import Question

console = Console()


def optimize(
    name: Annotated[str, typer.Argument(help="A template for answers; the use case's by default.")] = "",
    model: Model = "",
    reflection_model: Annotated[
        str, typer.Option("--reflection-model", help="Who proposes instructions; by default the model that answers.")
    ] = "",
    questions: Annotated[int, typer.Option("--questions", min=8, help="Half to learn from, half held back.")] = 60,
    budget: Annotated[int, typer.Option("--budget", min=10, help="How many answers to try while learning.")] = 200,
    alias: Annotated[str | None, typer.Option("--alias", help="Let this alias point to it if it is better.")] = None,
    write: Annotated[Path | None, typer.Option("--write", help="Write it into this folder if it is better.")] = None,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Looks for better instructions for a prompt (GEPA), and compares them on questions it did not learn from."""
    from ragops.assembly import Locations
    from ragops.quality.evaluation.comparison import questions_to_try
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.optimization.result import print_optimized
    from ragops.quality.questions import evaluation_questions

    if find_spec("gepa") is None:
        raise UserError("optimize: package gepa is not installed; install ragops[optimize]")
    place, use_case, templates = options.place(target, schema), options.use_case(usecase), options.templates(usecase)
    asked = questions_to_try(evaluation_questions(use_case), questions)
    own = Variant.of_use_case(use_case)
    variant = Variant(name or own.prompt, model or deployed_model(target) or own.llm, own.fusion)
    chains = Chains(use_case, templates, Locations.of(place))
    reflection = _reflection(chains, place, variant, reflection_model or variant.llm)
    open_experiment(deployed_experiment(target), target)
    found = _found(chains, reflection, options.registry(target, schema), budget, variant, asked, alias)
    print_optimized(console, found)
    if write is not None and found.registered is not None:
        _write(found, write)


def _reflection(chains: Chains, place: Workspace, variant: Variant, llm: str) -> Reflection:
    """The model that proposes. Raises UserError where one of the two cannot do its part, or may not see the answers."""
    from ragops.answers.llms.open import open_gateway
    from ragops.answers.prompts.template_files import find
    from ragops.assembly import delimiter_key
    from ragops.quality.optimization.proposals import TEMPLATE, Reflection
    from ragops.quality.optimization.trials import WHO

    proposing = replace(variant, llm=llm)
    chains.check([variant, proposing])
    for name, option in ((variant.llm, "--model"), (llm, "--reflection-model")):
        if chains.use_case.models.named(name).provider == "extractive":
            raise UserError(f"model {name}: it reads no instructions; choose a language model with {option}")
    use_case = proposing.applied(chains.use_case)
    gateway = open_gateway(use_case.models, use_case.corpus.classification, place, chains.calls)
    return Reflection(gateway, find(chains.templates, TEMPLATE, "improve"), delimiter_key(place), WHO)


def _found(
    chains: Chains,
    reflection: Reflection,
    registry: PromptRegistry,
    budget: int,
    variant: Variant,
    questions: list[Question],
    alias: str | None,
) -> Optimized:
    from ragops.quality.optimization.optimize import Optimizer

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("opening", total=None)

        def result(what: str, done: int, most: int) -> None:
            progress.update(task, description=what, completed=done, total=most)

        return Optimizer(chains, reflection, registry, budget, result).optimize(variant, questions, alias)


def _write(found: Optimized, folder: Path) -> None:
    from ragops.answers.prompts.template_files import save_template

    path = save_template(found.template, folder)
    result = f"wrote {path}: read it, then let prompts.templates in usecase.yml name its folder"
    console.print(escape(result), highlight=False, soft_wrap=True)
