"""Builds the next generation beside the live one, checks it, and moves the pointer; nothing else changes an index.

Built on local disk and copied: a Unity Catalog volume carries no SQLite. A crash leaves the old generation live, and
litter that the next publish removes.
"""

import errno
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.index.generations.draft import BuiltDraft, finish_draft, seal_draft, start_draft
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import CHROMA, IndexedModel, Manifest
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex, local_directory
from ragops.corpus.index.generations.rollback_and_cleanup import (
    move_pointer,
    remove_generations,
    remove_leftovers,
    settle,
)
from ragops.corpus.index.generations.verify import Sample, compare, sample_ids
from ragops.corpus.index.locks.interface import Hold, PublishLock
from ragops.corpus.index.stores.interface import Fetch
from ragops.errors import UserError
from ragops.platform.volumes.errors import VolumeError

_SAMPLED_VECTORS = 64
# Opening a Chroma directory writes into this file and no other, so that a look from outside is no damage.
_SQLITE = f"{CHROMA}/chroma.sqlite3"


@dataclass(frozen=True, slots=True)
class IndexSource:
    """What the index must hold.

    `version` changes whenever `rows` would, and may change without; `rows` gives id -> row hash (called only when
    something may have changed); `fetch` gives entries for ids (called only for rows to be written and for a sample).
    `access` is the digest of the rules by which passages have groups, "" for none.
    """

    model: IndexedModel
    version: str
    rows: Callable[[], Mapping[str, str]]
    fetch: Fetch
    access: str = ""


@dataclass(frozen=True, slots=True)
class RecallGuard:
    """Stops a publish whose recall falls more than `max_drop` below the live generation's.

    `measure` gives recall in [0, 1] on a fixed query set, or None for a generation that it has no encoder for.
    """

    measure: Callable[[Generation], float | None]
    max_drop: float


@dataclass(frozen=True, slots=True)
class PublishReport:
    """The live generation after a publish; rows added (re-embedded ones too), updated and removed by it."""

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
    """Makes the live index equal to the source; does nothing when it is.

    Looking whether there is something to do reads the live generation's files once (20,000 rows: 160 MB), so that
    rows deleted or edited by hand are found although the source did not change. `work_directory`, on a local disk, is
    removed before and after. Raises UserError when another publisher holds the lock or takes it over, a file cannot be
    written, the built index does not verify, or recall drops too far; the old generation then stays live.
    """
    index = PublishedIndex(index_root)
    work = work_directory or local_directory(index_root, "draft")
    with lock.held(run_id, wait_seconds) as hold:
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
            raise UserError(f"no space left to build index {index_root} in {work}: free some") from error
        finally:
            remove_leftovers(index, work, hold)


def _live_now(index: PublishedIndex, before: Manifest | None) -> str:
    """What readers see; what they saw before where the volume does not tell."""
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
    parent = live if live and live.model.fingerprint == source.model.fingerprint else None
    damage = index.changed_files(live) if live else set()
    if parent and parent.source_version == source.version and not damage:
        return PublishReport(parent.name, published=False, rows=parent.count)
    if not damage <= {_SQLITE}:
        parent = None
    wanted = source.rows()
    copied = index.copy(parent.name, work / "parent") if parent else None
    draft = start_draft(work / uuid.uuid4().hex, wanted, parent, copied, bool(damage), source.access)
    if draft.parent and draft.plan.empty and draft.parent.access == source.access:
        draft.store.close()
        return PublishReport(draft.parent.name, published=False, rows=draft.parent.count)
    sample = Sample(source.fetch, sample_ids(wanted, _SAMPLED_VECTORS, seed=source.version))
    number = hold.reserve(index.next_number())
    built = finish_draft(draft, sample.fetch, number, source.model, source.version, source.access)
    try:
        _check(built, sample, source, wanted)
        live_readable = live is not None and (draft.parent is not None or not damage)
        if guard and live and live_readable:  # a damaged index is fixed, whatever its recall was
            _check_recall(built.generation, guard, index.copy(live.name, work / "live"))
    finally:
        built.generation.close()
    seal_draft(built)
    manifest = built.generation.manifest
    _make_live(index, built.directory, manifest, live, hold)
    return PublishReport(
        generation=manifest.name,
        published=True,
        rows=manifest.count,
        added=len(draft.plan.add),
        updated=len(draft.plan.update),
        removed=len(draft.plan.remove),
        from_scratch=manifest.parent is None,
    )


def _make_live(index: PublishedIndex, directory: Path, manifest: Manifest, live: Manifest | None, hold: Hold) -> None:
    """Copies the draft to the volume and moves the pointer to it; removes the copy where that fails."""
    try:
        index.install(directory, manifest.name, hold.check)
        move_pointer(index, Pointer.to(manifest, previous=live), hold)
    except UserError:
        # The volume or Spark may be away, or the lock lost: the reason is raised below.
        with suppress(Exception):
            if _live_now(index, None) != manifest.name and manifest.name not in (hold.recorded() or ""):
                remove_generations(index, [manifest.name], hold)
        raise


def _check(built: BuiltDraft, sample: Sample, source: IndexSource, wanted: Mapping[str, str]) -> None:
    """Raises UserError unless the draft holds what is wanted."""
    report = compare(built.generation, built.rows, wanted, sample.entries(), source.model.fingerprint)
    if not report.ok:
        raise UserError(f"{report}: not published, the old one stays live; run the refresh again")


def _check_recall(draft: Generation, guard: RecallGuard, live_copy: Path) -> None:
    live = Generation.open(live_copy)
    try:
        before, after = guard.measure(live), guard.measure(draft)
    finally:
        live.close()
    if before is not None and after is not None and before - after > guard.max_drop:
        raise UserError(
            f"recall would fall from {before:.3f} ({live.manifest.name}) to {after:.3f}, more than the allowed "
            f"{guard.max_drop:.3f}: not published, the old index stays live; look at what changed, or allow more"
        )
