"""Listing generations, rolling back, and removing what no pointer and no rollback needs."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ragops.errors import UserError
from ragops.index.lock import publish_lock
from ragops.index.manifest import BUILDING, Manifest, generation_names, generations_directory, read_manifest
from ragops.index.pointer import Pointer, find_pointer, read_pointer, remove_half_written, write_pointer


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """One line of `ragops index list`."""

    name: str
    live: bool
    manifest: Manifest


def list_generations(index_root: Path) -> list[ListedGeneration]:
    """All whole generations, oldest first. Raises UserError when a manifest or the pointer is broken."""
    pointer = find_pointer(index_root)
    live = pointer.generation if pointer else None
    directory = generations_directory(index_root)
    return [
        ListedGeneration(name, name == live, read_manifest(directory / name)) for name in generation_names(index_root)
    ]


def rollback(index_root: Path, to: str | None = None, *, run_id: str, wait_seconds: float = 0.0) -> Pointer:
    """Moves the pointer to generation `to`, by default to the one before the live one.

    Raises UserError when there is no such generation or a publish is under way.
    """
    if not index_root.is_dir():
        raise UserError(f"no index at {index_root}: nothing to roll back")
    with publish_lock(index_root, run_id, wait_seconds) as lock:
        live = live_manifest(index_root)
        target = to or read_pointer(index_root).previous
        known = generation_names(index_root)
        if target not in known:
            raise UserError(
                f"no generation {target or 'before the live one'} in {index_root}: there are {', '.join(known)}"
            )
        pointer = Pointer.to(read_manifest(generations_directory(index_root) / target), previous=live)
        lock.confirm()
        write_pointer(index_root, pointer)
        return pointer


def collect_garbage(index_root: Path, keep: int = 3, *, run_id: str, wait_seconds: float = 0.0) -> list[str]:
    """Removes all generations but the newest `keep`, the live one and the one a rollback goes to; returns their names.

    Raises UserError when a publish is under way, or the pointer is missing or broken (then nothing is known to be
    unneeded).
    """
    pointer = read_pointer(index_root)
    if keep < 1:
        raise UserError(f"keep={keep} would remove the live generation: give 1 or more")
    with publish_lock(index_root, run_id, wait_seconds):
        pointer = read_pointer(index_root)
        names = generation_names(index_root)
        kept = {*names[-keep:], pointer.generation, pointer.previous}
        removed = [name for name in names if name not in kept]
        for name in removed:  # first out of sight, so that a crash leaves no half generation that looks whole
            directory = generations_directory(index_root)
            os.rename(directory / name, directory / f"{BUILDING}removed-{name}")
        remove_half_built(index_root)
        return removed


def remove_leftovers(index_root: Path, work: Path) -> None:
    """Removes what a killed publish left; only under the lock."""
    shutil.rmtree(work, ignore_errors=True)
    remove_half_built(index_root)
    remove_half_written(index_root)


def remove_half_built(index_root: Path) -> None:
    """Removes generations that were being built or removed; only under the lock."""
    for directory in generations_directory(index_root).glob(f"{BUILDING}*"):
        shutil.rmtree(directory, ignore_errors=True)


def live_manifest(index_root: Path) -> Manifest | None:
    """The live generation's manifest; None when there is none that can be read, so that a publish starts afresh."""
    try:
        pointer = find_pointer(index_root)
        return read_manifest(generations_directory(index_root) / pointer.generation) if pointer else None
    except UserError:
        return None


def next_number(index_root: Path) -> int:
    """One more than any number in use."""
    prefixes = [path.name.split("-")[0] for path in generations_directory(index_root).glob("[0-9]*-*")]
    return max((int(prefix) for prefix in prefixes if prefix.isdecimal()), default=0) + 1
