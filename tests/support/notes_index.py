"""A published index of three notes, with the real encoder and without Spark."""

import hashlib
import tempfile
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
WORKSPACE = Workspace("spark_catalog", "dev_me_rag")
NOTES = {
    "otter": "The otter eats four fish before noon and sleeps under the bridge.",
    "heron": "The heron stands in the reeds all day and eats frogs.",
    "lynx": "The lynx hunts at night and hides from everybody in the old forest.",
}


_BUILT: list[tempfile.TemporaryDirectory[str]] = []


def publish_notes(work: Path, workspace: Workspace = WORKSPACE) -> None:
    """Puts the published index into the workspace: built once per process, then copied, which saves 2 s."""
    root = index_root(workspace)
    if _BUILT:
        copy_files(Path(_BUILT[0].name), root)
    else:
        _build(root, work, workspace)
        _BUILT.append(tempfile.TemporaryDirectory(prefix="notes-index-"))
        copy_files(root, Path(_BUILT[0].name))


def copy_files(source: Path, target: Path) -> None:
    """Contents only: a volume refuses to set times and modes."""
    for file in source.rglob("*"):
        if file.is_file():
            copied = target / file.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(file.read_bytes())


def _build(root: Path, work: Path, workspace: Workspace) -> None:
    use_case = load_usecase(ROOT / "usecase.yml")
    vectors = query_encoder(use_case, models_folder(workspace)).encode_documents(list(NOTES.values()))
    rows = {}
    for (name, text), vector in zip(NOTES.items(), vectors, strict=True):
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows[digest] = Entry(digest, name, text, (), name, f"{name}.md", None, 0, digest, vector=vector)

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        yield [rows[chunk_id] for chunk_id in ids]

    model = IndexedModel(fingerprint=fingerprint(use_case.embedding), name=use_case.embedding.name, dimension=384)
    hashes = {chunk_id: row.row_hash for chunk_id, row in rows.items()}
    source = IndexSource(model, "v1", lambda: hashes, fetch, "")
    publish(root, source, lock=publish_lock(workspace, PASSAGES), run_id="t", work_directory=work)
