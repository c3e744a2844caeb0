"""Listing generations, rolling back, and removing what no pointer and no rollback needs."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ragops.errors import UserError
from ragops.index.locks.interface import Hold, PublishLock
from ragops.index.manifest import Manifest
from ragops.index.pointer import Pointer
from ragops.index.published import PublishedIndex


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """One line of `ragops index list`."""

    name: str
    live: bool
    manifest: Manifest


def list_generations(index_root: Path) -> list[ListedGeneration]:
    """All finished generations, oldest first. Raises UserError when a manifest or the pointer is broken."""
    index = PublishedIndex(index_root)
    pointer = index.find_pointer()
    live = pointer.generation if pointer else None
    return [ListedGeneration(name, name == live, index.manifest(name)) for name in index.names()]


def rollback(
    index_root: Path, to: str | None = None, *, lock: PublishLock, run_id: str, wait_seconds: float = 0.0
) -> Pointer:
    """Moves the pointer to generation `to`, by default to the one before the live one.

    Raises:
        UserError: there is no such generation, it lacks files, or a publish is under way.
    """
    index = PublishedIndex(index_root)
    if not (index.names() or index.find_pointer()):
        raise UserError(f"no index at {index_root}: nothing to roll back")
    with lock.held(run_id, wait_seconds) as hold:
        live = index.live_manifest()
        target = to or index.pointer().previous
        known = index.names()
        if target not in known:
            raise UserError(
                f"no generation {target or 'before the live one'} in {index_root}: there are {', '.join(known)}"
            )
        manifest = index.manifest(target)
        if missing := index.missing_files(manifest):
            raise UserError(f"index generation {target} lacks {min(missing)}: roll back to another, or refresh")
        pointer = Pointer.to(manifest, previous=live)
        move_pointer(index, pointer, hold)
        return pointer


def move_pointer(index: PublishedIndex, pointer: Pointer, hold: Hold) -> None:
    """Decides what is live, then says so to readers.

    Raises:
        UserError: the lock was lost. Then readers see what its new owner has decided.
    """
    mine = pointer.model_dump_json()
    hold.record(mine)
    index.write_pointer(pointer)
    decided = hold.recorded()
    if decided not in (None, mine):  # this process slept between the two, and has just overwritten a newer pointer
        index.repair_pointer(decided)
        hold.check()


def collect_garbage(
    index_root: Path, keep: int = 3, *, lock: PublishLock, run_id: str, wait_seconds: float = 0.0
) -> list[str]:
    """Removes all generations but the newest `keep`, the live one and the one a rollback goes to; returns their names.

    Raises:
        UserError: a publish is under way, or the pointer is missing or broken (then nothing is known to be unneeded).
    """
    index = PublishedIndex(index_root)
    index.pointer()
    if keep < 1:
        raise UserError(f"keep={keep} would remove the live generation: give 1 or more")
    with lock.held(run_id, wait_seconds) as hold:
        index.repair_pointer(hold.recorded())
        pointer, names = index.pointer(), index.names()
        kept = {*names[-keep:], pointer.generation, pointer.previous}
        removed = [name for name in names if name not in kept]
        for name in removed:
            hold.check()
            index.remove(name)
        index.remove_unfinished(hold.leftover_age)
        return removed


def remove_leftovers(index: PublishedIndex, work: Path, hold: Hold) -> None:
    """Removes what a killed publish left; only under the lock."""
    shutil.rmtree(work, ignore_errors=True)
    index.remove_unfinished(hold.leftover_age)
