"""A generation in the making, in a local directory: a copy of the live one plus the changes, or all from scratch."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragops.corpus.index.access import Groups, Restrictions
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.generations.manifest import (
    BM25,
    CHROMA,
    IndexedModel,
    Manifest,
    file_digests,
    read_rows,
    write_manifest,
    write_rows,
)
from ragops.corpus.index.generations.plan import Plan, apply_changes, plan_changes
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.chroma import create_embedded, open_embedded
from ragops.corpus.index.stores.interface import Fetch, Store, row_hashes

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """An open store at the parent's state, and what must change in it. `parent` None: from scratch.

    `held`: id -> row hash at that state; `restricted`: id -> groups likewise; `words`: the parent's word index, None
    where its file may be damaged.
    """

    directory: Path
    store: Store
    plan: Plan
    parent: Manifest | None = None
    rewrites: int = 0
    held: Mapping[str, str] = field(default_factory=dict)
    restricted: Mapping[str, Groups] = field(default_factory=dict)
    words: LexicalIndex | None = None


@dataclass(frozen=True, slots=True)
class BuiltDraft:
    """A finished draft, open for checks, and id -> row hash of what its store was found to hold."""

    directory: Path
    generation: Generation
    rows: Mapping[str, str]


def start_draft(
    directory: Path,
    wanted: Mapping[str, str],
    parent: Manifest | None,
    parent_copy: Path | None,
    scan: bool,
    access: str = "",
) -> Draft:
    """Opens the parent's copy if one is given and worth it, an empty store otherwise.

    `parent_copy`: a copy of it on this machine, whose store becomes the draft's. `scan`: the parent's files are not as
    they were built, so its rows are read from the store itself. `access`: the digest of the rules that now hold; where
    they changed, rows to update may go to other groups. A removed or replaced row stays in the HNSW graph as a dead
    node that every search walks over: when they would be more than half of the rows, all is built anew. Rows that are
    only added never call for that.
    """
    inherited = _inherit(directory, parent_copy, scan) if parent_copy else None
    if parent and parent_copy and inherited:
        store, held = inherited
        plan = plan_changes(held, wanted)
        moved = len(plan.update) if access != parent.access else 0
        rewrites = parent.rewrites + moved + len(plan.remove) + len(held.keys() & set(plan.add))
        if 2 * rewrites <= len(wanted) or plan.empty:
            if scan:
                return Draft(directory, store, plan, parent, rewrites)
            words = LexicalIndex.load(parent_copy / BM25)
            restricted = Restrictions.load(parent_copy, words.ids, parent.group_sets).restricted
            return Draft(directory, store, plan, parent, rewrites, held, restricted, words)
        store.close()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return Draft(directory, create_embedded(directory / CHROMA), plan_changes({}, wanted))


def _inherit(directory: Path, parent_copy: Path, scan: bool) -> tuple[Store, Mapping[str, str]] | None:
    """The parent's store, moved to the draft, and its row hashes; None when it is damaged beyond reading."""
    directory.mkdir(parents=True)
    (parent_copy / CHROMA).rename(directory / CHROMA)
    if not scan:
        return open_embedded(directory / CHROMA), read_rows(parent_copy)
    try:
        store = open_embedded(directory / CHROMA)
        try:
            return store, row_hashes(store)
        except Exception:
            store.close()
            raise
    except Exception as error:  # chromadb raises what it likes on a damaged file
        _LOG.warning("generation %s cannot be read (%s): building from scratch", parent_copy.name, error)
        return None


def finish_draft(
    draft: Draft, fetch: Fetch, number: int, model: IndexedModel, source_version: str, access: str = ""
) -> BuiltDraft:
    """Carries the plan out; then reopens the store as a reader would, and sees what it holds.

    Of an undamaged parent only what changed is read again, and every id: the rest is as its files' digests say.
    """
    try:
        apply_changes(draft.plan, draft.store, fetch)
    finally:
        draft.store.close()
    store = open_embedded(draft.directory / CHROMA)
    try:
        return _built(draft, store, number, model, source_version, access)
    except BaseException:
        store.close()
        raise


def _built(
    draft: Draft, store: Store, number: int, model: IndexedModel, source_version: str, access: str
) -> BuiltDraft:
    rows, words, restrictions = _changed_rows(draft, store, draft.words) if draft.words else _all_rows(store)
    words.save(draft.directory / BM25)
    restrictions.save(draft.directory)
    manifest = Manifest(
        number=number,
        model=model,
        count=len(rows),
        source_version=source_version,
        parent=draft.parent.name if draft.parent else None,
        access=access,
        group_sets=len(restrictions.sets),
        rewrites=draft.rewrites,
    )
    generation = Generation(manifest, store, LexicalIndex.load(draft.directory / BM25), restrictions)
    return BuiltDraft(draft.directory, generation, rows)


def _all_rows(store: Store) -> tuple[Mapping[str, str], LexicalIndex, Restrictions]:
    passages = [passage for page in store.scan() for passage in page]
    words = LexicalIndex.build([p.chunk_id for p in passages], [lexical_text(p) for p in passages])
    restrictions = Restrictions(words.ids, {p.chunk_id: p.groups for p in passages})
    return {p.chunk_id: p.row_hash for p in passages}, words, restrictions


def _changed_rows(
    draft: Draft, store: Store, words: LexicalIndex
) -> tuple[Mapping[str, str], LexicalIndex, Restrictions]:
    changed = store.passages([*draft.plan.add, *draft.plan.update])
    known = {**draft.held, **{passage.chunk_id: passage.row_hash for passage in changed}}
    rows = {chunk_id: known.get(chunk_id, "") for chunk_id in store.ids()}
    words = words.changed(draft.plan.remove, {passage.chunk_id: lexical_text(passage) for passage in changed})
    restricted = {**draft.restricted, **{passage.chunk_id: passage.groups for passage in changed}}
    return rows, words, Restrictions(words.ids, {i: restricted[i] for i in words.ids if i in restricted})


def seal_draft(built: BuiltDraft) -> None:
    """Records rows and every file's digest; from here on nobody opens this directory, only copies of it."""
    write_rows(built.directory, built.rows)
    manifest = built.generation.manifest
    write_manifest(built.directory, manifest.model_copy(update={"files": file_digests(built.directory)}))
