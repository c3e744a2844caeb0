"""Listing generations, rolling back, and removing generations that neither the pointer nor a rollback needs."""

import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.index.generations.manifest import Damaged, Manifest
from ragops.corpus.index.generations.pointer import Pointer
from ragops.corpus.index.generations.published_files import PublishedIndex
from ragops.corpus.index.locks.interface import Hold, PublishLock
from ragops.errors import UserError
from ragops.platform.volumes.errors import VolumeError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """One line of `ragops index list`."""

    name: str
    live: bool
    manifest: Manifest


def list_generations(index_root: Path) -> list[ListedGeneration]:
    """All complete generations, oldest first; none is live if the pointer is damaged."""
    index = PublishedIndex(index_root)
    live = None
    with suppress(Damaged):
        live = pointer.generation if (pointer := index.find_pointer()) else None
    return [ListedGeneration(one.name, one.name == live, one) for one in index.manifests()]


def settle(index: PublishedIndex, hold: Hold) -> None:
    """Completes what an earlier owner of the lock decided and did not finish; called first after locking."""
    if condemned := hold.condemned():
        remove_generations(index, condemned, hold)
    index.repair_pointer(hold.recorded())


def rollback(
    index_root: Path, to: str | None = None, *, lock: PublishLock, run_id: str, wait_seconds: float = 0.0
) -> Pointer:
    """Moves the pointer to generation `to`, by default the one before the live one.

    Raises:
        UserError: the generation does not exist, lacks files, is outdated or already live, or a publish is running.
    """
    index = PublishedIndex(index_root)
    if not (index.names() or index.find_pointer()):
        raise UserError(f"no index at {index_root}; run the refresh job first")
    with lock.hold(run_id, wait_seconds) as hold:
        settle(index, hold)
        live = index.live_manifest()
        target = to or index.pointer().previous
        known = index.names()
        if target not in known:
            raise UserError(
                f"no generation {target or 'before the live one'} in {index_root}; existing ones: {', '.join(known)}"
            )
        manifest = index.manifest(target)
        if live and target == live.name:
            raise UserError(f"index generation {target} is already live; choose another of {', '.join(known)}")
        manifest.check_format()
        if missing := index.missing_files(manifest):
            raise UserError(f"index generation {target} lacks {min(missing)}; choose another, or run the refresh job")
        pointer = Pointer.to(manifest, previous=live)
        move_pointer(index, pointer, hold)
        return pointer


def move_pointer(index: PublishedIndex, pointer: Pointer, hold: Hold) -> None:
    """Records in the lock what is live, then writes the pointer for readers.

    Raises:
        UserError: the lock was lost, and readers see its new owner's decision; or the pointer cannot be written, and
            the earlier decision stays.
    """
    before, mine = hold.recorded(), pointer.model_dump_json()
    hold.record(mine)
    try:
        index.write_pointer(pointer)
    except VolumeError:
        with suppress(UserError):
            hold.record(before or "")
        raise
    decided = hold.recorded()
    if decided not in (None, mine):  # this process was suspended in between and has overwritten a newer pointer
        index.repair_pointer(decided)
        hold.check()


def remove_generations(index: PublishedIndex, names: Sequence[str], hold: Hold) -> None:
    """Records that generations will be removed, then removes them; after a crash, the next owner completes it.

    Raises:
        UserError: the lock was lost before the decision was recorded, or a file cannot be removed.
    """
    if not names:
        return
    hold.condemn(names)
    for name in names:
        hold.check()
        index.remove(name)
    hold.condemn(())


def collect_garbage(
    index_root: Path, keep: int = 3, *, lock: PublishLock, run_id: str, wait_seconds: float = 0.0
) -> list[str]:
    """Removes all generations except the newest `keep`, the live one and its predecessor; returns their names.

    Raises:
        UserError: a publish is running, or the pointer is missing or damaged, so that it is unknown what is needed.
    """
    index = PublishedIndex(index_root)
    if keep < 1:
        raise UserError(f"keep={keep} would remove the live generation; set it to 1 or more")
    if not (index.names() or index.find_pointer()):
        index.pointer()
    with lock.hold(run_id, wait_seconds) as hold:
        settle(index, hold)
        pointer, names = index.pointer(), index.names()
        kept = {*names[-keep:], pointer.generation, pointer.previous}
        removed = [name for name in names if name not in kept]
        remove_generations(index, removed, hold)
        index.remove_unfinished(hold.leftover_age, _named(index))
        return removed


def remove_leftovers(index: PublishedIndex, work: Path, hold: Hold) -> None:
    """Removes leftovers of a killed publish; errors are only logged. The caller must hold the lock."""
    shutil.rmtree(work, ignore_errors=True)
    try:
        index.remove_unfinished(hold.leftover_age, _named(index))
    except UserError as error:
        _log.warning("index %s: leftovers of an earlier publish cannot be removed (%s)", index.root, error)


def _named(index: PublishedIndex) -> set[str]:
    """Generations that the pointer names. Raises Damaged if it is damaged."""
    pointer = index.find_pointer()
    return {name for name in (pointer.generation, pointer.previous) if name} if pointer else set()
