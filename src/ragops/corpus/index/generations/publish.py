"""Builds the next generation, checks it, and moves the pointer to it; nothing else changes an index.

It is built on local disk and copied, since SQLite does not work on a Unity Catalog volume. A crash leaves the old
generation live, and leftovers that the next publish removes.
"""

import errno
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.index.generations.draft import BuiltDraft, finish_draft, seal_draft, start_draft
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import IndexedModel, Manifest
from ragops.corpus.index.generations.plan import Nothing, Plan, Update, decide
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, local_directory
from ragops.corpus.index.generations.rollback_and_cleanup import (
    move_pointer,
    remove_generations,
    remove_leftovers,
    settle,
)
from ragops.corpus.index.generations.verify import SAMPLED_TEXTS, Sample, compare, sample_ids
from ragops.corpus.index.locks.interface import Hold, PublishLock
from ragops.corpus.index.stores.interface import Fetch
from ragops.corpus.index.stores.terms_version import terms_version
from ragops.errors import UserError
from ragops.platform.volumes.errors import VolumeError


@dataclass(frozen=True, slots=True)
class IndexSource:
    """The rows that the index must contain.

    Attributes:
        model: the embedding model of the vectors.
        version: changes whenever `rows` would; may also change without.
        rows: returns id -> row hash; called only if something may have changed.
        fetch: returns entries for ids; called only for rows to write and for a sample.
        access: digest of the access rules, "" without rules.
        languages: ISO 639-1 codes of the passages' languages, for the word index.
    """

    model: IndexedModel
    version: str
    rows: Callable[[], Mapping[str, str]]
    fetch: Fetch
    access: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecallGuard:
    """Stops a publish whose recall is more than `max_drop` below the live generation's.

    `measure` returns recall in [0, 1] on a fixed query set, or None for a generation whose model it has no encoder for.
    `prepare` is called as soon as there is something to build, for what can be done in the background until then.
    """

    measure: Callable[[Generation], float | None]
    max_drop: float
    prepare: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class PublishReport:
    """The live generation after a publish, and the rows it added (including re-embedded ones), updated and removed."""

    generation: str
    published: bool
    rows: int
    added: int = 0
    updated: int = 0
    removed: int = 0
    from_scratch: bool = False


def publish(
    index_root: Path,
    source: IndexSource,
    *,
    lock: PublishLock,
    run_id: str,
    wait_seconds: float = 0.0,
    recall_guard: RecallGuard | None = None,
    work_directory: Path | None = None,
) -> PublishReport:
    """Makes the live index equal to the source; does nothing if it already is.

    The check for changes reads the live generation's files once, so that an edited or damaged one is found, and the
    index rebuilt, even if the source did not change. One of an outdated format is rebuilt, too.

    Args:
        index_root: the index's folder.
        source: the rows that the index must contain.
        lock: the index's lock.
        run_id: identifies this publisher to others.
        wait_seconds: how long to wait for the lock.
        recall_guard: stops a publish whose recall drops.
        work_directory: on a local disk; removed before and after.

    Raises:
        UserError: another publisher holds the lock or takes it over, a file cannot be written, the built index fails
            its checks, or recall drops too far. The old generation stays live.
    """
    index = PublishedIndex(index_root)
    work = work_directory or local_directory(index_root, "draft")
    with lock.hold(run_id, wait_seconds) as hold:
        live = None
        try:
            settle(index, hold)
            remove_leftovers(index, work, hold)
            live = index.live_manifest()
            return _publish(index, live, source, recall_guard, work, hold)
        except VolumeError as error:
            raise UserError(f"publish stopped, {_live_now(index, live)} is live: {error}") from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise UserError(f"no space left to build index {index_root} in {work}; free disk space") from error
        finally:
            remove_leftovers(index, work, hold)


def _live_now(index: PublishedIndex, before: Manifest | None) -> str:
    """The generation that readers see; if the volume cannot be read, the one they saw before."""
    with suppress(UserError):
        pointer = index.find_pointer()
        return pointer.generation if pointer else "no index"
    return before.name if before else "no index"


def _publish(
    index: PublishedIndex,
    live: Manifest | None,
    source: IndexSource,
    guard: RecallGuard | None,
    work: Path,
    hold: Hold,
) -> PublishReport:
    damage = index.changed_files(live) if live else set()
    decision = decide(live, source.model.fingerprint, source.version, damage, terms_version(source.languages))
    if isinstance(decision, Nothing):
        return _unchanged(decision.live)
    if guard:
        guard.prepare()
    parent = decision.parent if isinstance(decision, Update) else None
    with ThreadPoolExecutor(1) as background:
        background.submit(Generation.preload)  # half a second, in which Spark reads the rows
        wanted = source.rows()
        copy = index.copy(parent.name, work / "parent") if parent else None
    draft = start_draft(work / uuid.uuid4().hex, wanted, parent, copy, source.access)
    if draft.parent and draft.plan.empty and draft.parent.access == source.access:
        draft.store.close()
        return _unchanged(draft.parent)
    sample = Sample(source.fetch, sample_ids(wanted, SAMPLED_TEXTS, seed=source.version))
    number = hold.reserve(index.next_number())
    built = finish_draft(draft, sample.fetch, number, source.model, source.version, source.access, source.languages)
    try:
        _check(built, sample, source, wanted)
        # An index that is damaged or cannot be searched any more is replaced whatever its recall was.
        if guard and live and not damage and not live.outdated:
            _check_recall(built.generation, guard, index.copy(live.name, work / "live"))
    finally:
        built.generation.close()
    seal_draft(built)
    _make_live(index, built.directory, built.generation.manifest, live, hold)
    return _published(built.generation.manifest, draft.plan)


def _unchanged(live: Manifest) -> PublishReport:
    return PublishReport(live.name, published=False, rows=live.count)


def _published(manifest: Manifest, plan: Plan) -> PublishReport:
    return PublishReport(
        generation=manifest.name,
        published=True,
        rows=manifest.count,
        added=len(plan.add),
        updated=len(plan.update),
        removed=len(plan.remove),
        from_scratch=manifest.parent is None,
    )


def _make_live(index: PublishedIndex, directory: Path, manifest: Manifest, live: Manifest | None, hold: Hold) -> None:
    """Copies the draft to the volume and moves the pointer to it; removes the copy if that fails."""
    try:
        index.install(directory, manifest.name, hold.check)
        move_pointer(index, Pointer.to(manifest, previous=live), hold)
    except UserError:
        # The volume or Spark may be unavailable, or the lock lost; the reason is raised below.
        with suppress(Exception):
            if _live_now(index, None) != manifest.name and manifest.name not in (hold.recorded() or ""):
                remove_generations(index, [manifest.name], hold)
        raise


def _check(built: BuiltDraft, sample: Sample, source: IndexSource, wanted: Mapping[str, str]) -> None:
    """Raises UserError unless the draft contains the wanted rows."""
    report = compare(built.generation, built.rows, wanted, sample.entries(), source.model.fingerprint)
    if not report.ok:
        raise UserError(f"{report}; not published, the old generation stays live; run the refresh job again")


def _check_recall(draft: Generation, guard: RecallGuard, live_copy: Path) -> None:
    live = Generation.open(live_copy)
    try:
        before, after = guard.measure(live), guard.measure(draft)
    finally:
        live.close()
    if before is not None and after is not None and before - after > guard.max_drop:
        raise UserError(
            f"recall would fall from {before:.3f} ({live.manifest.name}) to {after:.3f}, more than the allowed "
            f"{guard.max_drop:.3f}; not published, the old index stays live; review the changes, or allow a larger drop"
        )
