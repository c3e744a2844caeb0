"""Runs the monitor once over each broken system, and says whether it found the fault and named its cause."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ragops.corpus.embeddings.interface import CPU, Vectors
from ragops.corpus.embeddings.recipes import encoder_source
from ragops.corpus.index.generations.published_files import PublishedIndex, index_root
from ragops.errors import UserError
from ragops.monitoring import stage
from ragops.monitoring.causes import likely_cause
from ragops.monitoring.checks.all import run_checks
from ragops.monitoring.finding import Finding
from ragops.monitoring.open_findings import update
from ragops.monitoring.system.changes import document_changes, index_changes, sorted_changes
from ragops.monitoring.system.document_history import read_history
from ragops.monitoring.system.documents import read_documents
from ragops.monitoring.system.index import read_index
from ragops.monitoring.system.instructing import read_instructing
from ragops.monitoring.system.read import Place as Monitored
from ragops.monitoring.system.read import Seen, read_system
from ragops.monitoring.system.records import read_waiting
from ragops.monitoring.system.rows import attempt
from ragops.monitoring.system.runs import read_runs
from ragops.monitoring.system.settings import changes_of, current_settings
from ragops.monitoring.system.system import System
from ragops.platform.workspace import models_folder
from ragops.quality.datasets.question_set import open_set
from tests.sabotage import corpus_faults, use_faults
from tests.sabotage.faults import FAULTS, Fault, Part
from tests.sabotage.healthy import fill
from tests.sabotage.in_memory import in_other_words, seen
from tests.sabotage.place import DOCUMENTS, Place, at_home, copied, copied_files
from tests.sabotage.world import QUIET, World

SMALL = (
    "landing_not_mounted",
    "stale_pointer",
    "rows_deleted_from_index",
    "german_questions",
    "price_tripled",
    "traces_missing",
)
"""The faults of `make test`; tests/integration/monitoring empties a folder and refreshes, which takes longer here."""
MODULES = (corpus_faults, use_faults)
"""What registers the faults."""


@dataclass(frozen=True)
class Result:
    """What the monitor said of one broken system.

    Attributes:
        fault: what was broken.
        findings: all that is open after the run.
        seconds: of the run.
        error: why there is no result; "" if there is one.
    """

    fault: Fault
    findings: tuple[Finding, ...]
    seconds: float
    error: str = ""

    @property
    def expected(self) -> Sequence[Finding]:
        """The findings that say what is wrong."""
        return [one for one in self.findings if one.check in self.fault.findings]

    @property
    def explained(self) -> Sequence[Finding]:
        """Those of them that name the right cause."""
        return [
            one for one in self.expected if re.search(self.fault.cause, named_cause(one), re.IGNORECASE | re.DOTALL)
        ]

    @property
    def is_found(self) -> bool:
        """Whether a finding says what is wrong, and why."""
        return bool(self.explained)

    @property
    def others(self) -> Sequence[Finding]:
        """Further findings: consequences of the fault, or false ones."""
        return [one for one in self.findings if one.check not in self.fault.findings]


def named_cause(one: Finding) -> str:
    """The cause that a finding names, and the kind of change."""
    return f"{one.cause or ''} {one.cause_kind or ''}".strip()


def look(place: Place) -> tuple[tuple[Finding, ...], float]:
    """The open findings after one run of the monitor over a place, and its seconds."""
    if place.made is not None:
        fill(place, place.made)
    done = stage.monitor(monitored(place), place.now)
    return done.findings, done.seconds


def monitored(place: Place) -> Monitored:
    """The place as the monitor is given it."""
    use_case = place.use_case
    try:
        encoder = encoder_source(use_case.embedding, "openvino", converted=models_folder(place.workspace), threads=2)
    except UserError:
        encoder = None
    return Monitored(place.workspace, use_case, place.landing, place.home, encoder=encoder)


@dataclass(frozen=True)
class Clean:
    """Healthy systems with other users; it can be pickled.

    Attributes:
        system: what the monitor read of one.
        world: its users.
        vectors: of the questions as they were recorded.
    """

    system: System
    world: World
    vectors: Mapping[str, Vectors]

    def findings(self, seed: int) -> tuple[Finding, ...]:
        """What is found of the system with other people, on another day and hour of the week: all of it is false."""
        now = self.world.now - timedelta(days=seed % 7, hours=seed * 5 % 24)
        world = replace(self.world, seed=seed, now=now, weekday=now.weekday(), hour=now.hour, weekend=QUIET)
        return found_in(seen(self.system, world, in_other_words(self.vectors)))


@dataclass(frozen=True)
class Healthy:
    """The healthy system, and what the monitor reads of it: faults of use change only a part of that."""

    place: Place
    seen: Seen
    vectors: Mapping[str, Vectors]

    @classmethod
    def of(cls, place: Place) -> Healthy:
        """Reads the place once."""
        with at_home(place.home):
            where = monitored(place)
            assert where.encoder is not None
            questions = [one.question for one in place.world.service.recordings]
            vectors = where.encoder.load(CPU).encode_queries(questions)
            return cls(place, read_system(where, place.now), dict(zip(questions, vectors, strict=True)))

    @property
    def clean(self) -> Clean:
        """The same for runs without a fault."""
        return Clean(self.seen.system, self.place.world, self.vectors)

    def system(self, place: Place, of: Part) -> System:
        """What the monitor would read of a place in which a part is another one; only that is read again."""
        read, where = self.seen.system, monitored(place)
        now = replace(read, use_case=place.use_case, runs=read_runs(place.home), waiting=read_waiting(place.workspace))
        known = list(read.changes)
        if of != "use":
            golden = open_set(place.use_case).questions[: place.use_case.monitoring.golden_questions]
            source = where.encoder
            encoder = attempt("encoder", lambda: source.load(CPU)) if source else None
            index = attempt("index", lambda: read_index(place.workspace, place.use_case, golden, encoder))
            now = replace(now, index=index)
            published = PublishedIndex(index_root(place.workspace))
            known = [one for one in known if one.kind not in ("generation", "encoder")]
            known += index_changes(published.manifests(), published.find_pointer())
        if of == "documents":
            history = read_history(place.workspace, read.baseline_since)
            now = replace(
                now,
                history=history,
                documents=read_documents(place.workspace, place.landing, place.now, read.recent_since),
                instructing=read_instructing(place.workspace),
            )
            known = [*(one for one in known if one.kind not in ("corpus", "parser")), *document_changes(history)]
        if of == "use" or place.made:
            now = seen(now, place.world, in_other_words(self.vectors), place.made)
            known += now.changes
        written = datetime.fromtimestamp(place.use_case_file.stat().st_mtime, UTC)
        settings = current_settings(place.use_case, written, open_set(place.use_case).version, "")
        known += changes_of(self.seen.earlier, settings, place.now)
        return replace(now, changes=sorted_changes(one for one in known if one.at <= place.now))


def found_in(system: System) -> tuple[Finding, ...]:
    """The findings of one run over what was read."""
    checked = run_checks(system)
    causes = [(one, likely_cause(one, system)) for one in checked.found]
    return update([], causes, checked.examined, system.now).open


def broken(healthy: Healthy, fault: Fault, folder: Path, in_tables: bool = False) -> Result:
    """Breaks a copy of the healthy system and looks at it.

    Args:
        healthy: the system.
        fault: what is broken.
        folder: for the copy.
        in_tables: whether everything is written into tables and read from there, as the job does.
    """
    of = "everything" if in_tables else fault.of
    with _copy(healthy, of, folder / fault.name) as place:
        began = time.perf_counter()
        try:
            after = fault.happens(place)
            findings = look(after)[0] if of == "everything" else found_in(healthy.system(after, of))
        except Exception:
            return Result(fault, (), time.perf_counter() - began, traceback.format_exc())
        return Result(fault, findings, time.perf_counter() - began)


def _copy(healthy: Healthy, of: Part, home: Path) -> AbstractContextManager[Place]:
    if of in ("use", "index"):
        return copied_files(healthy.place, home)
    return copied(healthy.place, home, DOCUMENTS if of == "documents" else ("",))


def chosen(names: Sequence[str] = ()) -> list[Fault]:
    """Faults by name; all without any."""
    return [FAULTS[name] for name in names or FAULTS]


def show(results: Sequence[Result], console: Console | None = None) -> None:
    """Prints the table."""
    table = Table("fault", "found", "finding", "cause", "others", "s", box=None, title="Sabotage")
    for one in results:
        best = next(iter((*one.explained, *one.expected)), None)
        said = f"{best.check}: {best.title}" if best else (one.error.strip().splitlines() or ["nothing"])[-1]
        table.add_row(
            one.fault.name,
            "[green]yes" if one.is_found else "[yellow]not the cause" if one.expected else "[red]no",
            said,
            named_cause(best) if best else "",
            ", ".join(sorted({other.check for other in one.others})),
            f"{one.seconds:.0f}",
        )
    (console or Console(width=200)).print(table)
    found = sum(one.is_found for one in results)
    (console or Console()).print(f"{found} of {len(results)} faults found, with their cause")
