"""The command line: ragops prompts optimize."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.cli import options
from ragops.cli.options import Model, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_experiment, deployed_model
from ragops.platform.mlflow_store import open_experiment

if TYPE_CHECKING:
    from ragops.answers.prompts.registry import PromptRegistry
    from ragops.platform.workspace import Workspace
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.optimization.proposals import Reflection
    from ragops.quality.optimization.result import Optimized
    from ragops.quality.questions import Question


def optimize(
    name: Annotated[str, typer.Argument(help="Answer template (default: the use case's).")] = "",
    model: Model = "",
    reflection_model: Annotated[
        str, typer.Option("--reflection-model", help="Model that proposes instructions (default: the answering one).")
    ] = "",
    questions: Annotated[
        int, typer.Option("--questions", min=8, help="Number of questions: half to learn from, half to compare on.")
    ] = 60,
    budget: Annotated[int, typer.Option("--budget", min=10, help="Number of answers to try while learning.")] = 200,
    alias: Annotated[
        str | None, typer.Option("--alias", help="Move this alias to the new prompt if it is better.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the new prompt to this folder if it is better.")
    ] = None,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Search for better instructions for a prompt (GEPA).

    The result is compared with the original on the other questions.
    """
    from ragops.assembly import Locations
    from ragops.quality.evaluation.comparison import questions_to_try
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.optimization.result import print_optimized

    if find_spec("gepa") is None:
        raise UserError("optimize: package gepa is not installed; install ragops[optimize]")
    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    sample = questions_to_try(options.question_set(use_case, target).questions, questions)
    own = Variant.of_use_case(use_case)
    variant = Variant(name or own.prompt, model or deployed_model(target) or own.llm, own.fusion)
    chains = Chains(use_case, options.templates(use_case), Locations.of(workspace))
    reflection = _reflection(chains, workspace, variant, reflection_model or variant.llm)
    open_experiment(deployed_experiment(target), target)
    found = _optimized(chains, reflection, options.registry(target, schema), budget, variant, sample, alias)
    print_optimized(console.terminal(), found)
    if write is not None and found.registered is not None:
        _write(found, write)


def _reflection(chains: Chains, workspace: Workspace, variant: Variant, llm: str) -> Reflection:
    """The model that proposes instructions. Raises UserError if a model is not suitable or may not see the answers."""
    from ragops.answers.llms.open import open_gateway
    from ragops.answers.prompts.template_files import find
    from ragops.assembly import delimiter_key
    from ragops.quality.optimization.proposals import TEMPLATE, Reflection
    from ragops.quality.optimization.trials import WHO

    proposing = replace(variant, llm=llm)
    chains.check([variant, proposing])
    for name, option in ((variant.llm, "--model"), (llm, "--reflection-model")):
        if chains.use_case.models.named(name).provider == "extractive":
            raise UserError(f"model {name}: does not follow instructions; choose a language model with {option}")
    use_case = proposing.applied(chains.use_case)
    gateway = open_gateway(use_case.models, use_case.corpus.classification, workspace, chains.calls)
    return Reflection(gateway, find(chains.templates, TEMPLATE, "improve"), delimiter_key(workspace), WHO)


def _optimized(
    chains: Chains,
    reflection: Reflection,
    registry: PromptRegistry,
    budget: int,
    variant: Variant,
    questions: list[Question],
    alias: str | None,
) -> Optimized:
    from ragops.quality.optimization.optimize import Optimizer

    with options.progress_bar() as progress:
        task = progress.add_task("opening", total=None)

        def advance(step: str, done: int, total: int) -> None:
            progress.update(task, description=step, completed=done, total=total)

        return Optimizer(chains, reflection, registry, budget, advance).optimize(variant, questions, alias)


def _write(found: Optimized, folder: Path) -> None:
    from ragops.answers.prompts.template_files import save_template

    path = save_template(found.template, folder)
    result = f"wrote {path}: review it, then set prompts.templates in usecase.yml to its folder"
    console.terminal().print(result, markup=False, highlight=False, soft_wrap=True)
