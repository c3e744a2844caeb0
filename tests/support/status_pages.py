"""Systems for the status page: a healthy one, one that has answered nothing, one that cannot be read; and findings."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ragops.monitoring.finding import Finding, Unreadable
from ragops.monitoring.report.content import Step
from ragops.monitoring.system.document_history import DocumentHistory
from ragops.monitoring.system.documents import DocumentsState, WaitingFile
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.runs import JobState, RunsState
from ragops.monitoring.system.system import System
from ragops.platform.job_runs import JobRun, ScheduledJob
from ragops.usecase import load_usecase

USE_CASE = load_usecase(Path(__file__).parents[2] / "usecase.yml")
NOW = datetime(2026, 11, 30, 12, 15, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EMPTY = {
    "answers": ("asked_at", "who", "question", "abstained", "model", "seconds"),
    "calls": ("called_at", "model", "cost", "prompt_tokens", "completion_tokens"),
    "feedback": ("given_at", "verdict", "who"),
    "judgments": ("judged_at",),
    "metrics": ("name", "value", "low", "high", "n", "measured_at", "source", "chain", "generation", "question_set"),
    "traces": ("trace_id",),
}


def empty_frames() -> dict[str, pd.DataFrame]:
    return {
        name: pd.DataFrame(
            {c: pd.Series(dtype="datetime64[ns, UTC]" if c.endswith("_at") else object) for c in columns}
        )
        for name, columns in EMPTY.items()
    }


def empty_system(**fields: Any) -> System:
    """A system right after its deployment: nothing was refreshed, asked or measured."""
    documents = DocumentsState(
        documents=0, refused=(), waiting=(), vanished=(), ahead=(), newest=None, characters=0, folders={}, landing="/l"
    )
    known: dict[str, Any] = {"now": NOW, "use_case": USE_CASE, "documents": documents, "index": IndexState("f" * 16)}
    known |= {"history": DocumentHistory(NOW - 15 * DAY), "runs": RunsState(())}
    return System(**(known | empty_frames() | fields))


def job(name: str, cron: str, ago: timedelta, state: Any = "success") -> JobState:
    run = JobRun(started=NOW - ago, ended=NOW - ago, state=state)
    return JobState(ScheduledJob(name, cron, "UTC", False, NOW - 30 * DAY, (run,)))


def healthy_system(seed: int = 0, **fields: Any) -> System:
    """A system that is used, with a day and two weeks of answers, verdicts, calls and measures."""
    dice = np.random.default_rng(seed)
    asked = [NOW - timedelta(days=float(d)) for d in dice.uniform(0, 14.9, 900)]
    answers = pd.DataFrame(
        {
            "asked_at": pd.to_datetime(asked, utc=True),
            "who": [f"user{n}@example.com" for n in dice.integers(0, 40, 900)],
            "question": "How do I copy a list?",
            "abstained": [("no evidence" if x < 0.09 else None) for x in dice.random(900)],
            "model": "large",
            "seconds": dice.lognormal(0.6, 0.5, 900),
        }
    )
    calls = pd.DataFrame(
        {
            "called_at": answers["asked_at"],
            "model": [("large" if x < 0.8 else "small") for x in dice.random(900)],
            "cost": dice.gamma(2, 0.002, 900),
            "prompt_tokens": dice.integers(500, 2000, 900),
            "completion_tokens": dice.integers(20, 200, 900),
        }
    )
    rated = answers.sample(120, random_state=seed)
    feedback = pd.DataFrame(
        {
            "given_at": rated["asked_at"] + HOUR / 20,
            "verdict": [("down" if x < 0.2 else "up") for x in dice.random(120)],
            "who": rated["who"],
        }
    )
    documents = DocumentsState(
        documents=1284, refused=(), waiting=(WaitingFile("faq/new.md", NOW - timedelta(minutes=12)),), vanished=(),
        ahead=(), newest=NOW - 3 * HOUR, characters=5_000_000, folders={"": 1284}, landing="/l",
    )  # fmt: skip
    index = IndexState(
        "f" * 16, generation="000042-aaaa", rows=9000, published_at=NOW - 2.4 * HOUR, built_at=NOW - 2.5 * HOUR,
        fingerprint="f" * 16, newest="000042-aaaa",
    )  # fmt: skip
    runs = RunsState(
        (
            job("refresh", "0 0/30 * * * ?", 0.3 * HOUR), job("collect_calls", "0 10 * * * ?", 0.1 * HOUR),
            job("evaluate", "0 20 3 * * ?", 8.9 * HOUR), job("monitor", "0 15 * * * ?", timedelta()),
        )
    )  # fmt: skip
    known: dict[str, Any] = {"documents": documents, "index": index, "runs": runs, "answers": answers, "calls": calls}
    known |= {"feedback": feedback, "metrics": measures(dice)}
    return replace(empty_system(), **(known | fields))


def measures(dice: np.random.Generator, worse: str = "") -> pd.DataFrame:
    """Two weeks of values of every criterion, all met but one."""
    rows = []
    for criterion in USE_CASE.criteria:
        limit, better = criterion.limit, criterion.catalogued.better == "at_least"
        for night in range(14):
            factor = (1.15 if better else 0.6) * (1 + 0.04 * dice.standard_normal())
            if criterion.measure == worse and night > 10:
                factor = 1 / factor
            value = limit * factor
            if criterion.catalogued.unit == "share":
                value = min(0.999, value)
            rows.append(
                (criterion.measure, value, value * 0.93, min(value * 1.07, 1e9), 60, NOW - (13.4 - night) * DAY)
            )
    frame = pd.DataFrame(rows, columns=["name", "value", "low", "high", "n", "measured_at"])
    return frame.assign(
        measured_at=pd.to_datetime(frame["measured_at"], utc=True), source="evaluate", chain="main.rag.chain/3",
        generation="000042-aaaa", question_set="3f",
    )  # fmt: skip


def a_finding(**fields: Any) -> Finding:
    known: dict[str, Any] = {
        "finding_id": "1", "check": "questions_without_evidence", "subject": "", "severity": "high",
        "title": "31 % of the questions find no evidence, 9 % before", "since": NOW - 20 * HOUR, "value": 0.31,
        "expected": 0.09, "unit": "share", "p_value": 2e-7, "details": "62 of 200 questions, 81 of 900 before",
        "cause": "corpus handbook: 412 documents were deleted on 2026-11-29 16:30",
        "action": "Ask some of them again; if the documents answer them, search is broken.",
        "command": "ragops evaluate retrieval", "opened_at": NOW - 19 * HOUR, "seen_at": NOW,
    }  # fmt: skip
    return Finding(**(known | fields))


def findings() -> list[Finding]:
    """Findings of both severities."""
    return [
        a_finding(
            finding_id="2", check="quarantine_growing", severity="low", title="12 more documents cannot be read",
            since=NOW - 50 * HOUR, value=12, expected=0, unit="number", p_value=None, cause=None, occurrence=2,
            details="hr/contract-1.pdf\nhr/contract-2.pdf\nand 10 more", command="ragops index verify",
            action="Ask the owner of the folder for files without a password.",
        ),
        a_finding(),
        a_finding(
            finding_id="3", check="schedule_missed", subject="refresh", title="job refresh has not run for 5 hours",
            since=NOW - 5 * HOUR, value=10, expected=0, unit="number", p_value=None, details="10 runs were due",
            cause="deployment 4f2a: changed from 1.3.0 to 1.4.0", action="Start it, and read why it was stopped.",
            command="localbundle runs",
        ),
    ]  # fmt: skip


def steps() -> list[Step]:
    return [
        Step("Refresh the index", "one file waits, and the schedule does not run", "localbundle run refresh"),
        Step(
            "Add cases: copying lists", "14 questions without evidence are alike", "ragops questions candidates list",
            ("How do I copy a nested list?", "What is <b>deep</b> copy?"),
        ),
    ]  # fmt: skip


def unreadable_system() -> System:
    """A system in which no source can be read."""
    names = ("documents", "index", "runs", "answers", "calls", "feedback", "judgments", "metrics", "traces")
    return empty_system(**{name: Unreadable(name, "the workspace does not answer; try again") for name in names})
