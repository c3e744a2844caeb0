"""What must change so that a store holds exactly the wanted rows."""

from collections.abc import Mapping
from dataclasses import dataclass

from ragops.corpus.index.passages import rewritten
from ragops.corpus.index.stores.interface import Fetch, Store

# A page of ids for which entries are fetched at a time; one fetch may be a query against a table.
_FETCH_IDS = 20_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Ids to write with a new vector, to write with the vector they have, and to remove; each sorted."""

    add: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the store already holds what is wanted."""
        return not (self.add or self.update or self.remove)


def plan_changes(held: Mapping[str, str], wanted: Mapping[str, str]) -> Plan:
    """Compares id -> row hash of what is held and what is wanted."""
    common = held.keys() & wanted.keys()
    different = {chunk_id for chunk_id in common if held[chunk_id] != wanted[chunk_id]}
    new_vectors = {chunk_id for chunk_id in different if rewritten(held[chunk_id], wanted[chunk_id])}
    return Plan(
        add=tuple(sorted((wanted.keys() - held.keys()) | new_vectors)),
        update=tuple(sorted(different - new_vectors)),
        remove=tuple(sorted(held.keys() - wanted.keys())),
    )


def apply_changes(plan: Plan, store: Store, fetch: Fetch) -> None:
    """Carries the plan out, removals first. Entries are fetched only for `add` and `update`, batch by batch."""
    store.delete(plan.remove)
    for start in range(0, len(plan.add), _FETCH_IDS):
        for entries in fetch(plan.add[start : start + _FETCH_IDS]):
            store.upsert(entries)
    for start in range(0, len(plan.update), _FETCH_IDS):
        for entries in fetch(plan.update[start : start + _FETCH_IDS]):
            store.update(entries)
