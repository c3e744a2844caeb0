"""What to do next, proposed from findings and from the questions that went wrong: the table `next_steps`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ragops.corpus.embeddings.interface import normalized
from ragops.exploration.questions.kinds import clusters, distinguishing_words
from ragops.monitoring.finding import ChangeKind, Finding, Unreadable
from ragops.monitoring.system.rows import moment, with_all_columns
from ragops.monitoring.system.system import System
from ragops.platform.merge import merge
from ragops.platform.tables import Int32, Table
from ragops.platform.workspace import Workspace
from ragops.text import digest

Kind = Literal["refresh", "evaluate", "evaluation_cases", "prompt", "documents", "model"]

_BY_FINDING: Mapping[Kind, tuple[str, ...]] = {
    "refresh": (
        "freshness_exceeded", "index_missing", "index_rows_missing", "index_rows_stale", "index_rows_differ",
        "index_old", "index_encoder_differs", "vectors_not_of_encoder",
    ),
    "evaluate": ("evaluation_old", "question_set_outdated", "index_recall_lower", "judge_swapped", "judge_drift"),
    "prompt": ("answers_uncited", "answers_citations", "answers_support", "answers_declined", "answers_judged"),
    "model": ("answers_fallback", "answers_failed", "model_slow", "budget_exceeded", "price_changed"),
}  # fmt: skip
"""The findings from which a step follows."""
_TITLES: Mapping[Kind, str] = {
    "refresh": "Refresh the index",
    "evaluate": "Evaluate the chain as it is now",
    "prompt": "Work on the prompt",
    "model": "Change the model",
}
_COMMANDS: Mapping[Kind, str] = {
    "refresh": "localbundle run refresh",
    "evaluate": "localbundle run evaluate",
    "prompt": "ragops prompts optimize",
    "model": "ragops evaluate answers",
    "evaluation_cases": "ragops questions candidates list",
    "documents": "ragops documents",
}
_EVALUATED_AGAIN: tuple[ChangeKind, ...] = ("generation", "model", "prompt", "champion", "encoder")
_ENOUGH_TO_CLUSTER = 16
_FEWEST_QUESTIONS, _FEWEST_PEOPLE = 3, 2
_MOST_CLUSTERS, _KEPT_QUESTIONS = 6, 30
_MISSING_DOCUMENT = 0.6
"""Share of a group's questions without evidence from which a document is missing rather than badly found or used."""
_SAME_GROUP = 0.5


class NextStep(BaseModel):
    """A row of the table `next_steps`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step_id: str = Field(description="Hash of kind and subject, and of the time at which it was first proposed.")
    kind: Kind = Field(
        description="refresh, evaluate, evaluation_cases (new cases for the evaluation set), prompt, documents (one is "
        "missing) or model."
    )
    subject: str = Field(description="Of cases and documents the name of the questions' group; else empty.")
    title: str = Field(description="What to do.")
    reason: str = Field(description="Why.")
    command: str = Field(description="The command that does it, or shows more.")
    questions: list[str] = Field(description="Questions of the group, in the users' words, the newest first.")
    people: Int32 = Field(description="How many people asked them; 0 where no questions are concerned.")
    proposed_at: datetime = Field(description="When a run first proposed it.")
    seen_at: datetime = Field(description="When a run last proposed it.")
    done_at: datetime | None = Field(default=None, description="When a run no longer proposed it; null until then.")


NEXT_STEPS = Table.of(
    NextStep,
    name="next_steps",
    comment="What the job monitor proposes to do next. Steps that are still proposed have no done_at.",
    key="step_id",
    cluster_by="proposed_at",
)
_TIMES = ("proposed_at", "seen_at", "done_at")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A step as one run proposes it; fields as of `NextStep`."""

    kind: Kind
    subject: str
    title: str
    reason: str
    questions: tuple[str, ...] = ()
    people: int = 0


def propose(system: System, findings: Iterable[Finding]) -> list[Proposal]:
    """What to do next: steps that follow from open findings, and from groups of questions that went wrong."""
    steps = [*_from_findings(list(findings))]
    if all(one.kind != "evaluate" for one in steps):
        steps += _changed_since_evaluation(system)
    return [*steps, *_from_questions(system)]


def update_steps(known: Iterable[NextStep], proposals: Sequence[Proposal], now: datetime) -> list[NextStep]:
    """The rows to write: a step keeps its identity while it is proposed; one that is not proposed any more is done.

    A group of questions is the same one if half of the questions that it had are still in it, whatever its name.
    """
    still_open = [one for one in known if one.done_at is None]
    rows: list[NextStep] = []
    for one in proposals:
        before = next((step for step in still_open if _is_same(step, one)), None)
        if before is not None:
            still_open.remove(before)
        rows.append(_row(one, before, now))
    return [*rows, *(one.model_copy(update={"done_at": now}) for one in still_open)]


