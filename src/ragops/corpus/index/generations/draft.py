"""A generation being built in a local directory: a copy of the live one with changes, or from scratch."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from ragops.corpus.index.access import Groups, Restrictions
from ragops.corpus.index.generations.generation import Generation, lexical_text
from ragops.corpus.index.generations.manifest import (
    BM25,
    CHROMA,
    FORMAT,
    PASSAGE_FILE,
    IndexedModel,
    Manifest,
    file_digests,
    read_rows,
    write_manifest,
    write_rows,
)
from ragops.corpus.index.generations.plan import Plan, apply_changes, plan_changes, store_texts
from ragops.corpus.index.passages import text_key
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.chroma import create_embedded, open_embedded
from ragops.corpus.index.stores.interface import Fetch, Store
from ragops.corpus.index.stores.passage_changes import PassageChanges
from ragops.corpus.index.stores.passage_table import PassageTable
from ragops.corpus.index.stores.terms_version import terms_version


@dataclass(frozen=True, slots=True)
class Draft:
    """An open store in the parent's state, and the changes to make in it. `parent` None: from scratch.

    `words`: the parent's word index.
    """

    directory: Path
    store: Store
    plan: Plan
    parent: Manifest | None = None
    words: LexicalIndex | None = None


@dataclass(frozen=True, slots=True)
class BuiltDraft:
    """A finished draft, open for checks, and id -> row hash of its passages."""

    directory: Path
    generation: Generation
    rows: Mapping[str, str]


def start_draft(
    directory: Path,
    wanted: Mapping[str, str],
    parent: Manifest | None = None,
    parent_copy: Path | None = None,
    access: str = "",
) -> Draft:
    """Opens the parent's copy if there is one and using it is worthwhile, otherwise an empty store.

    A removed text stays in the HNSW graph as a dead node that every search visits. If dead nodes would be more than
    half of the texts, the generation is built from scratch; texts that are only added never cause that.

    Args:
        directory: where the draft is built.
        wanted: id -> row hash of the passages it must contain.
        parent: the generation to start from; None to build from scratch.
        parent_copy: a local copy of the parent, whose files become the draft's.
        access: digest of the present access rules; if they changed, texts may move to other groups.
    """
    directory.mkdir(parents=True)
    if parent and parent_copy:
        stored = read_rows(parent_copy)
        plan = plan_changes(stored, wanted)
        if plan.empty or 2 * _dead_nodes(parent, plan, stored, wanted, access) <= len(_texts(wanted)):
            for name in (CHROMA, PASSAGE_FILE):
                (parent_copy / name).rename(directory / name)
            store, words = open_embedded(directory / CHROMA), LexicalIndex.load(parent_copy / BM25)
            return Draft(directory, store, plan, parent, words)
    return Draft(directory, create_embedded(directory / CHROMA), plan_changes({}, wanted))


def _dead_nodes(parent: Manifest, plan: Plan, stored: Mapping[str, str], wanted: Mapping[str, str], access: str) -> int:
    """An estimate, since only the finished draft knows which texts have moved to other groups."""
    moved = len({text_key(wanted[chunk_id]) for chunk_id in plan.update}) if access != parent.access else 0
    return parent.rewrites + moved + len(_texts(stored) - _texts(wanted))


def _texts(rows: Mapping[str, str]) -> set[str]:
    return {text_key(row_hash) for row_hash in rows.values()}


def finish_draft(
    draft: Draft,
    fetch: Fetch,
    number: int,
    model: IndexedModel,
    source_version: str,
    access: str = "",
    languages: Sequence[str] = (),
) -> BuiltDraft:
    """Applies the plan, then reopens the files as a reader would and reads all passages."""
    with closing(draft.store), closing(PassageChanges(draft.directory / PASSAGE_FILE)) as changes:
        apply_changes(draft.plan, changes, fetch)
        dead = store_texts(draft.store, changes)
    with ExitStack() as opened:
        table = opened.enter_context(closing(PassageTable.open(draft.directory / PASSAGE_FILE)))
        store = opened.enter_context(closing(open_embedded(draft.directory / CHROMA)))
        rows, texts = table.row_hashes(), table.texts()
        _words(draft.words, table, texts, languages).save(draft.directory / BM25)
        words = LexicalIndex.load(draft.directory / BM25)
        restrictions = Restrictions(words.ids, texts)
        restrictions.save(draft.directory)
        manifest = Manifest(
            number=number,
            model=model,
            count=len(rows),
            source_version=source_version,
            parent=draft.parent.name if draft.parent else None,
            access=access,
            group_sets=len(restrictions.sets),
            rewrites=draft.parent.rewrites + dead if draft.parent else 0,
            format=FORMAT,
            terms=terms_version(words.languages),
        )
        opened.pop_all()
    return BuiltDraft(draft.directory, Generation(manifest, store, words, restrictions, table), rows)


def _words(
    parent: LexicalIndex | None, table: PassageTable, texts: Mapping[str, Groups], languages: Sequence[str]
) -> LexicalIndex:
    """The word index of these texts, each once, so that copies do not change how rare a word is."""
    known = set(parent.ids) if parent else set()
    new = {p.text_hash: lexical_text(p) for p in table.of_texts(sorted(texts.keys() - known), reader=None)}
    if parent:
        return parent.changed(known - texts.keys(), new)
    return LexicalIndex.build(list(new), list(new.values()), languages)


def seal_draft(built: BuiltDraft) -> None:
    """Records the rows and every file's digest. After this, only copies of the directory may be opened."""
    write_rows(built.directory, built.rows)
    manifest = built.generation.manifest
    write_manifest(built.directory, manifest.model_copy(update={"files": file_digests(built.directory)}))
