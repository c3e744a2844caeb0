"""The Spark Connect server of a local workspace: one JVM with Delta and a Hive catalog in `.localbundle/TARGET/`."""

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict, ValidationError

from localbundle.errors import BundleError
from localbundle.workspace.catalogs import ALWAYS
from localbundle.workspace.environment import OWNER, workspace_environment
from localbundle.workspace.jars import Progress, class_path, delta_jars, find_java, spark_home
from localbundle.workspace.processes import create_time, is_alive, stop_tree

_START_SECONDS = 120
_STOP_PATIENCE = 20.0  # Derby writes its checkpoint while it shuts down


class ServerState(BaseModel):
    """The content of server.json.

    Attributes:
        pid: the process id of the server.
        create_time: its start, in seconds since the epoch.
        port: its port on localhost.
        token: what clients authenticate with.
        kept: started by `localbundle up`; no run stops it.
        strict_volumes: the rule for its Python workers as long as it runs.
        catalogs: the names that it has for its one catalog.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    create_time: float
    port: int
    token: str
    kept: bool
    strict_volumes: bool = False
    catalogs: tuple[str, ...] = ()

    @property
    def remote(self) -> str:
        """The URL for a client. The host must be the name localhost: with an IP address and a token clients use TLS."""
        return f"sc://localhost:{self.port}/;token={self.token}"


class Server:
    """Starts, finds, shares and stops the server of the workspace in `home`.

    With `strict_volumes` its processes find volumes as strict as on Databricks. `catalogs` are further names of its one
    catalog.
    """

    def __init__(self, home: Path, *, strict_volumes: bool = True, catalogs: Sequence[str] = ALWAYS) -> None:
        self.home = home
        self._catalogs = tuple(catalogs)
        self._strict_volumes = strict_volumes
        self._state_file = home / "server.json"
        self._in_use: IO[str] | None = None
        self._abandoned = threading.Event()
        self._scratch = home.resolve() / "scratch"

    def state(self) -> ServerState | None:
        """The running server; None if there is none, or if the process in the state file is gone."""
        try:
            state = ServerState.model_validate_json(self._state_file.read_text("utf-8"))
        except (OSError, ValidationError):
            return None
        return state if is_alive(state.pid, state.create_time) else None

    def use(self, progress: Progress, *, keep: bool = False, owner: str | None = None) -> ServerState:
        """Finds the server or starts one, and marks it as in use until `release`; with `keep` it outlives its users.

        A second caller waits while the first one starts it.

        Raises:
            BundleError: the server did not start (the message has the reason from its log), or the running one has
                the other volume rule.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        with self._exclusively("server.lock"):
            state = self.state() or self._start(progress, keep, owner)
            self._check(state)
            if keep and not state.kept:
                state = self._write(state.model_copy(update={"kept": True}))
            self._in_use = (self.home / "users.lock").open("a")
            fcntl.flock(self._in_use, fcntl.LOCK_SH)
            return state

    def abandon(self) -> None:
        """Makes a `use` that waits for a start in another thread stop waiting."""
        self._abandoned.set()

    def release(self) -> None:
        """Ends the use by this process; the last user stops a server that is not kept."""
        if self._in_use is not None:
            self._in_use.close()
            self._in_use = None
        self.stop_unused()

    def stop_unused(self) -> None:
        """Stops the server unless it is kept or in use."""
        if not self._state_file.exists():
            return
        with self._exclusively("server.lock"), (self.home / "users.lock").open("a") as users:
            state = self.state()
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if state is None or not state.kept:
                    self._stop(state)

    def stop(self) -> bool:
        """Stops the server and its children, even if it is in use. False if none was running."""
        if not self.home.is_dir():
            return False
        with self._exclusively("server.lock"):
            state = self.state()
            self._stop(state)
            return state is not None

    def environment(self, state: ServerState | None = None) -> dict[str, str]:
        """The environment variables of tasks, Spark's Python workers and tools in this workspace: see CONTRACT.md.

        Args:
            state: the running server, if there is one.
        """
        remote = state.remote if state else ""
        return workspace_environment(self.home, strict_volumes=self._strict_volumes, remote=remote)

    def _check(self, state: ServerState) -> None:
        missing = [name for name in self._catalogs if name not in state.catalogs]
        what = f"strict_volumes: {str(state.strict_volumes).lower()}, which has changed since" * (
            state.strict_volumes != self._strict_volumes
        ) or f"no catalog {', '.join(missing)}" * bool(missing)
        if what:
            target = self.home.name
            fix = f"stop it with `localbundle down -t {target}`, then try again"
            raise BundleError(f"Spark of target {target} was started with {what}; {fix}")

    @contextlib.contextmanager
    def _exclusively(self, name: str) -> Iterator[None]:
        with (self.home / name).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, state: ServerState) -> ServerState:
        draft = self._state_file.with_suffix(".tmp")
        with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(state.model_dump_json())
        draft.replace(self._state_file)
        return state

    def _stop(self, state: ServerState | None) -> None:
        if state is not None:
            stop_tree(state.pid, state.create_time, _STOP_PATIENCE)
        self._state_file.unlink(missing_ok=True)

    def _start(self, progress: Progress, keep: bool, owner: str | None) -> ServerState:
        java = find_java(progress)
        jars = delta_jars(java, progress)
        progress("starting Spark")
        # A killed server leaves its shuffle files there, and Hive a folder for each session.
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        port, token = _free_port(), secrets.token_urlsafe(24)
        properties = self._write_properties(jars, port, token, keep)
        log = (self.home / "server.log").open("w")
        process = subprocess.Popen(
            self._command(properties),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            start_new_session=True,
            env=self._server_environment(java, owner),
        )
        state = ServerState(
            pid=process.pid,
            create_time=create_time(process.pid),
            port=port,
            token=token,
            kept=keep,
            strict_volumes=self._strict_volumes,
            catalogs=self._catalogs,
        )
        self._write(state)
        try:
            self._wait(process, port)
        except BaseException:
            self._stop(state)
            raise
        return state

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise BundleError(f"Spark did not start: {self._reason()}; the whole log is {self.home}/server.log")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            if self._abandoned.wait(0.1):
                raise BundleError("Spark was not started: the run was stopped")
        raise BundleError(f"Spark did not answer within {_START_SECONDS} s; see {self.home}/server.log")

    def _reason(self) -> str:
        lines = (self.home / "server.log").read_text("utf-8", errors="replace").splitlines()
        reasons = [line for line in lines if re.search(r"^[^\t].*(Exception|Error|not found)", line)]
        return (reasons or lines or ["no output"])[-1].strip()

    def _server_environment(self, java: Path, owner: str | None) -> dict[str, str]:
        mine = {OWNER: owner} if owner else {}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("SPARK_", "PYSPARK_"))}
        inherited.pop(OWNER, None)
        spark = {
            "JAVA_HOME": str(java),
            "SPARK_HOME": str(spark_home()),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONF_DIR": str(self.home / "conf"),
        }
        return inherited | self.environment() | spark | mine

    def _command(self, properties: Path) -> list[str]:
        submit = str(spark_home() / "bin" / "spark-submit")
        main = "org.apache.spark.sql.connect.service.SparkConnectServer"
        return [submit, "--properties-file", str(properties), "--class", main, "spark-internal"]

    def _write_properties(self, jars: list[Path], port: int, token: str, keep: bool) -> Path:
        """The configuration is in a file of mode 0600: a token on the command line is visible in `ps`."""
        conf = self.home / "conf"
        conf.mkdir(exist_ok=True)
        (conf / "log4j2.properties").write_text(_LOGGING, "utf-8")
        file = conf / "spark.properties"
        lines = "".join(f"{key} {value}\n" for key, value in self._conf(jars, port, token, keep).items())
        with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
            out.write(lines)
        return file

    def _conf(self, jars: list[Path], port: int, token: str, keep: bool) -> dict[str, str]:
        home = self.home.resolve()
        catalog = home / "catalog"
        folders = {
            "java.io.tmpdir": self._scratch,
            "derby.system.home": catalog,
            "derby.stream.error.file": catalog / "derby.log",
        }
        # The metaspace starts at 21 MB, and each step to the 200 MB that a run needs is a full collection.
        start = ["-XX:-UsePerfData", "-XX:MetaspaceSize=256m"]
        java_options = " ".join([*start, *(f"-D{name}={folder}" for name, folder in folders.items())])
        return {
            "spark.master": "local[*]",
            "spark.app.name": f"localbundle {home.name}",
            "spark.driver.memory": "2g",
            "spark.driver.extraJavaOptions": f"-XX:+UseSerialGC {_compiler(keep)} {java_options}",
            "spark.driver.extraClassPath": os.pathsep.join(map(str, class_path(jars))),
            "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.connect.authenticate.token": token,
            # Ends the query of a killed client soon; by default Spark would continue it for five minutes.
            "spark.connect.execute.manager.detachedTimeout": "20s",
            "spark.connect.execute.manager.maintenanceInterval": "5s",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.local.dir": str(self._scratch),
            "spark.sql.warehouse.dir": f"{home}/warehouse",
            "spark.sql.catalogImplementation": "hive",
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={catalog}/metastore;create=true",
            "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
            "spark.hadoop.hive.metastore.schema.verification": "false",
            # Tries three queries in each new thread, and Spark Connect has one for each operation.
            "spark.hadoop.hive.metastore.try.direct.sql": "false",
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension,localbundle.BoundParameters",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            **{f"spark.sql.catalog.{name}": "localbundle.CatalogAlias" for name in self._catalogs},
            "spark.sql.sources.default": "delta",  # as on Databricks
            "spark.sql.shuffle.partitions": "2",
            "spark.databricks.delta.snapshotPartitions": "1",
            "spark.sql.execution.arrow.pyspark.enabled": "true",
            "spark.python.daemon.module": "localbundle.workspace.spark_daemon",
            "spark.sql.session.timeZone": "UTC",
            # Code generated per query is compiled by Janino and then by the JVM: for small tables that is half of a
            # run's CPU time; for 200,000 rows, queries without it take no longer.
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        }


def _compiler(keep: bool) -> str:
    """Options of the JVM's just-in-time compiler.

    The optimizing compiler does not pay off within one run. On a server that stays it makes large merges twice as
    fast, but with its default thresholds it takes half of the CPU time of small ones: it gets the hot methods only.
    """
    if not keep:
        return "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"  # its default of 48 MB is full in one run
    thresholds = {"Invocation": 100_000, "MinInvocation": 12_000, "Compile": 300_000, "BackEdge": 800_000}
    return " ".join(f"-XX:Tier4{name}Threshold={value}" for name, value in thresholds.items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_LOGGING = """rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex{8}
"""