def read_steps(workspace: Workspace) -> list[NextStep]:
    """The steps that are still proposed; [] before the first run. Raises NotPermitted."""
    from pyspark.sql import functions as F

    if not workspace.spark.catalog.tableExists(workspace.table(NEXT_STEPS.name)):
        return []
    columns = [F.unix_micros(name).alias(name) if name in _TIMES else F.col(name) for name in NEXT_STEPS.names]
    known = with_all_columns(NEXT_STEPS.read(workspace), NEXT_STEPS)
    rows = [row.asDict() for row in known.where("done_at IS NULL").select(*columns).collect()]
    return [
        NextStep.model_validate({name: _value(name, value) for name, value in row.items() if value is not None})
        for row in rows
    ]


def write_steps(workspace: Workspace, steps: Sequence[NextStep]) -> None:
    """Writes the rows of `update_steps`. Raises UserError if the table cannot be written."""
    NEXT_STEPS.create(workspace)
    if steps:
        rows = [tuple(getattr(one, name) for name in NEXT_STEPS.names) for one in steps]
        merge(workspace, NEXT_STEPS, workspace.spark.createDataFrame(rows, NEXT_STEPS.schema))


def _value(name: str, value: object) -> object:
    return moment(value) if name in _TIMES and isinstance(value, int) else value


def _from_findings(findings: Sequence[Finding]) -> Iterator[Proposal]:
    for kind, checks in _BY_FINDING.items():
        mine = [one for one in findings if one.check in checks]
        if mine:
            yield Proposal(kind, "", _TITLES[kind], "; ".join(one.title for one in mine[:3]))


def _changed_since_evaluation(system: System) -> Iterator[Proposal]:
    if isinstance(system.metrics, Unreadable) or system.metrics.empty:
        return
    last = system.metrics.loc[system.metrics["question_set"].notna(), "measured_at"].max()
    newer = [one for one in system.changes if one.kind in _EVALUATED_AGAIN and pd.Timestamp(one.at) > last]
    if newer:
        reason = f"Since the last evaluation ({last:%Y-%m-%d %H:%M}): " + "; ".join(str(one) for one in newer[:3])
        yield Proposal("evaluate", "", _TITLES["evaluate"], reason)


def _from_questions(system: System) -> Iterator[Proposal]:
    """Groups of questions without evidence or with thumbs down: cases for the evaluation set, missing documents."""
    if isinstance(system.answers, Unreadable) or system.answers.empty:
        return
    answers = system.answers
    down = set() if isinstance(system.feedback, Unreadable) else _thumbs_down(system.feedback)
    without = answers["abstained"] == "no evidence"
    for name, group in _groups(answers, without | answers["answer_id"].isin(down)):
        questions = group.sort_values("asked_at", ascending=False)["question"].drop_duplicates()
        people = int(group["who"].nunique())
        if len(questions) < _FEWEST_QUESTIONS or people < _FEWEST_PEOPLE:
            continue
        missing, disliked = int(without[group.index].sum()), int(group["answer_id"].isin(down).sum())
        reason = (
            f"{len(questions):,} questions of {people:,} people: {missing:,} answers without evidence, "
            f"{disliked:,} with thumbs down"
        )
        kept = tuple(questions[:_KEPT_QUESTIONS])
        title = f"Add cases about {name} to the evaluation set"
        yield Proposal("evaluation_cases", name, title, reason, kept, people)
        if missing >= _MISSING_DOCUMENT * len(group):
            yield Proposal("documents", name, f"Look for a missing document about {name}", reason, kept, people)


def _thumbs_down(feedback: pd.DataFrame) -> set[str]:
    return set(feedback.loc[feedback["verdict"] == "down", "answer_id"])


def _groups(answers: pd.DataFrame, wrong: pd.Series) -> Iterator[tuple[str, pd.DataFrame]]:
    """The groups of wrong answers' questions, by their vectors, with names that distinguish them from all questions."""
    mine = answers[wrong]
    if mine.empty:
        return
    with_vector = mine[mine["vector"].notna()]
    members = [np.arange(len(mine))]
    if len(with_vector) >= _ENOUGH_TO_CLUSTER:
        mine = with_vector
        vectors = normalized(np.stack(mine["vector"].to_list()).astype(np.float32))
        members = [one for _, one in clusters(mine["question"].to_list(), vectors, _MOST_CLUSTERS)]
    positions = answers.index.get_indexer(mine.index)
    names = distinguishing_words(answers["question"].to_list(), [positions[one] for one in members])
    for name, rows in zip(names, members, strict=True):
        yield name, mine.iloc[rows]


def _is_same(step: NextStep, one: Proposal) -> bool:
    if step.kind != one.kind or not step.questions:
        return (step.kind, step.subject) == (one.kind, one.subject)
    return len({*step.questions} & {*one.questions}) >= _SAME_GROUP * len(step.questions)


def _row(one: Proposal, before: NextStep | None, now: datetime) -> NextStep:
    proposed = before.proposed_at if before else now
    return NextStep(
        step_id=before.step_id if before else digest([one.kind, one.subject, now.isoformat()])[:32],
        kind=one.kind,
        subject=one.subject,
        title=one.title,
        reason=one.reason,
        command=_COMMANDS[one.kind],
        questions=list(one.questions),
        people=one.people,
        proposed_at=proposed,
        seen_at=now,
    )
