"""All topics, and their run over one system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragops.monitoring.checks.answers import ANSWERS
from ragops.monitoring.checks.cost import COST
from ragops.monitoring.checks.criteria import CRITERIA
from ragops.monitoring.checks.decide import decide
from ragops.monitoring.checks.documents import DOCUMENTS
from ragops.monitoring.checks.feedback import FEEDBACK
from ragops.monitoring.checks.freshness import FRESHNESS
from ragops.monitoring.checks.gpu_hours import GPUS
from ragops.monitoring.checks.index import COVERAGE, INDEX
from ragops.monitoring.checks.instructing import INSTRUCTING
from ragops.monitoring.checks.judgments import JUDGE_DRIFT, JUDGMENTS
from ragops.monitoring.checks.question_topics import QUESTION_TOPICS
from ragops.monitoring.checks.questions import QUESTIONS
from ragops.monitoring.checks.records import EVALUATION, LEDGER, TRACES
from ragops.monitoring.checks.retrieval import RETRIEVAL
from ragops.monitoring.checks.schedules import SCHEDULES
from ragops.monitoring.checks.sources import SOURCES
from ragops.monitoring.checks.speed import SPEED
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.finding import Found, Unreadable
from ragops.monitoring.system.system import System
from ragops.text import one_line

TOPICS: tuple[Topic, ...] = (
    SOURCES,
    CRITERIA,
    FRESHNESS,
    DOCUMENTS,
    INSTRUCTING,
    INDEX,
    COVERAGE,
    SCHEDULES,
    QUESTIONS,
    QUESTION_TOPICS,
    RETRIEVAL,
    ANSWERS,
    FEEDBACK,
    JUDGMENTS,
    JUDGE_DRIFT,
    COST,
    GPUS,
    SPEED,
    LEDGER,
    TRACES,
    EVALUATION,
)  # fmt: skip
"""One line for each topic."""


@dataclass(frozen=True)
class Checked:
    """The result of all topics.

    Attributes:
        found: what is wrong.
        examined: ids of the checks that were run; what others found before remains as it was.
    """

    found: tuple[Found, ...]
    examined: frozenset[str]


def run_checks(system: System, topics: Sequence[Topic] = TOPICS) -> Checked:
    """Runs every topic whose sources could be read; one that fails becomes a finding."""
    found: list[Found] = []
    examined: set[str] = {"check_failed"}
    for topic in topics:
        if any(isinstance(getattr(system, source), Unreadable) for source in topic.sources):
            continue
        try:
            found += list(topic.check(system))
            examined |= topic.findings.keys()
        except Exception as error:  # a defect in one check must not hide what the others find
            found.append(_failed(system, topic, error))
    return Checked(tuple(decide(found)), frozenset(examined))


def _failed(system: System, topic: Topic, error: Exception) -> Found:
    return Found(
        check="check_failed",
        subject=topic.name,
        severity="low",
        title=f"the checks of {topic.name} failed: a defect in ragops",
        since=system.now,
        details=one_line(f"{type(error).__name__}: {error}", 300),
        action="Report the defect with this line; what these checks found before stays open.",
        command="ragops monitor --json",
    )
