"""The command line: ragops prompts compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ragops.cli import options
from ragops.cli.options import Schema, Target, UseCaseFile
from ragops.platform.deployment import deployed_experiment
from ragops.platform.mlflow_store import open_experiment

if TYPE_CHECKING:
    from ragops.answers.prompts.template import Template
    from ragops.quality.evaluation.comparison import VariantResult
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.questions import Question

console = Console()


def compare(
    prompts: Annotated[str, typer.Option("--prompts", help="Templates, with commas; all for answers by default.")] = "",
    models: Annotated[
        str, typer.Option("--models", help="Models, with commas; the use case's primary by default.")
    ] = "",
    questions: Annotated[int, typer.Option("--questions", min=2, help="How many of the use case's questions.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Compares prompts, with one model or several, in usecase.yml's questions; each combination is a run in MLflow.

    Exit code 1 when more answers of one of them fail than release.max_error_share in usecase.yml.
    """
    from ragops.assembly import Locations
    from ragops.quality.evaluation.answers import error_share
    from ragops.quality.evaluation.comparison import questions_to_try
    from ragops.quality.evaluation.variants import Chains
    from ragops.quality.questions import evaluation_questions

    place, use_case, templates = options.place(target, schema), options.use_case(usecase), options.templates(usecase)
    asked = questions_to_try(evaluation_questions(use_case), questions)
    chains = Chains(use_case, templates, Locations.of(place))
    tried = _tried(chains, _variants(chains, _listed(prompts), _listed(models), templates), asked, target)
    _print(tried, use_case.prompts.answer, as_json)
    failing = [one for one in tried if error_share(one.rows) > use_case.release.max_error_share]
    for one in failing:
        reason = next(row.error for row in one.rows if row.error)
        typer.echo(f"{one.variant.label}: {error_share(one.rows):.0%} failed, the first thus: {reason}", err=True)
    if failing:
        raise typer.Exit(1)


def _variants(
    chains: Chains, prompts: Sequence[str], models: Sequence[str], templates: dict[str, Template]
) -> list[Variant]:
    """The use case's prompt with every model, so that each has something to be compared with, and then the others."""
    from ragops.quality.evaluation.variants import Variant, variant_grid

    own = Variant.of_use_case(chains.use_case)
    named = prompts or [one.name for one in templates.values() if one.task == "answer"]
    llms = models or [own.llm]
    variants = variant_grid(Variant(own.prompt, llms[0], own.fusion), [own.prompt, *named], llms)
    chains.check(variants)
    return variants


def _tried(
    chains: Chains, variants: Sequence[Variant], questions: Sequence[Question], target: str
) -> list[VariantResult]:
    from ragops.quality.evaluation.comparison import tracked, tracked_run, try_variants

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    open_experiment(deployed_experiment(target), target)
    with (
        tracked_run("comparison", questions=len(questions)),
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("opening", total=len(variants) * len(questions))

        def result(variant: Variant, done: int) -> None:
            progress.update(task, description=variant.label, completed=variants.index(variant) * len(questions) + done)

        return list(tracked(try_variants(chains, variants, questions, result)))


def _print(tried: Sequence[VariantResult], prompt: str, as_json: bool) -> None:
    from ragops.quality.evaluation.reports.variants import print_variants, variants_as_json

    if as_json:
        typer.echo(json.dumps(variants_as_json(tried, prompt)))
        return
    print_variants(console, tried, prompt)


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]
