"""What a publish has to do: nothing, an update or a rebuild; and which rows of a store must change."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ragops.corpus.index.generations.manifest import CHROMA, Manifest
from ragops.corpus.index.passages import rewritten
from ragops.corpus.index.stores.interface import Fetch, Store

# Ids for which entries are fetched at a time; one fetch may be a query of a table.
_FETCH_IDS = 20_000


# Opening a Chroma directory writes into this file and no other, so a change of it alone may be harmless.
_SQLITE = f"{CHROMA}/chroma.sqlite3"


@dataclass(frozen=True, slots=True)
class Nothing:
    """The live generation already has everything."""

    live: Manifest


@dataclass(frozen=True, slots=True)
class Update:
    """The next generation is a copy of `parent` with changes; `scan`: read its rows from its store, not its records."""

    parent: Manifest
    scan: bool


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The next generation is built from scratch."""


def decide(
    live: Manifest | None, fingerprint: str, version: str, damage: Collection[str]
) -> Nothing | Update | Rebuild:
    """Decides how to make the live index equal to its source.

    | live generation | damaged files       | source version | decision           |
    |-----------------|---------------------|----------------|--------------------|
    | none            |                     |                | Rebuild            |
    | other model     | any                 | any            | Rebuild            |
    | same model      | none                | same           | Nothing            |
    | same model      | none                | other          | Update             |
    | same model      | only Chroma's SQLite| any            | Update with a scan |
    | same model      | any other           | any            | Rebuild            |

    Args:
        live: the live generation's manifest; None if there is none.
        fingerprint: of the source's embedding model.
        version: of the source.
        damage: files of the live generation that are missing, new or different.
    """
    if live is None or live.model.fingerprint != fingerprint or not set(damage) <= {_SQLITE}:
        return Rebuild()
    if live.source_version == version and not damage:
        return Nothing(live)
    return Update(live, scan=bool(damage))


@dataclass(frozen=True, slots=True)
class Plan:
    """Sorted ids: to write with a new vector, to write with their present vector, and to remove."""

    add: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the store already contains the wanted rows."""
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


def apply_changes(plan: Plan, store: Store, fetch: Fetch) -> None:
    """Applies the plan, removals first. Entries are fetched only for `add` and `update`, batch by batch."""
    store.delete(plan.remove)
    for start in range(0, len(plan.add), _FETCH_IDS):
        for entries in fetch(plan.add[start : start + _FETCH_IDS]):
            store.upsert(entries)
    for start in range(0, len(plan.update), _FETCH_IDS):
        for entries in fetch(plan.update[start : start + _FETCH_IDS]):
            store.update(entries)
