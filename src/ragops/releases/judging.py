"""Has the answers to evaluation questions judged, and says how far people trust the judges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from ragops.answers.llms.open import why_unavailable
from ragops.errors import UserError
from ragops.platform.workspace import LEDGER, Workspace
from ragops.quality.evaluation.answers import Row
from ragops.quality.evaluation.live import WINDOW
from ragops.quality.evaluation.reports.pages import Trust
from ragops.quality.feedback.rows import ANSWERS
from ragops.quality.judges.answer import AnswerToJudge, shown
from ragops.quality.judges.asking import Judges
from ragops.quality.judges.bill import Bill
from ragops.quality.judges.files import JudgmentFiles
from ragops.quality.judges.forecast import forecast
from ragops.quality.judges.live import live_answers
from ragops.quality.judges.open import open_judges
from ragops.quality.judges.rows import Judgment
from ragops.quality.judges.run import judge_all
from ragops.quality.judges.stage import known_judgments, past_judgments
from ragops.quality.questions import Question
from ragops.quality.review.agreement import Person, compared, drawn_strata, opinions
from ragops.quality.review.items import counted, judged_by_version
from ragops.quality.review.rows import Stratum
from ragops.quality.review.stage import read_labels
from ragops.quality.statistics.agreement import Agreement
from ragops.usecase import UseCase
from ragops.usecase.evaluation import JudgeName

Judge = Callable[[Sequence[Row], str], Bill]
"""Has answers judged for a run of MLflow."""


@dataclass(frozen=True, slots=True)
class _Labelled:
    """What people and judges said of labelled answers.

    Attributes:
        people: by judge and answer.
        strata: why answers were drawn.
        judged: of each judge and version, the scored judgments by answer.
        min_kappa: from which a judge decides.
    """

    people: Mapping[JudgeName, Mapping[str, Person]]
    strata: Mapping[str, Stratum]
    judged: Mapping[JudgeName, Sequence[Mapping[str, Judgment]]]
    min_kappa: float


@dataclass(frozen=True)
class Judging:
    """The judges of a use case, for the answers to some questions.

    Attributes:
        workspace: where judgments are saved.
        use_case: names the judges.
        questions: what was asked.
        judges: opened; None if none runs.
        without: why none runs; "" if they do.
    """

    workspace: Workspace
    use_case: UseCase
    questions: Sequence[Question]
    judges: Judges | None
    without: str = ""

    @property
    def name(self) -> str:
        """The judging model, or "none"."""
        return self.judges.judges[0].model.name if self.judges and self.judges.judges else "none"

    def forecast(self, rows: Sequence[Row]) -> str:
        """What judging these answers will need, without a call, in one line."""
        if self.judges is None:
            return f"judges do not run: {self.without}"
        past = past_judgments(self.workspace, self.name)
        found = forecast(list(self._items(rows)), self.judges, self._known, past)
        cost = "cost not known yet" if found.cost is None else f"cost {found.cost:.4g}"
        reused = f", {found.cached:,} judgments known already" if found.cached else ""
        tokens = f"{found.input_tokens:,} tokens to read, {found.output_tokens:,} to write"
        return f"{self.name}: {found.calls:,} calls for {found.answers:,} answers{reused}; {tokens}; {cost}"

    def __call__(self, rows: Sequence[Row], run_id: str) -> Bill:
        """Judges the answers within the use case's budget; each judgment is saved before the next call.

        Raises:
            UserError: nothing can be judged at all.
        """
        if self.judges is None:
            return Bill((), {}, stopped=self.without)
        return self._judge(self.judges, list(self._items(rows)), run_id, self.use_case.evaluation.budget)

    def live(self, run_id: str, before: Bill) -> Bill:
        """Judges a sample of the last week's answers to people, with what the judgments before left of the budget.

        Raises:
            UserError: a table cannot be read.
        """
        settings, nothing = self.use_case.evaluation, Bill((), {})
        left = None if settings.budget is None else settings.budget - before.cost
        if self.judges is None or not settings.judge_sample or before.stopped or (left is not None and left <= 0):
            return nothing
        if not self.workspace.spark.catalog.tableExists(self.workspace.table(ANSWERS.name)):
            return nothing
        found = live_answers(self.workspace, settings.judge_sample, datetime.now(UTC) - WINDOW)
        return self._judge(self.judges, found.items, run_id, left)

    def agreements(self, judgments: Collection[Judgment]) -> dict[str, Agreement]:
        """How far people agree with the judges that made these judgments, by name."""
        return {name: one.agreement for name, one in self.trusted(judgments).items() if one.agreement}

    def trusted(self, judgments: Collection[Judgment]) -> dict[str, Trust]:
        """What the labels of people say of those judges that made these judgments, by name.

        Agreement is that of all labelled answers; the rate that it corrects is the one of these judgments.
        """
        scored = [one for one in judgments if one.score is not None]
        made = {(one.judge, one.judge_version) for one in scored}
        return {
            name: _trust(
                self._labelled, name, [one for one in scored if (one.judge, one.judge_version) == (name, version)]
            )
            for name, version in sorted(made)
        }

    def check(self, bill: Bill) -> None:
        """Raises UserError if a judge that is set did not run, or gave no verdict too often."""
        most = self.use_case.evaluation.max_error_share
        if self.judges is None and self.use_case.evaluation.judge:
            raise UserError(f"judges: {self.without}; everything else was measured and recorded")
        if bill.error_share > most:
            counts = ", ".join(f"{count} {state}" for state, count in bill.counts().items())
            raise UserError(
                f"judges: {bill.error_share:.0%} of the judgments have no verdict ({counts}), at most {most:.0%} are "
                f"allowed (evaluation.max_error_share); see their reasons in the table judgments, then run this again"
            )

    def _judge(self, judges: Judges, items: Sequence[AnswerToJudge], run_id: str, budget: float | None) -> Bill:
        return judge_all(
            items,
            judges,
            known=self._known,
            budget=budget,
            workers=self.use_case.evaluation.workers,
            run_id=run_id,
            on_judgment=JudgmentFiles(self.workspace.volume(LEDGER)).save,
        )

    @cached_property
    def _labelled(self) -> _Labelled:
        people = opinions(counted(read_labels(self.workspace), self.use_case.evaluation.reviewers))
        least = self.use_case.evaluation.min_kappa
        return _Labelled(people, drawn_strata(self.workspace), judged_by_version(self.workspace), least)

    @cached_property
    def _known(self) -> dict[str, Judgment]:
        return known_judgments(self.workspace, self.judges.judges) if self.judges else {}

    def _items(self, rows: Sequence[Row]) -> Iterator[AnswerToJudge]:
        references = {one.question_id: one.reference for one in self.questions}
        for row in rows:
            if row.error is None:
                yield AnswerToJudge(
                    answer_id=row.answer_id,
                    question_id=row.question_id,
                    question=row.question,
                    answer=row.answer,
                    passages=tuple(shown(one.title, one.path, one.text) for one in row.passages),
                    reference=references.get(row.question_id),
                    cluster=row.cluster,
                    abstained=row.declined,
                    model=row.model,
                    trace_id=row.trace_id,
                )


def open_judging(
    workspace: Workspace, use_case: UseCase, questions: Sequence[Question], answering: Collection[str] = ()
) -> Judging:
    """The use case's judges, if one is set and can be reached.

    Args:
        workspace: where judgments are saved.
        use_case: names the judges.
        questions: what was asked.
        answering: the models whose answers are judged, in addition to the use case's primary one.

    Raises:
        UserError: the judge is a model that answers, or may not see the texts; or a prompt is wrong.
    """
    model = use_case.judge_model()
    if model is None:
        reason = "no model is set (evaluation.judge in usecase.yml, parameter judge)"
        return Judging(workspace, use_case, questions, None, reason)
    if reason := why_unavailable(model, workspace):
        return Judging(workspace, use_case, questions, None, f"model {model.name} is not available here ({reason})")
    known = [name for name in answering if name in {one.name for one in use_case.models.known}]
    return Judging(workspace, use_case, questions, open_judges(use_case, workspace, answering=known))


def _trust(labelled: _Labelled, name: JudgeName, made: Sequence[Judgment]) -> Trust:
    """Of one judge in one version, which made these judgments."""
    people = labelled.people.get(name, {})
    versions = labelled.judged.get(name, [])
    earlier = {key: one for answers in versions for key, one in answers.items() if key in people}
    known = {key: one for key, one in earlier.items() if one.judge_version == made[0].judge_version}
    found = compared(name, known | {one.answer_id: one for one in made}, people, labelled.strata, labelled.min_kappa)
    return Trust(found.with_people, found.prediction_powered if found.with_people.n else None)
