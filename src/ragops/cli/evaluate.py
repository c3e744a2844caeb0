"""The command line: ragops evaluate retrieval | answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ragops.cli import options
from ragops.cli.options import Json, Model, Prompt, QuestionsFile, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_model
from ragops.platform.mlflow_store import use_mlflow

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.answers.llms.ledger.sinks import MemorySink
    from ragops.quality.evaluation.reports.answers import AnswersReport
    from ragops.quality.evaluation.retrieval import SettingsResult
    from ragops.quality.questions import Question
    from ragops.usecase import UseCase

evaluate_app = typer.Typer(help="Evaluate retrieval or answers on the evaluation set.", no_args_is_help=True)


@evaluate_app.command()
def retrieval(
    questions_file: QuestionsFile = None,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Compare retrieval settings, and check the success criteria.

    Exit code 1 if a criterion is not met.
    """
    from ragops.assembly import Locations
    from ragops.quality.datasets.console import about, show_measured
    from ragops.quality.evaluation.retrieval import open_evaluator, settings_grid, settings_label

    workspace, use_case = options.workspace(target, schema), options.use_case(usecase, questions_file)
    asked = options.question_set(use_case, target)
    with (
        console.messages().status("encoding the questions") as status,
        open_evaluator(use_case, Locations.of(workspace), asked.questions) as evaluator,
    ):
        lost = evaluator.in_no_passage()
        results = evaluator.evaluate(
            settings_grid(use_case.retrieval), lambda one: status.update(settings_label(one, use_case.retrieval))
        )
    if not as_json:
        show_measured(console.terminal(), asked, measured=len(evaluator.questions), in_no_passage=lost)
    if not _print_retrieval(results, use_case, as_json, about(asked) | {"in_no_passage": lost}):
        raise typer.Exit(1)


@evaluate_app.command()
def answers(
    model: Model = "",
    prompt: Prompt = "",
    questions: Annotated[
        int | None, typer.Option(min=2, help="Evaluate at most N questions (answerable and unanswerable).", metavar="N")
    ] = None,
    questions_file: QuestionsFile = None,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Ask the evaluation questions and check the answers.

    The checks need no LLM judge. The report also shows the effect of
    abstention thresholds (answers.min_evidence).
    Exit code 1 if more answers fail than usecase.yml allows
    (release.max_error_share).
    """
    from ragops.answers.llms.ledger.sinks import MemorySink
    from ragops.quality.datasets.console import about, show_measured
    from ragops.quality.datasets.question_set import VERSION
    from ragops.quality.evaluation.answers import error_share, sampled
    from ragops.quality.evaluation.reports.answers import print_answers

    use_case = options.use_case(usecase, questions_file)
    asked = options.question_set(use_case, target)
    if not asked.questions:
        raise UserError("evaluation.questions: the use case names none; give a JSONL file")
    sample = sampled(asked.questions, questions or len(asked.questions))
    use_mlflow(target)
    calls = MemorySink()
    primary = use_case.models.with_primary(model or deployed_model(target)).answer.primary
    report = _report(options.chain(target, schema, usecase, primary, prompt, sink=calls), primary, calls, sample)
    if as_json:
        typer.echo(json.dumps(report.as_json() | {VERSION: about(asked)}))
    else:
        show_measured(console.terminal(), asked, measured=len(sample))
        print_answers(console.terminal(), report)
    if error_share(report.rows) > use_case.release.max_error_share:
        raise typer.Exit(1)


def _report(chain: Chain, primary: str, calls: MemorySink, questions: Sequence[Question]) -> AnswersReport:
    """Asks the questions. Neither traces nor ledger rows are stored."""
    import mlflow

    from ragops.answers.chain.types import Query
    from ragops.quality.evaluation.answers import Outcome, ask_all
    from ragops.quality.evaluation.reports.answers import AnswersReport

    mlflow.tracing.disable()
    evidence: dict[str, float] = {}

    def ask(question: str) -> Outcome:
        answer = chain.answer(Query(question, who="ragops evaluate answers"))
        evidence[question] = answer.evidence
        return Outcome.of(answer)

    with options.progress_bar() as progress:
        bar = progress.add_task("asking", total=len(questions))
        rows = ask_all(ask, questions, primary, lambda done: progress.update(bar, completed=done))
    known = [(evidence[one.question], one.answerable) for one in questions if one.question in evidence]
    answerable, unanswerable = ([score for score, kind in known if kind is wanted] for wanted in (True, False))
    return AnswersReport(rows, calls.rows, answerable, unanswerable, chain.settings.min_evidence)


def _print_retrieval(
    results: Sequence[SettingsResult], use_case: UseCase, as_json: bool, measured: Mapping[str, object]
) -> bool:
    """Prints figures and criteria, as JSON with what was `measured`. Returns whether all criteria are met."""
    from ragops.quality.datasets.question_set import VERSION
    from ragops.quality.evaluation.reports.retrieval import criteria, print_settings, settings_as_json

    checks = list(criteria(results, use_case))
    if as_json:
        lines = [{"met": met, "criterion": line} for met, line in checks]
        found = {VERSION: measured, "settings": settings_as_json(results, use_case), "criteria": lines}
        typer.echo(json.dumps(found))
    else:
        terminal = console.terminal()
        print_settings(terminal, results, use_case)
        for met, line in checks:
            state = "[green]met[/]" if met else "[red]not met[/]"
            terminal.print(f"{state} {escape(line)}", highlight=False, soft_wrap=True)
    return all(met for met, _ in checks)
