"""The command line: ragops evaluate retrieval | answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from ragops.cli import options
from ragops.cli.options import Json, Model, Prompt, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform.deployment import deployed_model
from ragops.platform.mlflow_store import use_mlflow
from ragops.platform.workspace import models_folder

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.answers.llms.ledger.sinks import MemorySink
    from ragops.corpus.index.generations.generation import Generation
    from ragops.platform.workspace import Workspace
    from ragops.quality.evaluation.reports.answers import AnswersReport
    from ragops.quality.evaluation.retrieval import SettingsResult
    from ragops.quality.questions import Question
    from ragops.usecase import UseCase

evaluate_app = typer.Typer(help="Measures in usecase.yml's evaluation set.", no_args_is_help=True)
console = Console()


@evaluate_app.command()
def retrieval(
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Compares ways to find passages, and checks the use case's success criteria; exit code 1 when one is not met."""
    from ragops.corpus.embeddings.model import fingerprint
    from ragops.corpus.index.generations.published_files import index_root
    from ragops.corpus.index.reading.reader import IndexReader
    from ragops.quality.questions import evaluation_questions

    place, use_case = options.place(target, schema), options.use_case(usecase)
    questions = [one for one in evaluation_questions(use_case) if one.answerable]
    if not questions:
        raise UserError(
            "evaluation.questions: the use case names none that the corpus answers; give a JSONL file of some"
        )
    reader = IndexReader(index_root(place))
    reader.check_encoder(fingerprint(use_case.embedding), use_case.embedding.name)
    try:
        measured = _measured(place, use_case, reader.generation(), questions)
    finally:
        reader.close()
    if not _printed(measured, use_case, as_json):
        raise typer.Exit(1)


@evaluate_app.command()
def answers(
    model: Model = "",
    prompt: Prompt = "",
    questions: Annotated[int | None, typer.Option(min=2, help="At most so many, of both kinds.")] = None,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Asks the questions and checks the answers, without a judge; calibrates what evidence an answer needs.

    Exit code 1 when more of them fail than release.max_error_share in usecase.yml.
    """
    from ragops.answers.llms.ledger.sinks import MemorySink
    from ragops.quality.evaluation.answers import error_share, sampled
    from ragops.quality.evaluation.reports.answers import print_answers
    from ragops.quality.questions import evaluation_questions

    use_case = options.use_case(usecase)
    known = evaluation_questions(use_case)
    if not known:
        raise UserError("evaluation.questions: the use case names none; give a JSONL file of some")
    asked = sampled(known, questions or len(known))
    use_mlflow(target)
    calls = MemorySink()
    primary = use_case.models.with_primary(model or deployed_model(target)).answer.primary
    report = _answered(options.chain(target, schema, usecase, primary, prompt, calls), primary, calls, asked)
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        print_answers(console, report)
    if error_share(report.rows) > use_case.release.max_error_share:
        raise typer.Exit(1)


def _answered(chain: Chain, primary: str, calls: MemorySink, questions: Sequence[Question]) -> AnswersReport:
    """The outcome of each question; neither traces nor rows of the ledger are kept."""
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

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("asking", total=len(questions))
        rows = ask_all(ask, questions, primary, lambda done: progress.update(bar, completed=done))
    known = [(evidence[one.question], one.answerable) for one in questions if one.question in evidence]
    good, bad = ([score for score, answerable in known if answerable is kind] for kind in (True, False))
    return AnswersReport(rows, calls.rows, good, bad, chain.settings.min_evidence)


def _measured(
    place: Workspace, use_case: UseCase, generation: Generation, questions: Sequence[Question]
) -> Sequence[SettingsResult]:
    from ragops.assembly import open_reranker, query_encoder
    from ragops.corpus.chunks.tokens import tokenizer_counter
    from ragops.corpus.embeddings.model import tokenizer_file
    from ragops.quality.evaluation.retrieval import settings_grid, settings_label

    try:
        from ragops.quality.evaluation.retrieval import Evaluator
    except ModuleNotFoundError as error:
        raise UserError(f"evaluation: package {error.name} is not installed; install ragops[evaluate]") from error
    count_tokens = tokenizer_counter(tokenizer_file(use_case.embedding))
    encoder, reranker = query_encoder(use_case, models_folder(place)), open_reranker(use_case, models_folder(place))
    evaluator = Evaluator(generation, encoder, count_tokens, questions, reranker)
    with Console(stderr=True).status("encoding the questions") as status:
        return evaluator.evaluate(
            settings_grid(use_case.retrieval), lambda next_: status.update(settings_label(next_, use_case.retrieval))
        )


def _printed(measured: Sequence[SettingsResult], use_case: UseCase, as_json: bool) -> bool:
    """Prints figures and criteria; returns whether all of these are met."""
    from ragops.quality.evaluation.reports.retrieval import criteria, print_settings, settings_as_json

    checks = list(criteria(measured, use_case))
    if as_json:
        result = [{"met": met, "criterion": line} for met, line in checks]
        typer.echo(json.dumps({"settings": settings_as_json(measured, use_case), "criteria": result}))
    else:
        print_settings(console, measured, use_case)
        for met, line in checks:
            state = "[green]met[/]" if met else "[red]not met[/]"
            console.print(f"{state} {escape(line)}", highlight=False, soft_wrap=True)
    return all(met for met, _ in checks)
