"""ragops serve and ragops mcp as processes: champion, shutdown, kill, a tracking store that is locked."""

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import anyio
import httpx
import mlflow
import pytest
from mcp import Client, StdioServerParameters
from mlflow import MlflowClient

from ragops.answers.prompts.template_files import find, load_templates
from ragops.platform.mlflow_store import open_experiment
from ragops.platform.workspace import LEDGER
from ragops.releases.registry import CHAMPION, ChainRegistry, Version
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import log_chain
from ragops.usecase import load_usecase
from tests.support.notes_index import ROOT, WORKSPACE, publish_notes
from tests.support.openai_double import Behavior
from tests.support.openai_double import serving as language_model
from tests.support.serve_command import COMMAND, TARGET, failing, serving, write_record, write_usecase

MODEL = WORKSPACE.registered("chain")
QUOTES = ("--working-copy", "--model", "quotes")


@pytest.fixture
def unindexed(tmp_path: Path, client: MlflowClient) -> Path:
    write_record(tmp_path)
    return tmp_path


@pytest.fixture
def home(unindexed: Path) -> Path:
    publish_notes(unindexed / "work")
    return unindexed


def until(condition: Callable[[], Any]) -> Any:
    while not (found := condition()):
        time.sleep(0.05)
    return found


def registered(client: MlflowClient) -> tuple[ChainRegistry, list[Version]]:
    """Two versions of the chain with different prompts; there is no champion yet."""
    use_case = load_usecase(ROOT / "usecase.yml")
    use_case = use_case.model_copy(update={"models": use_case.models.with_primary("quotes")})
    templates, registry, versions = load_templates(use_case.prompts, ROOT), ChainRegistry(client, MODEL), []
    experiment = open_experiment("quality")
    for name in ("cite_or_abstain", "brief"):
        chosen = use_case.model_copy(update={"prompts": use_case.prompts.model_copy(update={"answer": name})})
        used = (find(templates, name), find(templates, use_case.prompts.rewrite))
        configuration = ChainConfiguration(
            catalog=WORKSPACE.catalog,
            schema_name=WORKSPACE.schema,
            use_case=chosen,
            templates={one.name: one for one in used},
        )
        with mlflow.start_run(experiment_id=experiment):
            versions.append(registry.register(log_chain(configuration)))
    return registry, versions


def test_the_champion_is_served_and_followed_without_a_restart(home: Path, client: MlflowClient) -> None:
    options = write_usecase(home / "usecase.yml", follow_seconds=0.2)
    line = failing(home, "serve", *TARGET, *options)
    assert "it has no champion yet" in line and "--working-copy" in line
    registry, (first, second) = registered(client)
    registry.point(CHAMPION, first)
    temporary = home / "tmp"
    temporary.mkdir()
    with serving(home, *options, TMPDIR=str(temporary)) as server:
        outputs = server.ask().json()["custom_outputs"]
        assert outputs["chain"] == {"name": MODEL, "version": first.number}
        assert outputs["prompt"].startswith("cite_or_abstain")
        registry.point(CHAMPION, second)
        until(lambda: server.get("/ready")["chain"]["version"] == second.number)
        outputs = server.ask().json()["custom_outputs"]
        assert outputs["chain"]["version"] == second.number and outputs["prompt"].startswith("brief")
        until(lambda: len(list(temporary.glob("ragops-champion-*"))) == 1)  # the old version's files are removed
        registry.drop(CHAMPION)
        until(lambda: "no champion" in (server.get("/ready")["problem"] or ""))
        assert server.ask().json()["custom_outputs"]["chain"]["version"] == second.number
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0
    assert list(temporary.glob("ragops-champion-*")) == []


def test_sigterm_finishes_what_is_under_way_and_refuses_new_questions(home: Path) -> None:
    asked, go = Event(), Event()

    def gated(body: dict[str, Any]) -> Behavior:
        asked.set()
        go.wait(60)
        return Behavior("It eats frogs [1].")

    with (
        language_model(answer=gated) as model,
        serving(home, "--working-copy", "--model", "served", OPENAI_BASE_URL=model.url, OPENAI_API_KEY="k") as server,
        ThreadPoolExecutor(1) as pool,
    ):
        answer = pool.submit(server.ask)
        assert asked.wait(60)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: _refuses(server.url))
        go.set()
        assert answer.result().json()["output"][0]["content"][0]["text"] == "It eats frogs [1]."
        assert server.process.wait(timeout=30) == 0


