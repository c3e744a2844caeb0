"""The contract of stores, tested on all three: embedded Chroma, a Chroma server, a Databricks AI Search double."""

import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from databricks.sdk import WorkspaceClient

from ragops.corpus.index.generations.plan import apply_changes, plan_changes
from ragops.corpus.index.stores.chroma import create_embedded, open_embedded
from ragops.corpus.index.stores.chroma_server import collection_name, create_on_server, open_on_server
from ragops.corpus.index.stores.databricks_ai_search import AISearchStore, create_ai_search
from ragops.corpus.index.stores.interface import Store, row_hashes
from ragops.errors import UserError
from tests.support import ai_search_double


@pytest.fixture(scope="module")
def chroma_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("chroma")), "run", "--host", "127.0.0.1", "--port", str(port)]
    folder = tmp_path_factory.mktemp("chroma")
    server = subprocess.Popen([*command, "--path", str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(1200):  # two minutes, for a busy machine
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def workspace(corpus: ModuleType) -> Iterator[WorkspaceClient]:
    with ai_search_double.served() as address:
        yield WorkspaceClient(host=address, token=ai_search_double.TOKEN, auth_type="pat")


@pytest.fixture(params=["embedded", "server", "ai search"])
def store(request: pytest.FixtureRequest, tmp_path: Path, corpus: ModuleType) -> Iterator[Store]:
    def embedded() -> Store:
        return create_embedded(tmp_path / "chroma")

    def server() -> Store:
        name = collection_name(corpus.MODEL.fingerprint, uuid.uuid4().int)
        return create_on_server("127.0.0.1", request.getfixturevalue("chroma_port"), name)

    def ai_search() -> Store:
        name = f"main.docs.passages_{uuid.uuid4().hex}"
        return create_ai_search(request.getfixturevalue("workspace"), "endpoint", name, corpus.DIMENSION)

    makers: dict[str, Callable[[], Store]] = {"embedded": embedded, "server": server, "ai search": ai_search}
    made = makers[request.param]()
    yield made
    made.close()


def test_empty_store_answers_everything(store: Store, corpus: ModuleType) -> None:
    assert store.count() == 0
    assert store.ids() == set()
    assert list(store.scan()) == []
    assert store.get(["unknown"]) == []
    assert store.query(np.ones(corpus.DIMENSION, dtype=np.float32), 3) == []


def test_rows_come_back_as_written(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(1, page=3), corpus.entry(2, text='Überschrift 見出し \U0001f600 \n\t"quoted"', title="Ω")]
    rows.append(replace(corpus.entry(3, title=""), heading_path=()))
    store.upsert(rows)
    ids = [row.chunk_id for row in rows]
    assert [p.row_hash for p in store.passages(ids)] == [row.row_hash for row in rows]
    for stored, row in zip(store.get(ids), rows, strict=True):
        assert stored == row
        assert stored.vector.dtype == np.float32
        assert _cosine(stored.vector, row.vector) == pytest.approx(1.0, abs=1e-5)
    assert {p.chunk_id: p for page in store.scan() for p in page} == {p.chunk_id: p for p in store.passages(ids)}


def test_rows_are_in_the_order_of_ids_and_unknown_ids_are_skipped(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(number) for number in range(5)]
    store.upsert(rows)
    ids = [rows[3].chunk_id, "unknown", rows[0].chunk_id]
    assert [p.chunk_id for p in store.passages(ids)] == [rows[3].chunk_id, rows[0].chunk_id]
    assert [e.chunk_id for e in store.get(ids)] == [rows[3].chunk_id, rows[0].chunk_id]


def test_upsert_is_idempotent(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(number) for number in range(4)]
    store.upsert(rows)
    store.upsert(rows)
    assert store.count() == 4
    assert row_hashes(store) == {row.chunk_id: row.row_hash for row in rows}


def test_upsert_replaces_vector_and_leaves_no_old_metadata(store: Store, corpus: ModuleType) -> None:
    old = corpus.entry(1, page=9)
    new = replace(old, page=None, title="", heading_path=(), vector=corpus.entry(2).vector)
    store.upsert([old])
    store.upsert([new])
    stored = store.get([old.chunk_id])[0]
    assert stored == new
    assert _cosine(stored.vector, new.vector) == pytest.approx(1.0, abs=1e-5)


def test_update_replaces_metadata_and_keeps_vector(store: Store, corpus: ModuleType) -> None:
    old = corpus.entry(1, page=9)
    moved = replace(old, page=None, ordinal=4, path="elsewhere.md", heading_path=())
    store.upsert([old, corpus.entry(2)])
    store.update([moved])
    stored = store.get([old.chunk_id])[0]
    assert stored == moved
    assert store.query(old.vector, 1)[0].chunk_id == old.chunk_id


def test_update_restores_a_manually_changed_text(store: Store, corpus: ModuleType) -> None:
    row = corpus.entry(1)
    store.upsert([replace(row, text="tampered")])
    store.update([row])
    assert store.passages([row.chunk_id])[0].text == row.text


def test_delete_ignores_unknown_ids(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(number) for number in range(3)]
    store.upsert(rows)
    store.delete([rows[1].chunk_id, "unknown"])
    store.delete([])
    assert store.ids() == {rows[0].chunk_id, rows[2].chunk_id}
    assert rows[1].chunk_id not in {hit.chunk_id for hit in store.query(rows[1].vector, 3)}


def test_duplicate_ids_in_a_batch_are_refused_before_writing(store: Store, corpus: ModuleType) -> None:
    with pytest.raises(ValueError, match="twice"):
        store.upsert([corpus.entry(1), corpus.entry(2), corpus.entry(1)])
    assert store.count() == 0


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_unusable_vectors_are_refused(store: Store, corpus: ModuleType, value: float) -> None:
    with pytest.raises(ValueError, match="zero or not finite"):
        store.upsert([replace(corpus.entry(1), vector=np.full(corpus.DIMENSION, value, dtype=np.float32))])


def test_query_returns_cosines_best_first(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(number) for number in range(40)]
    store.upsert(rows)
    question = corpus.entry(99).vector * 5.0  # the length of a vector does not matter
    hits = store.query(question, 10)
    exact = sorted(((_cosine(row.vector, question), row.chunk_id) for row in rows), reverse=True)[:10]
    assert [hit.chunk_id for hit in hits] == [chunk_id for _, chunk_id in exact]
    assert [hit.score for hit in hits] == pytest.approx([cosine for cosine, _ in exact], abs=1e-4)


def test_query_for_more_rows_than_exist_returns_all(store: Store, corpus: ModuleType) -> None:
    store.upsert([corpus.entry(number) for number in range(3)])
    assert len(store.query(corpus.entry(1).vector, 50)) == 3


GROUP_SETS = [(), ("hr",), ("legal",), ("hr", "legal")]


def test_a_reader_finds_only_visible_rows(store: Store, corpus: ModuleType) -> None:
    rows = [replace(corpus.entry(number), groups=GROUP_SETS[number % 4]) for number in range(40)]
    store.upsert(rows)
    question = corpus.entry(99).vector
    for reader in [(), ("hr",), ("legal", "nobody knows"), ("hr", "legal"), ("unknown",), None]:
        seen = [row for row in rows if reader is None or not row.groups or set(row.groups) & set(reader)]
        exact = sorted(seen, key=lambda row: -_cosine(row.vector, question))[:12]
        assert [hit.chunk_id for hit in store.query(question, 12, reader)] == [row.chunk_id for row in exact]
    assert {p.chunk_id: p.groups for page in store.scan() for p in page} == {row.chunk_id: row.groups for row in rows}
    assert row_hashes(store) == {row.chunk_id: row.row_hash for row in rows}


def test_rows_move_between_groups(store: Store, corpus: ModuleType) -> None:
    row, other = corpus.entry(1), replace(corpus.entry(2), groups=("hr",))
    store.upsert([row, other])
    for groups in [("hr",), ("legal",), ("hr", "legal"), ()]:
        moved = replace(row, groups=groups, page=len(groups))
        store.update([moved])
        assert store.get([row.chunk_id]) == [moved]
        assert store.count() == 2
        hits = [{hit.chunk_id for hit in store.query(row.vector, 5, reader)} for reader in [(), ("legal",)]]
        assert [row.chunk_id in found for found in hits] == [not groups, not groups or "legal" in groups]
    store.upsert([replace(row, groups=("hr",))])
    store.delete([other.chunk_id])
    assert store.query(row.vector, 5) == []
    assert store.count() == 1


def test_neighbors_have_the_same_document_and_groups(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(number) for number in range(20)]
    rows[4] = replace(rows[4], groups=("hr",))
    store.upsert(rows)
    assert [p.ordinal for p in store.neighbors(rows[2], [3, 1, 4, 0, 99])] == [0, 1, 3]
    assert store.neighbors(rows[2], [3])[0].row_hash == rows[3].row_hash
    assert store.neighbors(rows[12], [4])[0].row_hash == rows[14].row_hash
    assert store.neighbors(rows[4], [3, 5]) == []
    assert store.neighbors(rows[2], []) == []


def test_more_rows_than_one_call_allows(store: Store, corpus: ModuleType) -> None:
    rows = [corpus.entry(number) for number in range(6000)]
    store.upsert(rows)
    assert store.count() == 6000
    assert row_hashes(store) == {row.chunk_id: row.row_hash for row in rows}
    store.delete([row.chunk_id for row in rows[:5990]])
    assert store.ids() == {row.chunk_id for row in rows[5990:]}


def test_applying_a_plan_makes_the_store_equal(store: Store, corpus: ModuleType) -> None:
    store.upsert(corpus.BEFORE)
    wanted = corpus.source(corpus.AFTER)
    apply_changes(plan_changes(row_hashes(store), wanted.rows()), store, wanted.fetch)
    assert row_hashes(store) == wanted.rows()


def test_embedded_rows_persist(tmp_path: Path, corpus: ModuleType) -> None:
    rows = [replace(corpus.entry(number), groups=("hr",) if number % 5 == 2 else ()) for number in range(250)]
    first = create_embedded(tmp_path)
    first.upsert(rows)
    first.close()
    again = open_embedded(tmp_path)
    assert row_hashes(again) == {row.chunk_id: row.row_hash for row in rows}
    assert all(again.query(row.vector, 1, reader=None)[0].chunk_id == row.chunk_id for row in rows)
    assert again.query(rows[2].vector, 1)[0].chunk_id != rows[2].chunk_id
    again.close()


def test_server_errors_say_what_to_do(chroma_port: int) -> None:
    with pytest.raises(UserError, match="has no collection docs__abababab__1"):
        open_on_server("127.0.0.1", chroma_port, "docs__abababab__1")
    create_on_server("127.0.0.1", chroma_port, "docs__abababab__2").close()
    open_on_server("127.0.0.1", chroma_port, "docs__abababab__2").close()
    with pytest.raises(UserError, match="already has"):
        create_on_server("127.0.0.1", chroma_port, "docs__abababab__2")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(UserError, match="start one with `chroma run`"):
            open_on_server("127.0.0.1", unused.getsockname()[1], "docs__abababab__1")


def test_ai_search_names_the_rows_that_the_service_refused(corpus: ModuleType) -> None:
    class Refusing:
        def upsert_data_vector_index(self, name: str, rows: str) -> object:
            from databricks.sdk.service.vectorsearch import UpsertDataVectorIndexResponse

            answer = {"status": "PARTIAL_SUCCESS", "result": {"failed_primary_keys": ["a"], "success_row_count": 0}}
            return UpsertDataVectorIndexResponse.from_dict(answer)

    class Client:
        vector_search_indexes = Refusing()

    with pytest.raises(UserError, match=r"refused 1 rows \(\['a'\]\)"):
        AISearchStore(Client(), "main.docs.passages").upsert([corpus.entry(1)])


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
