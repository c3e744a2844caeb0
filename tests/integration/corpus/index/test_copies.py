"""Copies and similar texts, in any number, hide nothing: neither in the graph of the vector store nor in a search."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from ragops.answers.retrieval.pipeline import Found, retrieve
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.chunks.splitter import ChunkSizes, split
from ragops.corpus.index.access import Groups
from ragops.corpus.index.generations.generation import Generation
from ragops.corpus.index.generations.manifest import IndexedModel
from ragops.corpus.index.generations.publish import IndexSource, publish
from ragops.corpus.index.passages import Entry, TextVector
from ragops.corpus.index.reading.reader import IndexReader
from ragops.corpus.index.stores.chroma import create_embedded, open_embedded
from tests.support.locks import lock_of

DIMENSION = 64
NOTES = {
    f"notes/{number:03}.md": f"# Note {number}\n\nThe {thing} is {act} by team {number % 9}. Form {1000 + number}."
    for number, (thing, act) in enumerate(
        (thing, act)
        for thing in ("boiler", "pump", "gate", "roof", "ladder", "engine", "valve", "tank", "fence", "barn")
        for act in ("cleaned", "oiled", "inspected", "painted", "locked", "moved", "weighed", "repaired")
    )
}
RULES = "\n\n".join(
    f"## Rule {number}\n\nRule {number} says that the {thing} is watched and that nobody works alone {when}."
    for number, (thing, when) in enumerate(
        [
            ("oven", "at noon"),
            ("mixer", "in spring"),
            ("drill", "twice a year"),
            ("saw", "at night"),
            ("press", "today"),
        ]
    )
)
HANDBOOK = f"# Handbook\n\n{RULES}\n"


def encoded(text: str) -> np.ndarray:
    """A vector from the text's words: texts with common words have similar ones."""
    seeds = [int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) for word in text.lower().split() or [""]]
    summed = sum(np.random.default_rng(seed).standard_normal(DIMENSION) for seed in seeds)
    return np.asarray(summed / np.linalg.norm(summed), dtype=np.float32)


def entries(documents: Mapping[str, str], groups: Mapping[str, Groups]) -> list[Entry]:
    found, vectors = [], dict[str, np.ndarray]()
    for path, markdown in documents.items():
        doc_id = hashlib.sha256(path.encode()).hexdigest()
        title = markdown.partition("\n")[0].removeprefix("# ")
        for chunk in split(doc_id, title, markdown, lambda texts: [len(text.split()) for text in texts], ChunkSizes()):
            if chunk.text_hash not in vectors:
                vectors[chunk.text_hash] = encoded(chunk.embedded_text)
            found.append(
                Entry(
                    chunk_id=chunk.chunk_id,
                    doc_id=doc_id,
                    text=chunk.text,
                    heading_path=tuple(chunk.heading_path),
                    title=title,
                    path=path,
                    page=None,
                    ordinal=chunk.ordinal,
                    text_hash=chunk.text_hash,
                    groups=groups.get(path, ()),
                    vector=vectors[chunk.text_hash],
                )
            )
    return found


def opened(folder: Path, rows: Sequence[Entry]) -> IndexReader:
    """The published index of these passages."""
    by_id = {row.chunk_id: row for row in rows}
    assert len(by_id) == len(rows)

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        yield [by_id[chunk_id] for chunk_id in ids]

    hashes = {chunk_id: row.row_hash for chunk_id, row in by_id.items()}
    model = IndexedModel(fingerprint="ab" * 32, name="words", dimension=DIMENSION)
    source = IndexSource(model, "v1", lambda: hashes, fetch)
    publish(folder / "index", source, lock=lock_of(folder / "index"), run_id="test", work_directory=folder / "work")
    return IndexReader(folder / "index", folder / "readers")


def lost(generation: Generation, rows: Sequence[Entry]) -> list[str]:
    """Paths of the passages whose text is not found by its own vector."""
    return [row.path for row in rows if generation.dense(row.vector, 1, reader=None)[0].text_hash != row.text_hash]


