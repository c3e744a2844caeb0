"""The command line: ragops evaluate retrieval | answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ragops.cli import options
from ragops.cli.options import Json, Model, Prompt, QuestionsFile, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_model
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.volumes.errors import VolumeError

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.answers.llms.ledger.sinks import MemorySink
    from ragops.platform.workspace import Workspace
    from ragops.quality.criteria.check import Checked
    from ragops.quality.criteria.rows import Metric, Origin
    from ragops.quality.datasets.question_set import QuestionSet
    from ragops.quality.evaluation.reports.answers import AnswersReport
    from ragops.quality.questions import Question
    from ragops.usecase import Source, UseCase

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

    `ragops usecase` shows the figures later, unless they are for another
    question set. Exit code 1 if a criterion is not met.
    """
    from ragops.assembly import Locations
    from ragops.quality.criteria.check import measured_criteria
    from ragops.quality.criteria.console import print_checks
    from ragops.quality.datasets.console import about, show_measured
    from ragops.quality.datasets.question_set import VERSION
    from ragops.quality.evaluation.figures import retrieval_metrics
    from ragops.quality.evaluation.reports.retrieval import print_settings, settings_as_json
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
    own = next(one for one in results if one.settings == use_case.retrieval)
    figures = retrieval_metrics(_origin("evaluate retrieval", workspace, asked.version), own)
    checks = measured_criteria(use_case, figures)
    if as_json:
        found = {
            VERSION: about(asked, evaluator.questions) | {"in_no_passage": lost},
            "settings": settings_as_json(results, use_case),
        }
        typer.echo(json.dumps(found | {"criteria": [one.as_json() for one in checks]}))
    else:
        show_measured(console.terminal(), asked, evaluator.questions, in_no_passage=lost)
        print_settings(console.terminal(), results, use_case)
        print_checks(console.terminal(), checks)
    if questions_file is None:
        _record(workspace, figures)
    if any(one.state == "fail" for one in checks):
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
    abstention thresholds (answers.min_evidence). `ragops usecase` shows the
    figures later, unless they are for another model, prompt or question set.
    Exit code 1 if more answers fail than usecase.yml allows
    (release.max_error_share).
    """
    from ragops.answers.llms.ledger.sinks import MemorySink
    from ragops.quality.criteria.check import measured_criteria
    from ragops.quality.datasets.question_set import version_of
    from ragops.quality.evaluation.answers import error_share, sampled
    from ragops.quality.evaluation.figures import answer_costs, answer_metrics

    workspace, use_case = options.workspace(target, schema), options.use_case(usecase, questions_file)
    asked = options.question_set(use_case, target)
    if not asked.questions:
        raise UserError("evaluation.questions: the use case names none; give a JSONL file")
    sample = sampled(asked.questions, questions or len(asked.questions))
    use_mlflow(target)
    calls = MemorySink()
    primary = use_case.models.named(model).name if model else _usual_model(use_case, target)
    report = _report(options.chain(target, schema, usecase, primary, prompt, sink=calls), primary, calls, sample)
    costs = answer_costs(report.rows, use_case.models.named(primary))
    origin = _origin("evaluate answers", workspace, version_of(sample))
    figures = answer_metrics(origin, report.rows, costs)
    checks = measured_criteria(use_case, figures)
    _show_answers(report, asked, sample, checks, as_json)
    if not (prompt or questions_file) and primary == _usual_model(use_case, target):
        _record(workspace, figures)
    if error_share(report.rows) > use_case.release.max_error_share:
        raise typer.Exit(1)


def _show_answers(
    report: AnswersReport, asked: QuestionSet, sample: Sequence[Question], checks: Sequence[Checked], as_json: bool
) -> None:
    from ragops.quality.criteria.console import print_checks
    from ragops.quality.datasets.console import about, show_measured
    from ragops.quality.datasets.question_set import VERSION
    from ragops.quality.evaluation.reports.answers import print_answers

    if as_json:
        found = report.as_json() | {VERSION: about(asked, sample), "criteria": [one.as_json() for one in checks]}
        typer.echo(json.dumps(found))
        return
    show_measured(console.terminal(), asked, sample)
    print_answers(console.terminal(), report)
    print_checks(console.terminal(), checks)


def _usual_model(use_case: UseCase, target: str) -> str:
    """The model that answers on this target unless a command names another one."""
    return use_case.models.with_primary(deployed_model(target)).answer.primary


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


def _origin(source: Source, workspace: Workspace, question_set: str) -> Origin:
    """What figures of the working copy on the live index have in common."""
    from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
    from ragops.quality.criteria.rows import Origin
    from ragops.serving.model.registered import WORKING_COPY

    live = PublishedIndex(index_root(workspace)).pointer().generation
    return Origin(source, WORKING_COPY, live, question_set)


def _record(workspace: Workspace, figures: Sequence[Metric]) -> None:
    """Keeps figures for `ragops usecase`; a user who may not write the volume has only the printed ones."""
    from ragops.quality.criteria.store import record

    try:
        record(workspace, figures)
    except VolumeError as error:
        line = f"[yellow]not recorded for ragops usecase:[/] {escape(str(error))}"
        console.messages().print(line, highlight=False, soft_wrap=True)
