"""Search over a published index: groups, access rules, and refused requests."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragops.answers.retrieval.pipeline import Found
from ragops.answers.retrieval.search import Searcher
from ragops.answers.retrieval.settings import RetrievalSettings
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.index.access import AccessRule, groups_of, rules_digest
from ragops.corpus.index.generations.manifest import IndexedModel
from ragops.corpus.index.generations.publish import IndexSource, publish
from ragops.corpus.index.passages import Entry
from ragops.errors import UserError
from tests.support.locks import lock_of

MODEL = EmbeddingModel(name="toy", source="endpoint:toy", dimension=16, max_tokens=64)
RULES = (AccessRule(path="hr/**", groups=("hr",)), AccessRule(path="legal/**", groups=("legal", "board")))
FOLDERS = ("public", "hr", "legal")
SECRETS = {"hr": "salaries", "legal": "lawsuits"}


class Hashing:
    """An encoder from hashed words: texts with common words have similar vectors."""

    dimension = 16

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([vector(text) for text in texts])

    encode_documents = encode_queries


def vector(text: str) -> np.ndarray:
    seeds = [int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) for word in text.lower().split() or [""]]
    summed = sum(np.random.default_rng(seed).standard_normal(16) for seed in seeds)
    return (summed / np.linalg.norm(summed)).astype(np.float32)


def entry(number: int, of_rules: Sequence[AccessRule]) -> Entry:
    folder = FOLDERS[number % 3]
    text = f"chapter{number} about {SECRETS.get(folder, 'holidays')} and other things number {number}"
    row = Entry(
        chunk_id=hashlib.sha256(text.encode()).hexdigest(),
        doc_id=f"doc-{folder}",
        text=text,
        heading_path=("Part",),
        title=folder,
        path=f"{folder}/a.md",
        page=None,
        ordinal=number // 3,
        text_hash=hashlib.sha256(text.encode()).hexdigest(),
        vector=vector(text),
    )
    return replace(row, groups=groups_of(of_rules)(row.path))


def publish_rows(root: Path, work: Path, rules: Sequence[AccessRule]) -> None:
    rows = {row.chunk_id: row for row in (entry(number, rules) for number in range(45))}
    hashes = {chunk_id: row.row_hash for chunk_id, row in rows.items()}

    def fetch(ids: Sequence[str]) -> Iterator[list[Entry]]:
        yield [rows[chunk_id] for chunk_id in ids]

    model = IndexedModel(fingerprint=fingerprint(MODEL), name="toy", dimension=16)
    digest = rules_digest(rules)
    source = IndexSource(model, f"v{digest}", lambda: hashes, fetch, digest)
    publish(root, source, lock=lock_of(root), run_id="t", work_directory=work)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        publish_rows(folder / "index", folder / "work", RULES)
    return folder / "index"


@pytest.fixture
def searcher(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Searcher]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = RetrievalSettings(fusion="weighted", duplicates=None, neighbours=2, within_section=True)
    made = Searcher(root, MODEL, Hashing(), settings, known_groups=("hr", "legal", "board"), rules=RULES)
    yield made
    made.close()


def folders(found: Sequence[Found]) -> set[str]:
    return {one.passage.path.split("/")[0] for one in found}


@pytest.mark.parametrize(
    ("groups", "seen"),
    [
        ((), {"public"}),
        (("hr",), {"public", "hr"}),
        (("board",), {"public", "legal"}),
        (("hr", "board"), {"public", "hr", "legal"}),
    ],
)
def test_a_caller_finds_exactly_what_the_groups_may_see(
    searcher: Searcher, groups: tuple[str, ...], seen: set[str]
) -> None:
    found = searcher.search("salaries lawsuits holidays", 100, groups)
    assert folders(found) == seen
    assert len(found) == 15 * len(seen)
    assert len(searcher.search("salaries lawsuits", groups=groups)) == 5  # the settings' k


def test_a_context_has_no_neighbors_restricted_to_other_groups(searcher: Searcher) -> None:
    def count(texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    context = searcher.context("salaries lawsuits", count, groups=["hr"])
    assert context.sources
    assert all("lawsuits" not in source.text for source in context.sources)
    assert any(len(source.chunk_ids) > 1 for source in context.sources)
    assert "salaries" not in " ".join(source.text for source in searcher.context("salaries", count).sources)


def test_unknown_groups_and_invalid_questions_are_refused(searcher: Searcher) -> None:
    with pytest.raises(UserError, match="group 'bord': .* did you mean board"):
        searcher.search("why?", groups=["bord"])
    for question in ("", "\x00", "\udcff", "x" * 1_048_576):
        with pytest.raises(UserError, match="^question: "):
            searcher.search(question)


def test_an_unknown_group_grants_nothing_if_groups_are_not_listed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    searcher = Searcher(root, MODEL, Hashing())
    assert folders(searcher.search("salaries", 100, ["nobody knows this one"])) == {"public"}
    searcher.close()


def test_an_index_published_under_other_rules_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    publish_rows(tmp_path / "index", tmp_path / "work", ())
    with pytest.raises(UserError, match="was not published under the use case's corpus.access"):
        Searcher(tmp_path / "index", MODEL, Hashing(), rules=RULES)
    searcher = Searcher(tmp_path / "index", MODEL, Hashing())
    assert folders(searcher.search("salaries", 100)) == set(FOLDERS)
    publish_rows(tmp_path / "index", tmp_path / "work", RULES)
    assert folders(searcher.search("salaries", 100)) == {"public"}
    searcher.close()


def test_an_index_of_another_model_is_refused(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    other = MODEL.model_copy(update={"query_prompt": "query: "})
    with pytest.raises(UserError, match="was built with model toy"):
        Searcher(root, other, Hashing())