def test_a_model_that_hangs_does_not_keep_the_process_after_sigterm(home: Path) -> None:
    with (
        language_model(Behavior(hangs=True)) as model,
        serving(home, "--working-copy", "--model", "served", OPENAI_BASE_URL=model.url, OPENAI_API_KEY="k") as server,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(server.ask)
        until(lambda: model.bodies)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) == 0


def test_a_killed_server_leaves_whole_answers_and_starts_again(home: Path) -> None:
    with serving(home, *QUOTES) as server:
        first = server.ask().json()["id"]
        server.process.kill()
    with serving(home, *QUOTES) as server:
        second = server.ask().json()["id"]
    found = {file.stem for file in (WORKSPACE.volume(LEDGER) / "answers").iterdir()}
    assert found == {first, second}


def test_traces_are_written_and_missing_ones_counted_while_answers_come(home: Path, client: MlflowClient) -> None:
    with serving(home, *QUOTES) as server:
        trace = server.ask().json()["custom_outputs"]["trace_id"]
        until(lambda: _trace(home, trace))
        locked = sqlite3.connect(home / "mlflow" / "mlflow.db", isolation_level=None)
        locked.execute("BEGIN EXCLUSIVE")
        assert server.ask().status_code == 200
        until(lambda: server.get("/health")["traces_missing"])
        assert "trace: not written, MLflow's store does not answer" in server.log.read_text()
        locked.close()
        later = server.ask().json()["custom_outputs"]["trace_id"]
        until(lambda: _trace(home, later))


def test_a_port_that_is_taken_is_one_line(home: Path) -> None:
    with serving(home, *QUOTES) as server:
        port = server.url.rpartition(":")[2]
        assert f"port {port}" in failing(home, "serve", *TARGET, *QUOTES, "--port", port)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "0.0.0.0", *QUOTES), "RAGOPS_SERVER_TOKEN"),
        (("--model", "quotes"), "--working-copy"),
        (("--working-copy", "--model", "nothing"), "nothing"),
    ],
)
def test_contradicting_options_are_one_line(options: tuple[str, ...], words: str, home: Path) -> None:
    assert words in failing(home, "serve", *TARGET, *options, RAGOPS_SERVER_TOKEN="")


def test_beyond_loopback_with_a_token(home: Path) -> None:
    with serving(home, *QUOTES, "--host", "0.0.0.0", RAGOPS_SERVER_TOKEN="secret-token") as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{url}/config").status_code == 401
        assert httpx.get(f"{url}/config", headers={"Authorization": "Bearer secret-token"}).status_code == 200
        assert "secret-token" not in server.log.read_text()


def test_without_an_index_the_server_waits_for_one_and_says_so(unindexed: Path) -> None:
    options = write_usecase(unindexed / "usecase.yml", follow_seconds=0.2)
    with serving(unindexed, *QUOTES, *options) as server:
        ready = httpx.get(f"{server.url}/ready")
        assert ready.status_code == 503 and "no index" in ready.json()["error"]["message"]
        assert server.ask().status_code == 503
        publish_notes(unindexed / "work")
        until(lambda: httpx.get(f"{server.url}/ready").status_code == 200)
        assert server.ask().status_code == 200


def test_an_agent_starts_the_tools_as_a_command(home: Path) -> None:
    environment = {name: os.environ[name] for name in ("PATH", "LOCALBUNDLE_HOME", "HOME") if name in os.environ}
    arguments = [*COMMAND[1:], "mcp", *TARGET, *QUOTES]
    server = StdioServerParameters(command=COMMAND[0], args=arguments, cwd=str(ROOT), env=environment)

    async def asked() -> str:
        async with Client(server) as client:
            result = await client.call_tool("ask", {"question": "What does the heron eat?"})
            return str(result.content[0].text)

    assert "eats frogs [1]." in anyio.run(asked)


def _refuses(url: str) -> bool:
    try:
        httpx.get(f"{url}/health", timeout=5)
    except httpx.ConnectError:
        return True
    return False


def _trace(home: Path, trace_id: str) -> bool:
    with sqlite3.connect(home / "mlflow" / "mlflow.db") as store:
        return bool(store.execute("SELECT 1 FROM trace_info WHERE request_id = ?", [trace_id]).fetchall())
