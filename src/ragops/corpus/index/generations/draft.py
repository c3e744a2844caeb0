"""A generation being built in a local directory: a copy of the live one with changes, or from scratch."""

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
from ragops.corpus.index.generations.plan import Plan, Update, apply_changes, plan_changes
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.chroma import create_embedded, open_embedded
from ragops.corpus.index.stores.interface import Fetch, Store, row_hashes

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Draft:
    """An open store in the parent's state, and the changes to make in it. `parent` None: from scratch.

    `stored`: id -> row hash in that state; `restricted`: id -> groups; `words`: the parent's word index, None if its
    file may be damaged.
    """

    directory: Path
    store: Store
    plan: Plan
    parent: Manifest | None = None
    rewrites: int = 0
    stored: Mapping[str, str] = field(default_factory=dict)
    restricted: Mapping[str, Groups] = field(default_factory=dict)
    words: LexicalIndex | None = None


@dataclass(frozen=True, slots=True)
class BuiltDraft:
    """A finished draft, open for checks, and id -> row hash of the rows found in its store."""

    directory: Path
    generation: Generation
    rows: Mapping[str, str]


def start_draft(
    directory: Path,
    wanted: Mapping[str, str],
    update: Update | None = None,
    parent_copy: Path | None = None,
    access: str = "",
) -> Draft:
    """Opens the parent's copy if there is one and using it is worthwhile, otherwise an empty store.

    A removed or replaced row stays in the HNSW graph as a dead node that every search visits. If dead nodes would be
    more than half of the rows, the generation is built from scratch; rows that are only added never cause that.

    Args:
        directory: where the draft is built.
        wanted: id -> row hash of the rows it must contain.
        update: the parent; None to build from scratch.
        parent_copy: a local copy of the parent, whose store becomes the draft's.
        access: digest of the present access rules; if they changed, updated rows may move to other groups.
    """
    inherited = _inherit(directory, parent_copy, update.scan) if update and parent_copy else None
    if update and parent_copy and inherited:
        store, stored = inherited
        plan = plan_changes(stored, wanted)
        moved = len(plan.update) if access != update.parent.access else 0
        rewrites = update.parent.rewrites + moved + len(plan.remove) + len(stored.keys() & set(plan.add))
        if 2 * rewrites <= len(wanted) or plan.empty:
            if update.scan:
                return Draft(directory, store, plan, update.parent, rewrites)
            words = LexicalIndex.load(parent_copy / BM25)
            restricted = Restrictions.load(parent_copy, words.ids, update.parent.group_sets).restricted
            return Draft(directory, store, plan, update.parent, rewrites, stored, restricted, words)
        store.close()
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return Draft(directory, create_embedded(directory / CHROMA), plan_changes({}, wanted))


def _inherit(directory: Path, parent_copy: Path, scan: bool) -> tuple[Store, Mapping[str, str]] | None:
    """The parent's store, moved to the draft, and its row hashes; None if it cannot be read."""
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
    except Exception as error:  # chromadb raises any type on a damaged file
        _log.warning("generation %s cannot be read (%s); building from scratch", parent_copy.name, error)
        return None


def finish_draft(
    draft: Draft, fetch: Fetch, number: int, model: IndexedModel, source_version: str, access: str = ""
) -> BuiltDraft:
    """Applies the plan, then reopens the store as a reader would and reads its rows.

    With an undamaged parent, only changed rows and all ids are read; its files' digests vouch for the rest.
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
    known = {**draft.stored, **{passage.chunk_id: passage.row_hash for passage in changed}}
    rows = {chunk_id: known.get(chunk_id, "") for chunk_id in store.ids()}
    words = words.changed(draft.plan.remove, {passage.chunk_id: lexical_text(passage) for passage in changed})
    restricted = {**draft.restricted, **{passage.chunk_id: passage.groups for passage in changed}}
    return rows, words, Restrictions(words.ids, {i: restricted[i] for i in words.ids if i in restricted})


def seal_draft(built: BuiltDraft) -> None:
    """Records the rows and every file's digest. After this, only copies of the directory may be opened."""
    write_rows(built.directory, built.rows)
    manifest = built.generation.manifest
    write_manifest(built.directory, manifest.model_copy(update={"files": file_digests(built.directory)}))
