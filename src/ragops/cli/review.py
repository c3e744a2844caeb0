"""The command line: ragops judges agreement | align."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ragops.cli import options
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_model

if TYPE_CHECKING:
    from ragops.platform.workspace import Workspace
    from ragops.quality.judges.align import Alignment, Ask
    from ragops.quality.judges.rows import Judgment
    from ragops.usecase import JudgeName, UseCase


def agreement(
    as_json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Each version of a judge, not only the last one.")] = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Compare judges with the labels of people.

    Shows Cohen's kappa, sensitivity and specificity of each judge,
    and the share of good answers: as the judge says, and corrected
    by the labels.
    """
    options.need_spark(target)
    from ragops.quality.review.agreement import judge_agreements
    from ragops.quality.review.console import print_agreements

    use_case = options.use_case(usecase)
    found = judge_agreements(options.workspace(target, schema), use_case, every=every)
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found]))
    else:
        print_agreements(console.terminal(), found, use_case.evaluation.min_kappa)


def align(
    judge: Annotated[str, typer.Argument(help="The judge's dimension.")],
    model: Annotated[str, typer.Option("--model", help="Judging model (default: evaluation.judge).")] = "",
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Show a judge the cases in which people corrected it.

    Judges all labelled answers again, each with the most similar
    corrected cases of other clusters as examples. If the judge then
    agrees better with people, and not by chance, the examples are
    kept in judges/NAME.jsonl beside usecase.yml: a new version.
    """
    options.need_spark(target)
    from ragops.quality.judges.examples import keep_examples
    from ragops.quality.review.agreement import alignment_json
    from ragops.quality.review.console import print_alignment

    workspace, own = options.workspace(target, schema), options.use_case(usecase)
    use_case = own.model_copy(update={"models": own.models.with_primary(deployed_model(target))})
    name = next((one for one in use_case.evaluation.judges if one == judge), None)
    if name is None:
        known = ", ".join(use_case.evaluation.judges)
        raise UserError(f"judge {judge}: not in evaluation.judges of usecase.yml; add it there, or choose from {known}")
    found = _aligned(workspace, use_case, name, model)
    kept = None
    if found.keeps:
        kept = str(keep_examples(use_case.folder, name, found.examples))
        _save(workspace, found)
    if as_json:
        typer.echo(json.dumps(alignment_json(found) | {"file": kept}))
    else:
        print_alignment(console.terminal(), found, kept)


def _aligned(workspace: Workspace, use_case: UseCase, judge: JudgeName, model: str) -> Alignment:
    from ragops.quality.judges.align import align as align_judge
    from ragops.quality.judges.open import open_judges
    from ragops.quality.review.cases import labelled_cases

    judges = open_judges(use_case, workspace, model)
    (one,) = (known for known in judges.judges if known.name == judge)
    cases = labelled_cases(workspace, use_case, judge)
    return align_judge(replace(judges, judges=(one,)), cases, _ask(workspace, use_case), one.examples)


def _ask(workspace: Workspace, use_case: UseCase) -> Ask:
    """Judges answers with a bar, all together within the budget; what was judged before is not judged again."""
    from ragops.quality.judges.answer import AnswerToJudge
    from ragops.quality.judges.asking import Judges
    from ragops.quality.judges.bill import Bill
    from ragops.quality.judges.run import judge_all
    from ragops.quality.judges.stage import known_judgments

    settings, spent = use_case.evaluation, 0.0

    def ask(items: Sequence[AnswerToJudge], judges: Judges) -> Bill:
        nonlocal spent
        left = None if settings.budget is None else settings.budget - spent
        if left is not None and left <= 0:
            stopped = f"the budget of {settings.budget:g} is used up"
            return Bill((), {judges.judges[0].name: len(items)}, stopped=stopped)
        known = known_judgments(workspace, judges.judges)
        with options.progress_bar() as progress:
            bar = progress.add_task("judging", total=len(items))

            def advance(judgment: Judgment) -> None:
                progress.advance(bar)

            bill = judge_all(items, judges, known=known, budget=left, workers=settings.workers, on_judgment=advance)
        spent += bill.cost
        return bill

    return ask


def _save(workspace: Workspace, found: Alignment) -> None:
    """The new version's judgments, so that its agreement with people is known at once."""
    from ragops.platform.workspace import LEDGER
    from ragops.quality.judges.files import JudgmentFiles
    from ragops.quality.judges.stage import merge_judgments

    files = JudgmentFiles(workspace.volume(LEDGER))
    for judgment in found.judgments:
        files.save(judgment)
    merge_judgments(workspace)
