from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragops.answers.retrieval.pipeline import Found, retrieve
from ragops.answers.retrieval.settings import Rerank, RerankModel, RetrievalSettings
from ragops.corpus.index.access import visible
from ragops.corpus.index.passages import Entry
from tests.support.memory_generation import make_generation, make_passage

RERANK = Rerank(model=RerankModel(name="m", source="hub:a/b"), top=4)
GROUPS = [(), ("hr",), ("legal",), ("hr", "legal")]


class ByLength:
    """Prefers long texts; remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, list[str]]] = []

    def score(self, question: str, texts: Sequence[str]) -> np.ndarray:
        self.given.append((question, list(texts)))
        return np.array([len(text) / 1000 for text in texts], dtype=np.float32)


@pytest.fixture(scope="session")
def rows() -> list[Entry]:
    return [make_passage(number, groups=GROUPS[number % 4]) for number in range(24)]


def ids(found: Sequence[Found]) -> list[str]:
    return [one.passage.chunk_id for one in found]


def test_results_carry_the_ranks_of_the_searches_that_found_them(rows: list[Entry]) -> None:
    generation, vector = make_generation(rows), rows[3].vector
    plain = RetrievalSettings(k=3, duplicates=None)
    dense = retrieve(generation, "number8", vector, plain.model_copy(update={"fusion": "dense"}), None)
    assert (ids(dense)[0], dense[0].dense_rank, dense[0].lexical_rank) == ("d003", 1, None)
    lexical = retrieve(generation, "number8", vector, plain.model_copy(update={"fusion": "lexical"}), None)
    assert [(one.passage.chunk_id, one.dense_rank, one.lexical_rank) for one in lexical] == [("d008", None, 1)]
    both = {one.passage.chunk_id: one for one in retrieve(generation, "number8", vector, plain, None)}
    assert both["d003"].dense_rank == both["d008"].lexical_rank == 1
    assert len(both) == 3


@pytest.mark.parametrize("fusion", ["dense", "lexical", "reciprocal_rank", "weighted"])
def test_similarity_does_not_depend_on_the_search_that_found_the_passage(rows: list[Entry], fusion: str) -> None:
    vector = rows[3].vector
    chosen = RetrievalSettings(k=3, candidates=3, duplicates=None).model_copy(update={"fusion": fusion})
    vectors = {row.chunk_id: row.vector / np.linalg.norm(row.vector) for row in rows}
    for one in retrieve(make_generation(rows), "number8 number20", vector, chosen, None):
        cosine = float(vectors[one.passage.chunk_id] @ vector / np.linalg.norm(vector))
        assert one.similarity == pytest.approx(cosine, abs=1e-4)


def test_a_passage_that_one_search_missed_is_weighed_with_its_real_score_there(rows: list[Entry]) -> None:
    """With one candidate each, the words of the nearest passage and the nearness of the best worded one still count."""
    texts = {3: "bread and salt", 8: "bread, salt and butter", 9: "butter"}
    some = [replace(row, text=texts.get(number, row.text)) for number, row in enumerate(rows)]
    generation, question = make_generation(some), "bread with salt and butter"
    few, all_found = (
        RetrievalSettings(fusion="weighted", candidates=candidates, k=candidates, duplicates=None)
        for candidates in (1, len(rows))
    )
    lexical = generation.lexical(question, len(rows), reader=None)
    (best,) = retrieve(generation, question, rows[3].vector, few, None)
    assert lexical[0].text_hash == rows[8].text_hash
    assert best.passage.chunk_id == "d003"
    assert best.score == pytest.approx(0.5 + 0.5 * lexical[1].score / lexical[0].score)
    assert retrieve(generation, question, rows[3].vector, all_found, None)[0].passage.chunk_id == "d003"


def test_near_duplicate_passages_appear_once() -> None:
    rows = [make_passage(number, "the same words in each of these") for number in range(5)] + [make_passage(9)]
    chosen = RetrievalSettings(k=5, fusion="dense")
    generation = make_generation(rows)
    assert ids(retrieve(generation, "words", rows[2].vector, chosen, None)) in (["d002", "d009"], ["d009", "d002"])
    kept = chosen.model_copy(update={"duplicates": None})
    assert len(retrieve(generation, "words", rows[2].vector, kept, None)) == 5


def test_the_reranker_reads_the_best_passages_with_their_headings(rows: list[Entry]) -> None:
    reranker = ByLength()
    chosen = RetrievalSettings(k=2, rerank=RERANK, fusion="dense")
    longest = replace(rows[0], text="Text number0 " + "and more " * 20)
    generation = make_generation([longest, *rows[1:]])
    first = retrieve(generation, "why?", rows[0].vector, chosen, None, reranker)
    question, texts = reranker.given[0]
    assert (question, len(texts)) == ("why?", 4)
    assert texts[0].startswith("Title\nTitle\nS\n")
    assert first[0].passage.chunk_id == "d000"
    assert first[0].score == pytest.approx(len(texts[0]) / 1000)


def test_without_a_reranker_the_order_of_the_fusion_is_kept(rows: list[Entry]) -> None:
    generation, vector = make_generation(rows), rows[5].vector
    chosen = RetrievalSettings(k=4)
    reranked = chosen.model_copy(update={"rerank": RERANK})
    assert retrieve(generation, "number5", vector, reranked, None) == retrieve(
        generation, "number5", vector, chosen, None
    )


def test_mmr_prefers_diverse_passages() -> None:
    near = [make_passage(number) for number in range(3)]
    rows = [near[0], replace(near[1], vector=near[0].vector), near[2]]
    chosen = RetrievalSettings(k=2, fusion="dense", mmr=0.1)
    assert ids(retrieve(make_generation(rows), "x", near[0].vector, chosen, None)) == ["d000", "d002"]
    plain = chosen.model_copy(update={"mmr": None})
    assert ids(retrieve(make_generation(rows), "x", near[0].vector, plain, None)) == ["d000", "d001"]
    assert retrieve(make_generation([]), "x", near[0].vector, chosen, None) == []


@settings(deadline=None)
@given(
    groups=st.frozensets(st.sampled_from(["hr", "legal", "it"])),
    fusion=st.sampled_from(["dense", "lexical", "reciprocal_rank", "weighted"]),
    mmr=st.none() | st.floats(0, 1),
    rerank=st.booleans(),
    k=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
def test_no_setting_reveals_passages_of_other_groups(
    rows: list[Entry], groups: frozenset[str], fusion: str, mmr: float | None, rerank: bool, k: int, seed: int
) -> None:
    chosen = RetrievalSettings(fusion=fusion, mmr=mmr, rerank=RERANK if rerank else None, k=k, duplicates=None)
    vector = np.random.default_rng(seed).standard_normal(8).astype(np.float32)
    reranker = ByLength()
    found = retrieve(make_generation(rows), "text of a passage", vector, chosen, groups, reranker)
    assert all(visible(one.passage.groups, groups) for one in found)
    seen = sum(visible(row.groups, groups) for row in rows)
    assert len(found) == len(set(ids(found))) == min(k, seen)
    hidden = {row.text for row in rows if not visible(row.groups, groups)}
    assert not any(text.split("\n")[-1] in hidden for _, texts in reranker.given for text in texts)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True) or mmr is not None


COPIES = st.lists(st.tuples(st.integers(0, 23), st.sampled_from(GROUPS)), max_size=200)


@settings(deadline=None, max_examples=50)
@given(
    copies=COPIES,
    reader=st.none() | st.frozensets(st.sampled_from(["hr", "legal", "it"])),
    fusion=st.sampled_from(["dense", "lexical", "reciprocal_rank", "weighted"]),
    duplicates=st.none() | st.just(0.9),
    k=st.integers(1, 12),
    number=st.integers(0, 23),
)
def test_copies_never_change_what_else_is_found(
    rows: list[Entry],
    copies: list[tuple[int, tuple[str, ...]]],
    reader: frozenset[str] | None,
    fusion: str,
    duplicates: float | None,
    k: int,
    number: int,
) -> None:
    """Of passages that the reader may see anyway; the copies may be restricted to other groups."""
    chosen = RetrievalSettings(fusion=fusion, k=k, candidates=12, duplicates=duplicates)
    seen = [row for row in rows if visible(row.groups, reader)]
    copied = [
        replace(rows[of], chunk_id=f"copy{copy}", doc_id="copies", path=f"copies/{copy:03}.md", groups=groups)
        for copy, (of, groups) in enumerate(copies)
        if visible(rows[of].groups, reader)
    ]
    question = f"text number{number} of a passage"
    before, after = (
        retrieve(make_generation(some), question, rows[number].vector, chosen, reader) for some in (seen, seen + copied)
    )
    assert [replace(one, passage=rows[0]) for one in before] == [
        replace(one, passage=rows[0], also_in=()) for one in after
    ]
    assert [one.passage.text for one in before] == [one.passage.text for one in after]
    paths = {row.path for row in seen + copied if visible(row.groups, reader)}
    assert all({one.passage.path, *one.also_in} <= paths for one in after)


def test_near_duplicates_do_not_leave_fewer_passages_than_wanted() -> None:
    near = [make_passage(number, "the same words in each of these") for number in range(60)]
    others = [make_passage(number, f"other{number} words entirely") for number in range(100, 110)]
    same = [replace(row, vector=near[0].vector) for row in near]
    chosen = RetrievalSettings(k=5, candidates=10, fusion="dense")
    found = retrieve(make_generation([*same, *others]), "words", near[0].vector, chosen, None)
    assert len({one.passage.text for one in found}) == 5


def test_the_paths_of_permitted_copies_are_given() -> None:
    row = make_passage(1)
    copies = [
        replace(row, chunk_id=f"c{n}", doc_id=f"c{n}", path=f"c{n}.md", groups=groups)
        for n, groups in enumerate(GROUPS)
    ]
    chosen = RetrievalSettings(k=1, fusion="dense")
    generation = make_generation([row, *copies])
    seen = {
        groups: (found.passage.path, *found.also_in)
        for groups in [(), ("hr",), ("legal",)]
        for found in retrieve(generation, "x", row.vector, chosen, groups)
    }
    assert seen == {
        (): ("c0.md", "d.md"),
        ("hr",): ("c0.md", "c1.md", "c3.md", "d.md"),
        ("legal",): ("c0.md", "c2.md", "c3.md", "d.md"),
    }
