"""The command line: ragops prompts compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.platform import console
from ragops.platform.deployment import deployed_experiment
from ragops.platform.mlflow_store import open_experiment

if TYPE_CHECKING:
    from ragops.quality.evaluation.comparison import VariantResult
    from ragops.quality.evaluation.variants import Chains, Variant
    from ragops.quality.questions import Question


def compare(
    prompts: Annotated[
        str, typer.Option("--prompts", help="Comma-separated template names (default: all answer templates).")
    ] = "",
    models: Annotated[
        str, typer.Option("--models", help="Comma-separated model names (default: the use case's primary model).")
    ] = "",
    questions: Annotated[int, typer.Option("--questions", min=2, help="Number of evaluation questions.")] = 40,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Compare prompts on evaluation questions, with one or more models.

    Each combination is a run in MLflow.
    Exit code 1 if more of its answers fail than usecase.yml allows
    (release.max_error_share).
    """
    from ragops.assembly import Locations
    from ragops.quality.evaluation.answers import error_share
    from ragops.quality.evaluation.comparison import questions_to_try
    from ragops.quality.evaluation.variants import Chains

    workspace, use_case = options.workspace(target, schema), options.use_case(usecase)
    sample = questions_to_try(options.question_set(use_case, target).questions, questions)
    chains = Chains(use_case, options.templates(use_case), Locations.of(workspace))
    variants = _variants(chains, options.listed(prompts), options.listed(models))
    results = _results(chains, variants, sample, target)
    _print(results, use_case.prompts.answer, as_json)
    failing = [one for one in results if error_share(one.rows) > use_case.release.max_error_share]
    for one in failing:
        reason = next(row.error for row in one.rows if row.error)
        typer.echo(f"{one.variant.label}: {error_share(one.rows):.0%} failed; first error: {reason}", err=True)
    if failing:
        raise typer.Exit(1)


def _variants(chains: Chains, prompts: Sequence[str], models: Sequence[str]) -> list[Variant]:
    """The use case's own prompt with every model, as the baseline of each, and the given prompts."""
    from ragops.quality.evaluation.variants import Variant, variant_grid

    own = Variant.of_use_case(chains.use_case)
    named = prompts or [one.name for one in chains.templates.values() if one.task == "answer"]
    llms = models or [own.llm]
    variants = variant_grid(Variant(own.prompt, llms[0], own.fusion), [own.prompt, *named], llms)
    chains.check(variants)
    return variants


def _results(
    chains: Chains, variants: Sequence[Variant], questions: Sequence[Question], target: str
) -> list[VariantResult]:
    from ragops.quality.evaluation.comparison import tracked, tracked_run, try_variants

    open_experiment(deployed_experiment(target), target)
    with tracked_run("comparison", questions), options.progress_bar() as progress:
        task = progress.add_task("opening", total=len(variants) * len(questions))

        def advance(variant: Variant, done: int) -> None:
            progress.update(task, description=variant.label, completed=variants.index(variant) * len(questions) + done)

        return list(tracked(try_variants(chains, variants, questions, advance)))


def _print(results: Sequence[VariantResult], prompt: str, as_json: bool) -> None:
    from ragops.quality.evaluation.reports.variants import print_variants, variants_as_json

    if as_json:
        typer.echo(json.dumps(variants_as_json(results, prompt)))
    else:
        print_variants(console.terminal(), results, prompt)
