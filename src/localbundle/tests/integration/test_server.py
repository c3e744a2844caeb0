import os
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from localbundle.workspace.jars import class_path, delta_jars, find_java, spark_home
from localbundle.workspace.processes import is_alive
from localbundle.workspace.server import Server, ServerState
from localbundle_support.waiting import eventually
from pyspark.sql import SparkSession, functions


def silent(note: str) -> None:
    pass


def session(state: ServerState) -> SparkSession:
    return SparkSession.builder.remote(state.remote).create()


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    server = Server(tmp_path_factory.mktemp("merging") / "dev")
    client = session(server.use(silent))
    yield client
    client.stop()
    server.release()


@pytest.mark.parametrize("kind", ["map", "scalar"])
def test_a_merge_through_connect_computes_a_python_source_once(spark: SparkSession, tmp_path: Path, kind: str) -> None:
    """Delta's default sees the Python in a source and keeps its rows: a model must not run twice over each."""

    def note(rows: int) -> None:
        import uuid

        (tmp_path / uuid.uuid4().hex).write_text(str(rows))

    def encode(batches):
        for batch in batches:
            note(len(batch))
            yield batch.assign(v=batch["id"].astype(str))

    @functions.pandas_udf("string")
    def encoded(ids: pd.Series) -> pd.Series:
        note(len(ids))
        return ids.astype(str)

    spark.sql(f"CREATE TABLE merged_{kind} (id BIGINT, v STRING) USING delta")
    spark.sql(f"INSERT INTO merged_{kind} VALUES (1, 'old'), (100, 'gone')")
    numbers = spark.range(0, 40, 1, 2)
    source = (
        numbers.mapInPandas(encode, "id bigint, v string") if kind == "map" else numbers.select("id", encoded("id"))
    )
    source.toDF("id", "v").createOrReplaceTempView("source")
    spark.sql(
        f"MERGE INTO merged_{kind} t USING source s ON t.id = s.id WHEN MATCHED THEN UPDATE SET * "
        "WHEN NOT MATCHED THEN INSERT * WHEN NOT MATCHED BY SOURCE THEN DELETE"
    )
    merged = {row.id: row.v for row in spark.table(f"spark_catalog.default.merged_{kind}").collect()}
    assert merged == {number: str(number) for number in range(40)}
    assert sum(int(file.read_text()) for file in tmp_path.iterdir()) == 40


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers") / "dev"


def test_tables_and_comments_survive_a_killed_server(home: Path) -> None:
    server = Server(home)
    first = server.use(silent)
    assert stat.S_IMODE((home / "server.json").stat().st_mode) == 0o600
    assert first.token not in " ".join(psutil.Process(first.pid).cmdline())
    listening = [c for c in psutil.net_connections("inet") if c.pid == first.pid and c.status == "LISTEN"]
    addresses = {c.laddr.ip for c in listening}
    assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}
    spark = session(first)
    spark.sql("CREATE SCHEMA kept_schema COMMENT 'for tests'")
    spark.sql("CREATE TABLE kept_schema.t (id BIGINT COMMENT 'the id') USING delta CLUSTER BY (id)")
    spark.sql("INSERT INTO kept_schema.t VALUES (7)")
    litter = set((home / "scratch").iterdir())
    assert any(folder.name.endswith("_resources") for folder in litter), "Hive's folders belong to the workspace"
    spark.stop()  # while the server answers: a client of Spark 4.1 waits minutes for one that is gone
    os.kill(first.pid, signal.SIGKILL)
    assert eventually(lambda: server.state() is None)
    second = server.use(silent)
    assert second.pid != first.pid
    assert not litter & set((home / "scratch").iterdir())
    again = session(second)
    assert [row.id for row in again.table("spark_catalog.kept_schema.t").collect()] == [7]
    assert again.catalog.listColumns("kept_schema.t")[0].description == "the id"
    server.release()
    assert server.state() is None
    assert not is_alive(second.pid, second.create_time)


def test_the_last_user_stops_a_shared_server(home: Path) -> None:
    first, second = Server(home), Server(home)
    state = first.use(silent)
    assert second.use(silent) == state
    first.release()
    assert is_alive(state.pid, state.create_time)
    second.release()
    assert not is_alive(state.pid, state.create_time)


def test_a_kept_server_outlives_its_users_until_it_is_stopped(home: Path) -> None:
    server = Server(home)
    state = server.use(silent, keep=True)
    server.release()
    assert server.state() == state
    assert server.stop()
    assert not is_alive(state.pid, state.create_time)
    assert not server.stop()


HOLDER = """
import sys, time
from pathlib import Path
from localbundle.workspace.cleanup_guard import guarded
from localbundle.workspace.processes import new_owner
from localbundle.workspace.server import Server
home, owner = Path(sys.argv[1]), new_owner()
with guarded(home, owner):
    print(Server(home).use(lambda note: None, owner=owner).pid, flush=True)
    time.sleep(600)
"""


def test_the_guard_stops_the_server_of_a_killed_run(home: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", HOLDER, str(home)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    run.kill()
    run.wait()
    assert eventually(lambda: not psutil.pid_exists(pid))


def test_a_state_file_of_a_reused_pid_counts_as_none(tmp_path: Path) -> None:
    me = psutil.Process()
    state = ServerState(pid=me.pid, create_time=me.create_time() - 100, port=1, token="t", kept=True)
    (tmp_path / "server.json").write_text(state.model_dump_json())
    assert Server(tmp_path).state() is None
    assert not Server(tmp_path).stop()
    assert me.is_running()


def test_the_jar_is_what_the_compiler_makes_of_its_sources(home: Path, tmp_path: Path) -> None:
    """Rebuild it with: javac --release 17 -g:none -cp DELTA_AND_SPARK_JARS -d FOLDER *.java."""
    java = find_java(silent)
    compiler = java / "bin" / "javac"
    if not compiler.is_file():
        pytest.skip("needs a JDK: this Java has no compiler")
    delta = delta_jars(java, silent)
    ours, others = class_path(delta)[0], [*delta, spark_home() / "jars" / "*"]
    sources = [str(file) for file in sorted(ours.parent.glob("*.java"))]
    words = ["--release", "17", "-g:none", "-cp", os.pathsep.join(map(str, others)), "-d", str(tmp_path), *sources]
    subprocess.run([compiler, *words], check=True)
    with zipfile.ZipFile(ours) as jar:
        kept = {name: jar.read(name) for name in jar.namelist()}
    made = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*.class")}
    assert made.keys() == kept.keys()
    if "17." in subprocess.run([compiler, "-version"], capture_output=True, text=True, check=True).stdout:
        assert made == kept
