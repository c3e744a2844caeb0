"""The command line: ragops judges run | list | agreement | align."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ragops.cli import options, review
from ragops.cli.options import Json, Schema, Target, UseCaseFile
from ragops.errors import UserError
from ragops.platform import console
from ragops.platform.deployment import deployed_model
from ragops.platform.workspace import LEDGER, Workspace

if TYPE_CHECKING:
    from ragops.answers.chain.chain import Chain
    from ragops.quality.judges.answer import AnswerToJudge
    from ragops.quality.judges.asking import Judges, ObservedSink
    from ragops.quality.judges.bill import Bill
    from ragops.quality.judges.rows import Judgment
    from ragops.usecase import UseCase

judges_app = typer.Typer(help="Language models that judge answers, and what they cost.", no_args_is_help=True)

_WHO = "ragops judges run"


@judges_app.command()
def run(
    model: Annotated[str, typer.Option("--model", help="Judging model (default: evaluation.judge).")] = "",
    questions: Annotated[
        int, typer.Option(min=1, help="Ask and judge N evaluation questions, the same ones each time.", metavar="N")
    ] = 20,
    live: Annotated[bool, typer.Option("--live", help="Judge a sample of the answers to people instead.")] = False,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="With --live: only of this day (UTC) or later."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Forecast calls, tokens and cost; call nothing.")] = False,
    as_json: Json = False,
    target: Target = "dev",
    schema: Schema = None,
    usecase: UseCaseFile = None,
) -> None:
    """Judge answers, and show what that costs.

    What was judged before is not judged again.
    A budget in usecase.yml (evaluation.budget) ends the run early.
    Exit code 1 if more judgments have no verdict than usecase.yml
    allows (evaluation.max_error_share).
    """
    options.need_spark(target)
    from ragops.quality.judges.open import judging_model

    workspace, own = options.workspace(target, schema), options.use_case(usecase)
    use_case = own.model_copy(update={"models": own.models.with_primary(deployed_model(target))})
    judging_model(use_case, model)  # before anything is asked
    job = _Job(workspace, use_case, model, as_json)
    items = job.sampled(since) if live else job.asked(questions, dry_run)
    if dry_run:
        job.forecast(items)
    else:
        job.judge(items)


@judges_app.command("list")
def list_(as_json: Json = False, target: Target = "dev", schema: Schema = None) -> None:
    """List the judges that have judged, by version, with their cost."""
    options.need_spark(target)
    from ragops.quality.judges.console import print_summaries
    from ragops.quality.judges.summary import summaries

    found = summaries(options.workspace(target, schema))
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found]))
    else:
        print_summaries(console.terminal(), found)


judges_app.command("agreement")(review.agreement)
judges_app.command("align")(review.align)


@dataclass
class _Job:
    """What one command works with. `question_set`: version of the questions asked; None for answers to people."""

    workspace: Workspace
    use_case: UseCase
    model: str
    as_json: bool
    question_set: str | None = None

    def asked(self, count: int, dry_run: bool) -> list[AnswerToJudge]:
        """Answers to evaluation questions; for a forecast with quotes in place of what a model would write."""
        from ragops.quality.datasets.leakage import evaluation_questions
        from ragops.quality.datasets.question_set import version_of
        from ragops.quality.evaluation.answers import sampled
        from ragops.quality.judges.evaluation_answers import ask_questions

        known = evaluation_questions(self.use_case)
        if not known:
            raise UserError("evaluation.questions: the use case names none; give a JSONL file, or judge with --live")
        sample = sampled(known, count)
        self.question_set = version_of(sample)
        chain, sink = self._chain(dry_run)
        with options.progress_bar() as progress:
            bar = progress.add_task("asking", total=len(sample))
            items, failed = ask_questions(chain, sink, sample, _WHO, lambda done: progress.update(bar, completed=done))
        if failed:
            self._note(
                f"{len(failed)} of {len(sample)} questions have no answer; the first: {console.plain_text(failed[0])}"
            )
        if dry_run:
            self._note("without a call: passages as found, answers as long as quotes from them")
        return items

    def sampled(self, since: datetime | None) -> list[AnswerToJudge]:
        """A sample of the answers to people."""
        from ragops.quality.judges.live import live_answers

        share = self.use_case.evaluation.judge_sample
        found = live_answers(self.workspace, share, since.replace(tzinfo=UTC) if since else None)
        self._note(f"{len(found.items):,} of {found.total:,} answers (evaluation.judge_sample: {share:g})")
        if found.incomplete:
            self._note(f"{found.incomplete:,} more cannot be judged: the corpus has lost some of their passages")
        return list(found.items)

    def forecast(self, items: Sequence[AnswerToJudge]) -> None:
        """Prints what judging these answers would need."""
        from ragops.quality.judges.console import print_forecast
        from ragops.quality.judges.forecast import forecast
        from ragops.quality.judges.stage import known_judgments, past_judgments

        judges = self._judges()
        past = past_judgments(self.workspace, judges.judges[0].model.name)
        found = forecast(items, judges, known_judgments(self.workspace, judges.judges), past)
        if self.as_json:
            typer.echo(json.dumps(found.as_json()))
        else:
            print_forecast(console.terminal(), found)

    def judge(self, items: Sequence[AnswerToJudge]) -> None:
        """Judges the answers, saves and prints what was found; exit code 1 if too many have no verdict."""
        from ragops.quality.judges.console import print_judging
        from ragops.quality.judges.report import judging_report
        from ragops.quality.judges.stage import merge_judgments

        try:
            bill = self._judged(items)
        finally:
            merge_judgments(self.workspace)
        report = judging_report(bill, items, self.use_case.evaluation)
        if self.as_json:
            typer.echo(json.dumps(report.as_json()))
        else:
            print_judging(console.terminal(), report)
        if report.failure:
            self._note(report.failure, "[red]error:[/] ")
            raise typer.Exit(1)
        if self.model in ("", self.use_case.evaluation.judge):  # another judge's figures are not those of the use case
            self._record(bill)

    def _record(self, bill: Bill) -> None:
        """Keeps the figures for `ragops usecase`."""
        from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
        from ragops.quality.criteria.rows import Origin
        from ragops.quality.criteria.store import record
        from ragops.quality.evaluation.figures import judged_metrics
        from ragops.serving.model.registered import WORKING_COPY

        origin = Origin("judges run")
        if self.question_set is not None:
            live = PublishedIndex(index_root(self.workspace)).pointer().generation
            origin = Origin("judges run", WORKING_COPY, live, self.question_set)
        record(self.workspace, judged_metrics(origin, bill.judgments, live=self.question_set is None))

    def _judged(self, items: Sequence[AnswerToJudge]) -> Bill:
        from ragops.quality.judges.files import JudgmentFiles
        from ragops.quality.judges.plan import plan
        from ragops.quality.judges.run import judge_all
        from ragops.quality.judges.stage import known_judgments

        judges, settings = self._judges(), self.use_case.evaluation
        files = JudgmentFiles(self.workspace.volume(LEDGER))
        known = known_judgments(self.workspace, judges.judges)
        tasks = plan(items, judges.judges).tasks
        with options.progress_bar() as progress:
            bar = progress.add_task("judging", total=sum(task.judgment_id not in known for task in tasks))

            def save(judgment: Judgment) -> None:
                files.save(judgment)
                progress.advance(bar)

            return judge_all(
                items, judges, known=known, budget=settings.budget, workers=settings.workers, on_judgment=save
            )

    def _judges(self) -> Judges:
        from ragops.quality.judges.open import open_judges

        return open_judges(self.use_case, self.workspace, self.model)

    def _chain(self, dry_run: bool) -> tuple[Chain, ObservedSink]:
        """The chain without traces, and its sink; for a forecast with quotes as its only model, which call nothing."""
        import mlflow

        from ragops.answers.llms.ledger.sinks import MemorySink
        from ragops.answers.llms.open import open_ledger
        from ragops.answers.llms.settings import Answering
        from ragops.assembly import Locations, open_chain
        from ragops.quality.judges.asking import ObservedSink

        mlflow.tracing.disable()
        use_case, models = self.use_case, self.use_case.models
        sink = ObservedSink(MemorySink() if dry_run else open_ledger(self.workspace))
        if dry_run:
            quotes = models.quotes
            others = tuple(one for one in models.known if one.name != quotes.name)
            only = models.model_copy(update={"answer": Answering(primary=quotes.name), "known": (*others, quotes)})
            use_case = use_case.model_copy(update={"models": only})
        return open_chain(use_case, Locations.of(self.workspace), sink=sink), sink

    def _note(self, line: str, before: str = "") -> None:
        """Prints a line, which may repeat what a model wrote, to standard error."""
        console.messages().print(f"{before}{escape(console.plain_text(line))}", highlight=False, soft_wrap=True)
