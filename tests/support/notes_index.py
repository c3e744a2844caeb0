"""A published index of three notes, with the real encoder and without Spark."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ragops.assembly import query_encoder
from ragops.corpus.embeddings.model import fingerprint
from ragops.corpus.index.generations.manifest import IndexedModel
from ragops.corpus.index.generations.publish import IndexSource, publish
from ragops.corpus.index.generations.published_files import PASSAGES, index_root
from ragops.corpus.index.locks.open import publish_lock
from ragops.corpus.index.passages import Entry
from ragops.platform.workspace import Workspace, models_folder
from ragops.usecase import load_usecase

ROOT = Path(__file__).parents[2]
PLACE = Workspace("spark_catalog", "dev_me_rag")
NOTES = {
    "otter": "The otter eats four fish before noon and sleeps under the bridge.",
    "heron": "The heron stands in the reeds all day and eats frogs.",
    "lynx": "The lynx hunts at night and hides from everybody in the old forest.",
}


def publish_notes(work: Path) -> None:
    use_case = load_usecase(ROOT / "usecase.yml")
    vectors = query_encoder(use_case, models_folder(PLACE)).encode_documents(list(NOTES.values()))
    rows = {}
    for (name, text), vector in zip(NOTES.items(), vectors, strict=True):
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows[digest] = Entry(digest, name, text, (), name, f"{name}.md", None, 0, digest, vector=vector)

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        yield [rows[chunk_id] for chunk_id in ids]

    model = IndexedModel(fingerprint=fingerprint(use_case.embedding), name=use_case.embedding.name, dimension=384)
    hashes = {chunk_id: row.row_hash for chunk_id, row in rows.items()}
    source, root = IndexSource(model, "v1", lambda: hashes, fetch, ""), index_root(PLACE)
    publish(root, source, lock=publish_lock(PLACE, PASSAGES), run_id="t", work_directory=work)
