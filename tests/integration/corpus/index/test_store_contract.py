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

from ragops.corpus.index.passages import TextVector
from ragops.corpus.index.stores.chroma import create_embedded, open_embedded
from ragops.corpus.index.stores.chroma_server import collection_name, create_on_server, open_on_server
from ragops.corpus.index.stores.databricks_ai_search import AISearchStore, create_ai_search
from ragops.corpus.index.stores.interface import Store, regroup
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


def text(corpus: ModuleType, number: int, groups: tuple[str, ...] = ()) -> TextVector:
    row = corpus.entry(number)
    return TextVector(row.text_hash, groups, row.vector)


def test_empty_store_answers_everything(store: Store, corpus: ModuleType) -> None:
    assert store.count() == 0
    assert store.texts() == {}
    assert store.get(["unknown"]) == []
    assert store.query(np.ones(corpus.DIMENSION, dtype=np.float32), 3) == []


def test_texts_come_back_as_written_in_the_order_asked_for(store: Store, corpus: ModuleType) -> None:
    rows = [text(corpus, number, ("hr",) if number % 2 else ()) for number in range(5)]
    store.upsert(rows)
    wanted = [rows[3], rows[0]]
    found = store.get([rows[3].text_hash, "unknown", rows[0].text_hash])
    assert found == wanted
    for stored, row in zip(found, wanted, strict=True):
        assert stored.vector.dtype == np.float32
        assert _cosine(stored.vector, row.vector) == pytest.approx(1.0, abs=1e-5)
    assert store.texts() == {row.text_hash: row.groups for row in rows}


def test_upsert_is_idempotent_and_replaces_the_vector(store: Store, corpus: ModuleType) -> None:
    rows = [text(corpus, number) for number in range(4)]
    store.upsert(rows)
    store.upsert(rows)
    assert store.count() == 4
    store.upsert([replace(rows[1], vector=text(corpus, 9).vector)])
    assert store.count() == 4
    stored = store.get([rows[1].text_hash])[0]
    assert _cosine(stored.vector, text(corpus, 9).vector) == pytest.approx(1.0, abs=1e-5)


def test_delete_ignores_unknown_texts(store: Store, corpus: ModuleType) -> None:
    rows = [text(corpus, number) for number in range(3)]
    store.upsert(rows)
    store.delete([rows[1].text_hash, "unknown"])
    store.delete([])
    assert store.texts().keys() == {rows[0].text_hash, rows[2].text_hash}
    assert rows[1].text_hash not in {hit.text_hash for hit in store.query(rows[1].vector, 3)}


def test_a_text_twice_in_a_batch_is_refused_before_writing(store: Store, corpus: ModuleType) -> None:
    with pytest.raises(ValueError, match="twice"):
        store.upsert([text(corpus, 1), text(corpus, 2), text(corpus, 1)])
    assert store.count() == 0


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_unusable_vectors_are_refused(store: Store, corpus: ModuleType, value: float) -> None:
    with pytest.raises(ValueError, match="zero or not finite"):
        store.upsert([replace(text(corpus, 1), vector=np.full(corpus.DIMENSION, value, dtype=np.float32))])


def test_query_returns_cosines_best_first(store: Store, corpus: ModuleType) -> None:
    rows = [text(corpus, number) for number in range(40)]
    store.upsert(rows)
    question = corpus.entry(99).vector * 5.0  # the length of a vector does not matter
    hits = store.query(question, 10)
    exact = sorted(((_cosine(row.vector, question), row.text_hash) for row in rows), reverse=True)[:10]
    assert [hit.text_hash for hit in hits] == [text_hash for _, text_hash in exact]
    assert [hit.score for hit in hits] == pytest.approx([cosine for cosine, _ in exact], abs=1e-4)


def test_query_for_more_texts_than_exist_returns_all(store: Store, corpus: ModuleType) -> None:
    store.upsert([text(corpus, number) for number in range(3)])
    assert len(store.query(corpus.entry(1).vector, 3200)) == 3


GROUP_SETS = [(), ("hr",), ("legal",), ("hr", "legal")]


def test_a_reader_finds_only_visible_texts(store: Store, corpus: ModuleType) -> None:
    rows = [text(corpus, number, GROUP_SETS[number % 4]) for number in range(40)]
    store.upsert(rows)
    question = corpus.entry(99).vector
    for reader in [(), ("hr",), ("legal", "nobody knows"), ("hr", "legal"), ("unknown",), None]:
        seen = [row for row in rows if reader is None or not row.groups or set(row.groups) & set(reader)]
        exact = sorted(seen, key=lambda row: -_cosine(row.vector, question))[:12]
        assert [hit.text_hash for hit in store.query(question, 12, reader)] == [row.text_hash for row in exact]


def test_texts_move_between_groups_and_keep_their_vector(store: Store, corpus: ModuleType) -> None:
    row, other = text(corpus, 1), text(corpus, 2, ("hr",))
    store.upsert([row, other])
    for groups in [("hr",), ("legal",), ("hr", "legal"), ()]:
        regroup(store, {row.text_hash: groups})
        stored = store.get([row.text_hash])[0]
        assert stored == replace(row, groups=groups)
        assert _cosine(stored.vector, row.vector) == pytest.approx(1.0, abs=1e-5)
        assert store.count() == 2
        hits = [{hit.text_hash for hit in store.query(row.vector, 5, reader)} for reader in [(), ("legal",)]]
        assert [row.text_hash in found for found in hits] == [not groups, not groups or "legal" in groups]
    store.upsert([replace(row, groups=("hr",))])
    store.delete([other.text_hash])
    assert store.query(row.vector, 5) == []
    assert store.count() == 1


def test_more_texts_than_one_call_allows(store: Store, corpus: ModuleType) -> None:
    rows = [text(corpus, number) for number in range(6000)]
    store.upsert(rows)
    assert store.count() == 6000
    assert store.texts().keys() == {row.text_hash for row in rows}
    store.delete([row.text_hash for row in rows[:5990]])
    assert store.texts().keys() == {row.text_hash for row in rows[5990:]}


def test_embedded_texts_persist(tmp_path: Path, corpus: ModuleType) -> None:
    rows = [text(corpus, number, ("hr",) if number % 5 == 2 else ()) for number in range(250)]
    first = create_embedded(tmp_path)
    first.upsert(rows)
    first.close()
    again = open_embedded(tmp_path)
    assert again.texts() == {row.text_hash: row.groups for row in rows}
    assert all(again.query(row.vector, 1, reader=None)[0].text_hash == row.text_hash for row in rows)
    assert again.query(rows[2].vector, 1)[0].text_hash != rows[2].text_hash
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
        AISearchStore(Client(), "main.docs.passages").upsert([text(corpus, 1)])


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