def found(generation: Generation, question: str, groups: Groups | None = (), k: int = 5) -> list[Found]:
    settings = RetrievalSettings(fusion="weighted", dense_weight=0.7, k=k)
    return retrieve(generation, question, encoded(question), settings, groups)


def test_equal_rows_of_a_sheet_hide_no_other_text(tmp_path: Path) -> None:
    """Of one vector for each of 1,500 passages, some of the notes would not be found."""
    table = "| Sensor | Reading |\n| --- | --- |\n"
    sheets = {f"readings-{number}.md": f"# Readings\n\n{table}| not installed | 0 |\n" for number in range(1500)}
    notes = entries(NOTES, {})
    reader = opened(tmp_path, [*notes, *entries(sheets, {})])
    generation = reader.generation()
    assert (generation.store.count(), generation.table.count()) == (len(NOTES) + 1, len(NOTES) + 1500)
    assert lost(generation, notes) == []
    assert found(generation, "the boiler is inspected by team")[0].passage.path == "notes/002.md"
    reader.close()


def test_similar_texts_hide_no_other_text(tmp_path: Path) -> None:
    """As the rows of a sheet are. Threads build the graph, so it varies: with Chroma's own settings 4 to 9 are lost."""
    rng = np.random.default_rng(0)
    others, one = rng.standard_normal((100, 32)), rng.standard_normal((1, 32))
    similar = one + 0.01 * rng.standard_normal((2000, 32))
    vectors = np.concatenate([others, similar]).astype(np.float32)
    store = create_embedded(tmp_path)
    store.upsert([TextVector(f"{number}", (), vectors[number]) for number in rng.permutation(len(vectors))])
    store.close()
    again = open_embedded(tmp_path)
    found = [again.query(vectors[number], 1, reader=None)[0].text_hash for number in range(100)]
    assert sum(text_hash != f"{number}" for number, text_hash in enumerate(found)) < 3
    again.close()


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    """Sixty copies of a handbook, the first ten for hr, the next ten for legal."""
    paths = [f"backup-{number:03}/handbook.md" for number in range(60)]
    groups = dict.fromkeys(paths[:10], ("hr",)) | dict.fromkeys(paths[10:20], ("legal",))
    rows = entries({**NOTES, **dict.fromkeys(paths, HANDBOOK)}, groups)
    reader = opened(tmp_path_factory.mktemp("backups"), rows)
    yield reader.generation()
    reader.close()


def test_sixty_copies_are_one_passage_each_with_the_other_paths(backups: Generation) -> None:
    best = found(backups, "Rule 3: who works alone?")
    assert len({one.passage.text for one in best}) == 5
    rule = next(one for one in best if "Rule 3" in one.passage.heading_path)
    assert rule.passage.path == "backup-020/handbook.md"
    assert rule.also_in == tuple(f"backup-{number:03}/handbook.md" for number in range(21, 60))


@pytest.mark.parametrize(
    ("groups", "first", "copies"), [(("hr",), 0, 50), (("legal",), 10, 50), (("hr", "legal"), 0, 60), (None, 0, 60)]
)
def test_a_reader_sees_only_the_permitted_copies(
    backups: Generation, groups: Groups | None, first: int, copies: int
) -> None:
    rule = next(one for one in found(backups, "Rule 3", groups) if "Rule 3" in one.passage.heading_path)
    assert rule.passage.path == f"backup-{first:03}/handbook.md"
    assert 1 + len(rule.also_in) == copies
    hidden = {("hr",): range(10, 20), ("legal",): range(10)}.get(groups or (), range(0))
    assert not {f"backup-{number:03}/handbook.md" for number in hidden} & {rule.passage.path, *rule.also_in}


def test_copies_with_titles_of_their_own_leave_room_for_other_passages(tmp_path: Path) -> None:
    """As text files have, whose title is their name: their texts differ, their passages do not."""
    copies = {f"copy {number}.txt": HANDBOOK.replace("# Handbook", f"# Copy {number}", 1) for number in range(60)}
    reader = opened(tmp_path, entries({**NOTES, **copies}, {}))
    assert len({one.passage.text for one in found(reader.generation(), "Rule 3: who works alone?", k=8)}) == 8
    reader.close()
