"""An opened generation: dense and lexical search over the same texts, and the passages that have them."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ragops.corpus.index.access import Reader, Restrictions
from ragops.corpus.index.generations.manifest import BM25, CHROMA, PASSAGE_FILE, Manifest, read_manifest
from ragops.corpus.index.passages import Passage, Vector
from ragops.corpus.index.stores import bm25, chroma
from ragops.corpus.index.stores.bm25 import LexicalIndex
from ragops.corpus.index.stores.chroma import open_embedded
from ragops.corpus.index.stores.interface import Hit, Store
from ragops.corpus.index.stores.passage_table import PassageTable
from ragops.errors import UserError


@dataclass(frozen=True, slots=True)
class Generation:
    """Vector store, word index, passages and manifest of one generation, open in its own local directory.

    Both searches find texts, by their hash: `of_texts` gives a passage of each.
    """

    manifest: Manifest
    store: Store
    words: LexicalIndex
    restrictions: Restrictions
    table: PassageTable

    @staticmethod
    def preload() -> None:
        """Imports what `open` needs, which a caller may do while it waits for something else."""
        chroma.preload()
        bm25.preload()

    @classmethod
    def open(cls, directory: Path) -> "Generation":
        """Opens a local copy (Chroma writes into what it opens).

        Raises:
            UserError: a part is damaged, or the generation is of another version of ragops.
        """
        manifest = read_manifest(directory)
        manifest.check_format()
        with ExitStack() as opened:
            try:
                words = LexicalIndex.load(directory / BM25)
                restrictions = Restrictions.load(directory, words.ids, manifest.group_sets)
                table = PassageTable.open(directory / PASSAGE_FILE)
                opened.callback(table.close)
                store = open_embedded(directory / CHROMA)
                opened.callback(store.close)
                # Chroma reads its graph only with the first query: better now than in a user's search
                store.query(np.ones(manifest.model.dimension, dtype=np.float32), 1, reader=None)
            except Exception as error:  # chromadb, sqlite and numpy raise any type on a damaged file
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                raise UserError(
                    f"index generation {manifest.name} cannot be opened ({reason}); run the refresh job"
                ) from error
            opened.pop_all()
        return cls(manifest, store, words, restrictions, table)

    def dense(self, vector: Vector, k: int, reader: Reader = ()) -> list[Hit]:
        """The k nearest texts by cosine that the reader may see.

        Raises ValueError if the vector's length is not the index's dimension.
        """
        if vector.shape != (self.manifest.model.dimension,):
            raise ValueError(
                f"query vector of shape {vector.shape}, index of dimension {self.manifest.model.dimension}"
            )
        return self.store.query(vector, k, reader)

    def lexical(self, text: str, k: int, reader: Reader = ()) -> list[Hit]:
        """The k best texts by BM25 that the reader may see."""
        return self.words.query(text, k, self.restrictions.allowed(reader))

    def cosines(self, vector: Vector, texts: Sequence[str]) -> dict[str, float]:
        """By text its cosine to a vector; texts that the store does not have are missing."""
        length = np.linalg.norm(vector)
        return {
            one.text_hash: float(one.vector @ vector / (np.linalg.norm(one.vector) * length))
            for one in (self.store.get(texts) if texts else [])
        }

    def word_scores(self, question: str, texts: Sequence[str]) -> dict[str, float]:
        """By text its BM25 score, 0 if it shares no word with the question; unknown texts are missing."""
        return self.words.scores(question, texts)

    def of_texts(self, texts: Sequence[str], reader: Reader = ()) -> list[Passage]:
        """For each text, in this order, the first passage by path that the reader may see; none if there is none."""
        return self.table.of_texts(texts, reader)

    def paths(self, texts: Sequence[str], reader: Reader = ()) -> dict[str, list[str]]:
        """By text the sorted paths of all documents that contain it and that the reader may see."""
        return self.table.paths(texts, reader)

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids in this order; unknown ids are skipped."""
        return self.table.passages(ids)

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        """Passages of the same document and groups with these ordinals, in the document's order."""
        return self.table.neighbors(passage, ordinals)

    def check_encoder(self, fingerprint: str, name: str) -> None:
        """Raises UserError unless the index's vectors are of this model."""
        model = self.manifest.model
        if model.fingerprint != fingerprint:
            raise UserError(
                f"index generation {self.manifest.name} was built with model {model.name} ({model.fingerprint[:8]}), "
                f"this retriever uses {name} ({fingerprint[:8]}); configure the index's model, or run the refresh job"
            )

    def close(self) -> None:
        """Closes all files."""
        self.table.close()
        self.store.close()


def lexical_text(passage: Passage) -> str:
    """The text of the word index: with title and headings, like the embedded text."""
    return "\n".join((passage.title, *passage.heading_path, passage.text))
