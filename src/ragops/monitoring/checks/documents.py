"""Checks of the documents: in quarantine, dropped, folders that are empty, texts that became shorter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ragops.monitoring.checks.topic import Topic
from ragops.monitoring.checks.wording import counted, listed
from ragops.monitoring.finding import Found, Severity
from ragops.monitoring.system.document_history import DocumentHistory, ShorterText
from ragops.monitoring.system.documents import DocumentsState, Refused, folder_of
from ragops.monitoring.system.system import System

_EDITED = 0.1
"""Share of documents from which becoming shorter is not ordinary editing."""


def check(system: System) -> Iterator[Found]:
    """What is wrong with the documents as they are, and with what became of them."""
    documents, history = system.documents, system.history
    assert isinstance(documents, DocumentsState) and isinstance(history, DocumentHistory)
    for one in documents.refused:
        yield _quarantined(system, documents, one)
    yield from _emptied(system, documents, history)
    yield from _dropped(system, documents, history)
    yield from _vanished(system, documents)
    yield from _shorter(system, documents, history)


def _severity(system: System, share: float) -> Severity:
    return "high" if share >= system.use_case.monitoring.many_documents else "low"


def _quarantined(system: System, documents: DocumentsState, one: Refused) -> Found:
    share = one.documents / (documents.documents + documents.quarantined)
    new = f", {one.recent:,} of them recently" if one.recent else ""
    return Found(
        check="documents_quarantined",
        subject=one.reason,
        severity=_severity(system, share),
        title=f"{counted(one.documents, 'document')} in quarantine{new}: {one.reason}",
        since=one.since,
        value=share,
        expected=0.0,
        unit="share",
        details=f"The newest: {listed(one.paths)}.",
        causes=("parser", "corpus", "deployment"),
        action="Repair or convert the files, raise the limit that refused them, or remove them.",
        command="ragops documents",
    )


def _emptied(system: System, documents: DocumentsState, history: DocumentHistory) -> Iterator[Found]:
    """Folders of which every document is gone from the table, or whose files are all gone."""
    deleted = Counter(folder_of(one.path) for one in history.gone)
    # Where all files are gone the landing folder is not there, which is one finding: no folder was emptied.
    nothing_left = _vanished_share(documents) >= 1
    vanished = Counter(folder_of(path) for path in (() if nothing_left else documents.vanished))
    for folder in sorted({*deleted, *vanished}):
        left = documents.folders.get(folder, 0)
        if left > vanished[folder]:
            continue
        lost = deleted[folder] + vanished[folder]
        times = [one.at for one in history.gone if folder_of(one.path) == folder]
        where = folder or "the landing folder"
        yield Found(
            check="folder_emptied",
            subject=folder,
            severity=_severity(system, lost / (documents.documents + len(history.gone))),
            title=f"folder {where} is empty: {counted(lost, 'document')} gone",
            since=min(times, default=system.now),
            value=0.0,
            expected=float(lost),
            unit="number",
            details="" if times else "The next refresh deletes them from the index.",
            causes=("corpus",),
            cause=f"the folder {where} is empty",
            action="Restore the folder and run the refresh job, unless it was emptied on purpose.",
            command="ragops documents",
        )


def _dropped(system: System, documents: DocumentsState, history: DocumentHistory) -> Iterator[Found]:
    """Documents that are gone while others of their folders are still there."""
    gone = [one for one in history.gone if documents.folders.get(folder_of(one.path), 0)]
    share = len(gone) / max(1, documents.documents + len(history.gone))
    if not gone or share < system.use_case.monitoring.many_documents:
        return
    folders = Counter(folder_of(one.path) or "the landing folder" for one in gone)
    yield Found(
        check="documents_dropped",
        subject="",
        severity="high",
        title=f"{counted(len(gone), 'document')} deleted, {share:.0%} of all",
        since=min(one.at for one in gone),
        value=share,
        expected=0.0,
        unit="share",
        details=f"By folder: {listed([f'{name} {count:,}' for name, count in folders.most_common()])}.",
        causes=("corpus",),
        cause=f"their files are gone from {listed([name for name, _ in folders.most_common()], 3)}",
        action="Restore the files and run the refresh job, unless they were removed on purpose.",
        command="ragops documents",
    )


def _vanished_share(documents: DocumentsState) -> float:
    return len(documents.vanished) / max(1, documents.documents + documents.quarantined)


def _vanished(system: System, documents: DocumentsState) -> Iterator[Found]:
    share, allowed = _vanished_share(documents), system.use_case.documents.max_delete_fraction
    if share <= allowed:
        return
    yield Found(
        check="files_vanished",
        subject="",
        severity="high",
        title=f"{share:.0%} of the documents' files are gone: the refresh job will refuse to delete them",
        since=system.now,
        value=share,
        expected=allowed,
        unit="share",
        details=f"Missing from {documents.landing}: {listed(sorted(documents.vanished))}.",
        causes=("deployment",),
        cause="the landing folder is not mounted, or its files were removed",
        action="Mount the folder or restore the files; if it is intended, refresh with allow_deletes=true.",
        command="ragops documents",
    )


def _shorter(system: System, documents: DocumentsState, history: DocumentHistory) -> Iterator[Found]:
    by_parser: dict[str, list[ShorterText]] = {}
    for one in history.shorter:
        by_parser.setdefault(one.parser if one.same_file else "", []).append(one)
    for parser, some in sorted(by_parser.items()):
        share = len(some) / max(1, documents.documents)
        if not parser and share < _EDITED:
            continue
        yield _shortened(system, parser, some, share)


def _shortened(system: System, parser: str, some: Sequence[ShorterText], share: float) -> Found:
    left = sum(one.after for one in some) / sum(one.before for one in some)
    examples = [f"{one.path} {one.before:,} to {one.after:,} characters" for one in some]
    what = f"the parser {parser} reads" if parser else "edited files have"
    return Found(
        check="texts_shorter",
        subject=parser or "files",
        severity=_severity(system, share),
        title=f"{what} {left:.0%} of the former text of {counted(len(some), 'document')}",
        since=min(one.at for one in some),
        value=left,
        expected=1.0,
        unit="share",
        details=f"For example: {listed(examples, 3)}.",
        causes=("parser", "deployment") if parser else ("corpus",),
        cause=None if parser else "the files themselves became shorter",
        action="Compare one of the documents with its file; go back to the earlier parser, or restore the file.",
        command="ragops documents",
    )


DOCUMENTS = Topic(
    "documents",
    check,
    ("documents", "history"),
    {
        "documents_quarantined": "files that cannot be read, by reason; open while one of them is there",
        "folder_emptied": "a folder that had documents has none",
        "documents_dropped": "a share of the documents of `monitoring.many_documents` or more was deleted",
        "files_vanished": "more files are gone than a refresh may delete at once",
        "texts_shorter": "documents of which less than 70 % of the text is left, by the parser that read them",
    },
)
