"""What a publish has to do: nothing, an update or a rebuild; and which passages and texts must change."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ragops.corpus.index.generations.manifest import Manifest
from ragops.corpus.index.passages import TextVector, rewritten
from ragops.corpus.index.stores.interface import Fetch, Store, batched, regroup
from ragops.corpus.index.stores.passage_changes import PassageChanges
from ragops.corpus.index.stores.terms_version import TERMS_VERSION

# Ids for which entries are fetched at a time; one fetch may be a query of a table.
_FETCH_IDS = 20_000


@dataclass(frozen=True, slots=True)
class Nothing:
    """The live generation already has everything."""

    live: Manifest


@dataclass(frozen=True, slots=True)
class Update:
    """The next generation is a copy of `parent` with changes."""

    parent: Manifest


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The next generation is built from scratch."""


def decide(
    live: Manifest | None, fingerprint: str, version: str, damage: Collection[str], terms: str = TERMS_VERSION
) -> Nothing | Update | Rebuild:
    """Decides how to make the live index equal to its source.

    | live generation | damaged files | source version | decision |
    |-----------------|---------------|----------------|----------|
    | none            |               |                | Rebuild  |
    | other model     | any           | any            | Rebuild  |
    | outdated format | any           | any            | Rebuild  |
    | other terms     | any           | any            | Rebuild  |
    | same model      | some          | any            | Rebuild  |
    | same model      | none          | same           | Nothing  |
    | same model      | none          | other          | Update   |

    Args:
        live: the live generation's manifest; None if there is none.
        fingerprint: of the source's embedding model.
        version: of the source.
        damage: files of the live generation that are missing, new or different.
        terms: version of the terms in the word index.
    """
    if live is None or live.model.fingerprint != fingerprint or live.outdated or live.terms != terms or damage:
        return Rebuild()
    return Nothing(live) if live.source_version == version else Update(live)


@dataclass(frozen=True, slots=True)
class Plan:
    """Sorted ids of passages: to write, of a new or changed text; to write, of the same text; and to remove."""

    add: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the index already contains the wanted rows."""
        return not (self.add or self.update or self.remove)


def plan_changes(stored: Mapping[str, str], wanted: Mapping[str, str]) -> Plan:
    """Compares stored and wanted rows, each id -> row hash."""
    common = stored.keys() & wanted.keys()
    different = {chunk_id for chunk_id in common if stored[chunk_id] != wanted[chunk_id]}
    new_vectors = {chunk_id for chunk_id in different if rewritten(stored[chunk_id], wanted[chunk_id])}
    return Plan(
        add=tuple(sorted((wanted.keys() - stored.keys()) | new_vectors)),
        update=tuple(sorted(different - new_vectors)),
        remove=tuple(sorted(stored.keys() - wanted.keys())),
    )


def apply_changes(plan: Plan, changes: PassageChanges, fetch: Fetch) -> None:
    """Applies the plan to the passages, removals first; fetches entries only for `add` and `update`, in batches."""
    changes.delete(plan.remove)
    for ids in (plan.add, plan.update):
        for some in batched(ids, _FETCH_IDS):
            for entries in fetch(some):
                changes.write(entries)


def store_texts(store: Store, changes: PassageChanges) -> int:
    """Makes the store's texts those of the passages; returns how many nodes of its graph died by that."""
    wanted, stored = changes.texts(), store.texts()
    gone = sorted(stored.keys() - wanted.keys())
    moved = {text: wanted[text] for text in stored.keys() & wanted.keys() if stored[text] != wanted[text]}
    store.delete(gone)
    regroup(store, moved)
    for vectors in changes.vectors(wanted.keys() - stored.keys()):
        store.upsert([TextVector(text, wanted[text], vector) for text, vector in vectors])
    return len(gone) + len(moved)
