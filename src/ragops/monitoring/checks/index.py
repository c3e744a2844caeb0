"""Checks of the index: is it there, does it equal the tables, is it of this encoder, does it find as much as before?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ragops.corpus.index.generations.verify import CHANGED_FILES, NOT_FOUND, WORDS_DIFFER, VerifyReport
from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import at, counted, lasting, listed
from ragops.monitoring.finding import ChangeKind, Found, Severity, Unreadable
from ragops.monitoring.system.documents import DocumentsState
from ragops.monitoring.system.index import IndexState
from ragops.monitoring.system.system import System

_VERIFY, _LIST = "ragops index verify", "ragops index list"
_REFRESH = "Run the refresh job, which repairs the index."
_ROUNDING = 1e-9
_ENOUGH = 5  # passages found, for each document
_HASHES = re.compile(r" \((?:[0-9a-f]{16,}(?:, )?)+(?:\.\.\.)?\)")
_KINDS: tuple[ChangeKind, ...] = ("encoder", "parser", "corpus", "deployment")


def check(system: System) -> Iterator[Found]:
    """What is wrong with the live generation."""
    index = system.index
    assert isinstance(index, IndexState)
    if not index.generation or index.problem:
        yield from _unusable(system, index)
        return
    yield from _pointer(index)
    yield from _encoder(index)
    if index.verified:
        yield from _differences(system, index, index.verified)
    elif index.fingerprint == index.wanted_fingerprint:
        yield _not_verified(index)
    yield from _old(system, index)
    yield from _recall(system, index)


def _unusable(system: System, index: IndexState) -> Iterator[Found]:
    documents = system.documents
    if not index.generation and not index.problem:
        if isinstance(documents, DocumentsState) and documents.documents:
            yield _found("index_missing", "there is no index: nothing can be searched", system.now, action=_REFRESH)
        return
    yield _found(
        "index_unusable",
        f"the index cannot be searched: generation {index.generation or 'unknown'}",
        index.files_changed_at or index.published_at or system.now,
        details=index.problem,
        cause=_changed_files(index),
        action=f"{_REFRESH} Until then, go back to an earlier generation: ragops index rollback.",
        command=_LIST,
    )


def _pointer(index: IndexState) -> Iterator[Found]:
    if index.newest <= index.generation or index.published_at is None:
        return
    rolled_back = (index.previous or "") > index.generation
    since = index.published_at if rolled_back else max(index.published_at, index.newest_built_at or index.published_at)
    yield _found(
        "index_pointer_behind",
        f"generation {index.generation} is live, and {index.newest} is newer",
        since,
        severity="low" if rolled_back else "high",
        cause=f"a rollback at {at(index.published_at)}"
        if rolled_back
        else "the pointer names an older generation, and no rollback wrote it",
        action="Run the refresh job, which publishes the newest documents, once the reason of the rollback is gone."
        if rolled_back
        else _REFRESH,
        command=_LIST,
    )


def _encoder(index: IndexState) -> Iterator[Found]:
    if index.fingerprint != index.wanted_fingerprint:
        yield _found(
            "index_encoder_differs",
            f"the index was built with another encoder than the use case's: {index.encoder}",
            index.published_at,
            details=f"Built with {index.fingerprint[:8]}, wanted {index.wanted_fingerprint[:8]}: searches are refused.",
            causes=("encoder", "deployment"),
            cause="the use case's section embedding, or the files of its model, were changed without a refresh",
            action="Run the refresh job, which embeds all texts again, or restore the earlier encoder.",
            command=_LIST,
        )
    elif index.encoded_otherwise:
        yield _found(
            "vectors_not_of_encoder",
            f"{index.encoded_otherwise} of {index.encoded} texts have another vector than the encoder gives them",
            _since(index),
            value=index.encoded_otherwise / index.encoded,
            expected=0.0,
            unit_is_share=True,
            cause=_cause(index) or _encoded_by_another(index),
            causes=("encoder", "deployment"),
            action="Find out what wrote the vectors; delete the table of embeddings, and run the refresh job.",
        )


def _encoded_by_another(index: IndexState) -> str:
    when = f"before {index.generation} was published"
    if index.encoded_otherwise == index.encoded:
        return f"another encoder behind the same name computed all vectors, {when}, or the encoder is another one since"
    return f"something else than the encoder wrote some of the vectors, {when}"


@dataclass(frozen=True, slots=True)
class _Difference:
    check: str
    count: int
    what: str
    ids: tuple[str, ...] = ()


def _differences(system: System, index: IndexState, report: VerifyReport) -> Iterator[Found]:
    if _is_being_published(system, index):
        return
    found = [one for one in _kinds(report) if one.count]
    for one in found:
        yield _found(
            one.check,
            f"{counted(one.count, 'passage')} {one.what}" if one.ids else one.what.partition(" (")[0],
            _since(index),
            value=float(one.count),
            expected=0.0,
            details=_details(report, one),
            cause=_cause(index),
            causes=_KINDS,
            action=_REFRESH,
        )
    if report.problems and not found:  # else they follow from what was found, and are among its details
        changed = [problem for problem in report.problems if CHANGED_FILES in problem]
        others = [problem for problem in report.problems if problem not in changed]
        yield _found(
            "index_inconsistent" if others else "index_files_changed",
            (others or changed)[0][:100],
            _since(index),
            details="; ".join(map(_without_hashes, report.problems)),
            cause=_cause(index),
            causes=_KINDS,
            action=_REFRESH,
        )


def _details(report: VerifyReport, one: _Difference) -> str:
    """Some of the passages, and what verify says besides; it has the complete list, and hashes say nothing."""
    if not one.ids:
        return _without_hashes(next((problem for problem in report.problems if one.what in problem), one.what))
    others = [_without_hashes(problem) for problem in report.problems]
    return "; ".join((f"Of {report.rows:,} in {report.generation}: {listed(one.ids, 2)}", *others))


def _without_hashes(problem: str) -> str:
    return _HASHES.sub("", problem)


def _kinds(report: VerifyReport) -> Iterator[_Difference]:
    yield _Difference("index_rows_missing", len(report.missing), "missing from the index", report.missing)
    yield _Difference("index_rows_stale", len(report.stale), "in the index that the tables do not have", report.stale)
    yield _Difference("index_rows_differ", len(report.different), "with another text or title", report.different)
    wrong = report.wrong_vectors
    lost = next((problem for problem in report.problems if NOT_FOUND in problem), "")
    yield _Difference("index_vectors_wrong", len(wrong) or bool(lost), "with another vector" if wrong else lost, wrong)
    # If passages are missing, their texts are in the word index only: that is not a fault of its own.
    words = next((problem for problem in report.problems if WORDS_DIFFER in problem and not report.missing), "")
    yield _Difference("index_words_differ", bool(words), words)


def _is_being_published(system: System, index: IndexState) -> bool:
    """Whether the tables are newer than the index because a refresh is at work."""
    refresh = system.refresh
    return bool(refresh and refresh.last_state == "running" and _tables_are_newer(index))


def _not_verified(index: IndexState) -> Found:
    return _found(
        "index_not_verified",
        "the index could not be compared with the tables",
        _since(index),
        details=index.not_verified,
        cause=_cause(index),
        causes=_KINDS,
        action="Resolve the error, then run the refresh job.",
    )


def _old(system: System, index: IndexState) -> Iterator[Found]:
    limit = system.use_case.monitoring.max_generation_days
    if limit is None or index.built_at is None or system.now - index.built_at <= timedelta(days=limit):
        return
    age = system.now - index.built_at
    yield _found(
        "index_old",
        f"the live generation is {lasting(age)} old",
        index.built_at + timedelta(days=limit),
        severity="low",
        details=f"monitoring.max_generation_days allows {limit:g} days.",
        action="Look whether the landing folder still receives files, and whether the refresh job runs.",
        command=_LIST,
    )


def _recall(system: System, index: IndexState) -> Iterator[Found]:
    recall = index.recall
    if index.not_measured:
        yield _found(
            "recall_not_measured",
            "recall could not be measured: the encoder cannot be loaded",
            system.now,
            severity="low",
            details=index.not_measured,
            causes=("encoder", "deployment"),
            action="Resolve the error; searches need the same encoder.",
            command="ragops doctor",
        )
    if recall is None:
        return
    before, damaged = recall.share_before, bool(index.verified and not index.verified.ok)
    allowed = system.use_case.index.max_recall_drop + _ROUNDING
    if before is not None and before - recall.share > allowed:
        yield _found(
            "index_recall_lower",
            f"recall of {recall.questions} golden questions is {recall.share:.2f}, in {recall.before} {before:.2f}",
            index.published_at,
            value=recall.share,
            expected=before,
            unit_is_share=True,
            details=f"Lost: {listed(recall.lost)}. Gained: {listed(recall.gained) or 'none'}.",
            cause=_cause(index) if damaged else None,
            causes=("parser", "encoder", "corpus"),
            action="Look at the lost questions; go back to the earlier generation: ragops index rollback.",
            command="ragops evaluate retrieval",
        )
    share = len(recall.without_gold) / recall.questions
    lacks_passages = bool(index.verified and index.verified.missing)
    if (
        share >= system.use_case.monitoring.many_documents and not lacks_passages
    ):  # single ones are slips of the set's author
        yield _found(
            "question_set_outdated",
            f"{counted(len(recall.without_gold), 'golden question')} that no passage answers",
            index.published_at,
            value=share,
            expected=0.0,
            unit_is_share=True,
            details=f"Of {recall.questions}: {listed(recall.without_gold)}.",
            causes=("question_set", "corpus", "parser"),
            action="Write these questions again for the documents as they are now, or restore the documents.",
            command="ragops evaluate retrieval",
        )


def coverage(system: System) -> Iterator[Found]:
    """Documents that no question finds, once there were enough questions to find them."""
    found = system.coverage
    assert not isinstance(found, Unreadable)
    share, limit = found.never_found, system.use_case.monitoring.max_never_found
    if share is None or found.passages < _ENOUGH * found.documents or share <= limit:
        return
    yield Found(
        check="documents_never_found",
        subject="",
        severity="low",
        title=f"{share:.0%} of the documents were found by no question",
        since=system.baseline_since,
        value=share,
        expected=limit,
        unit="share",
        details=f"{found.passages:,} passages were found, of {found.found:,} of {found.documents:,} documents.",
        causes=("corpus", "encoder"),
        action="Look whether the questions concern these documents, and whether some passages hide others.",
        command="ragops evaluate retrieval",
    )


def _tables_are_newer(index: IndexState) -> bool:
    return bool(index.tables_changed_at and index.built_at and index.tables_changed_at > index.built_at)


def _changed_files(index: IndexState) -> str | None:
    if index.files_changed_at is None:
        return None
    return f"files of the generation were changed at {at(index.files_changed_at)}, after it was published"


def _cause(index: IndexState) -> str | None:
    if changed := _changed_files(index):
        return changed
    if index.newest > index.generation:
        return f"generation {index.newest} is newer, and is not the live one"
    if index.tables_changed_at and _tables_are_newer(index):
        return f"the tables were changed at {at(index.tables_changed_at)}, and nothing was published since"
    return None


def _since(index: IndexState) -> datetime | None:
    newer = index.tables_changed_at if _tables_are_newer(index) else None
    return index.files_changed_at or newer or index.published_at


def _found(
    check: str,
    title: str,
    since: datetime | None,
    *,
    action: str,
    severity: Severity = "high",
    details: str = "",
    value: float | None = None,
    expected: float | None = None,
    unit_is_share: bool = False,
    causes: tuple[ChangeKind, ...] = (),
    cause: str | None = None,
    command: str = _VERIFY,
) -> Found:
    """A finding on the whole index."""
    assert since is not None
    return Found(
        check=check,
        subject="",
        severity=severity,
        title=title,
        since=since,
        value=value,
        expected=expected,
        unit=None if value is None else "share" if unit_is_share else "number",
        details=details,
        causes=causes,
        cause=cause,
        action=action,
        command=command,
    )


INDEX = Topic(
    "index",
    check,
    ("index",),
    {
        "index_missing": "there are documents and no index",
        "index_unusable": "pointer, manifest or a file of the live generation is damaged or missing",
        "index_pointer_behind": "a newer generation exists than the live one; low after a rollback",
        "index_encoder_differs": "the index was built with another encoder than the use case names",
        "vectors_not_of_encoder": "texts that are encoded again get another vector than the index has",
        "index_rows_missing": "passages of the tables that the index lacks",
        "index_rows_stale": "passages of the index that the tables lack",
        "index_rows_differ": "passages that differ between index and tables",
        "index_vectors_wrong": "vectors that differ from the tables', or that searches do not find",
        "index_words_differ": "the word index (BM25) has other texts than the passages",
        "index_files_changed": "files of the generation are not as they were published",
        "index_inconsistent": "another difference that `ragops index verify` reports",
        "index_not_verified": "the index could not be compared with the tables",
        "index_old": "the live generation is older than `monitoring.max_generation_days`",
        "recall_not_measured": "the encoder cannot be loaded",
        "index_recall_lower": "the live generation answers fewer golden questions than the one before it",
        "question_set_outdated": "golden questions whose answer is in no passage",
    },
)
COVERAGE = Topic(
    "coverage",
    coverage,
    ("coverage",),
    {"documents_never_found": "documents that no question finds, although many were asked"},
)
