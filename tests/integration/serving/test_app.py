"""The Databricks App: the deployed files, only the packages of requirements.txt, its memory, all else by requests."""

import json
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import mlflow
import pytest
import yaml
from mlflow.types.responses import ResponsesAgentRequest

from ragops.assembly import Locations, open_chain
from ragops.corpus.embeddings.conversion import convert, on_this_machine
from ragops.corpus.index.generations.published_files import index_root
from ragops.platform.collected import parsed
from ragops.platform.mlflow_store import open_experiment
from ragops.platform.workspace import Workspace, cache_folder, models_folder
from ragops.quality.feedback.files import answer_file
from ragops.quality.feedback.rows import AnswerRow, Verdict
from ragops.serving.model.agent import ChainAgent
from ragops.serving.model.configuration import ChainConfiguration
from ragops.serving.model.log_model import log_chain
from ragops.usecase import UseCase, load_usecase
from tests.support.app_double import ENDPOINT, MODEL, USER_TOKEN, AppDouble, app_workspace
from tests.support.app_proxy import USER, proxy
from tests.support.apps import CPUS, MEMORY, App, build, deploy, running
from tests.support.browser import launched, needs_chromium
from tests.support.notes_index import ROOT, WORKSPACE, copy_files, publish_notes

ANN = {"X-Forwarded-Email": USER, "X-Forwarded-Access-Token": USER_TOKEN}
ASKED = "What does the heron eat?"
AT_ONCE, QUESTIONS = 8, 40


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("app") / "venv")


@pytest.fixture(scope="module")
def home(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A local workspace with a published index and an MLflow store."""
    home = tmp_path_factory.mktemp("home")
    (home / "mlflow").mkdir()
    shutil.copy(migrated, home / "mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCALBUNDLE_HOME", str(home))
        publish_notes(home / "work")
        yield home


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return deploy(tmp_path / "source")


@pytest.fixture(scope="module")
def double(home: Path) -> Iterator[tuple[AppDouble, str]]:
    """The workspace of the App, where its volumes are not mounted."""
    volumes = home / "Volumes" / "main" / "rag"  # as the App calls the schema
    copy_files(index_root(WORKSPACE).parent, volumes / "indexes")
    (volumes / "ledger").mkdir()
    encoder = on_this_machine(convert(quoting().embedding, models_folder(WORKSPACE)))
    copy_files(encoder, volumes / "indexes" / "models" / encoder.name)
    double = AppDouble(volumes, models=home / "models")
    with app_workspace(double) as address:
        yield double, address
    assert double.faults == [] and double.logins > 0


@dataclass
class Story:
    """A running App: what it said before there was a champion, by the first one, and by the next one.

    Attributes:
        ready: its answer to /ready without a champion.
        nobody: its answer to a request without the proxy's headers.
        early: what it said to feedback on an answer that nobody knows.
        first: an answer by version 1; its question was asked behind the proxy.
        known: what it said to feedback on that answer.
        later: an answer by version 2.
    """

    app: App
    workspace: AppDouble
    ready: httpx.Response
    nobody: httpx.Response
    early: dict[str, Any]
    first: dict[str, Any]
    known: dict[str, Any]
    later: dict[str, Any]


@pytest.fixture(scope="module")
def story(
    python: Path, home: Path, double: tuple[AppDouble, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    workspace, address = double
    with mlflow.start_run(experiment_id=open_experiment("quality")):
        logged = log_chain(ChainConfiguration.of(Workspace("main", "rag"), quoting()))
    champion = Path(mlflow.artifacts.download_artifacts(artifact_uri=logged.uri))
    source = deploy(tmp_path_factory.mktemp("deployed") / "source")
    setting(source, follow_seconds=1)
    with running(python, source, address) as app:
        ready = httpx.get(f"{app.url}/ready", headers=ANN, timeout=60)
        nobody = httpx.get(f"{app.url}/config", timeout=60)
        early = feedback(app, f"resp_{'0' * 32}")
        shutil.copytree(champion, workspace.models / "1")
        workspace.champion = "1"
        until_ready(app)
        first = ask(app)
        known = feedback(app, first["id"])
        (workspace.models / "1").rename(workspace.models / "2")  # released again, and the first one deleted
        workspace.champion = "2"
        while (later := ask(app))["model"] != f"{MODEL}/2":
            time.sleep(0.2)
        yield Story(app, workspace, ready, nobody, early, first, known, later)


def quoting() -> UseCase:
    use_case = load_usecase(ROOT / "usecase.yml")
    return use_case.model_copy(update={"models": use_case.models.with_primary("quotes")})


def setting(source: Path, **serving: Any) -> None:
    """Changes the section `serving` of the deployed use case."""
    written = yaml.safe_load((source / "usecase.yml").read_text())
    written["serving"] |= serving
    (source / "usecase.yml").write_text(yaml.safe_dump(written))


def until_ready(app: App) -> None:
    while httpx.get(f"{app.url}/ready", headers=ANN, timeout=60).status_code != 200:
        assert app.process.poll() is None, app.log.read_text()
        time.sleep(0.2)


def ask(app: App, question: str = ASKED) -> dict[str, Any]:
    response = httpx.post(f"{app.url}/responses", json={"input": question}, headers=ANN, timeout=120)
    assert response.status_code == 200, response.text
    return dict(response.json())


def feedback(app: App, answer_id: str) -> dict[str, Any]:
    body = {"verdict_id": str(uuid.uuid4()), "answer_id": answer_id, "verdict": "up"}
    response = httpx.post(f"{app.url}/feedback", json=body, headers=ANN, timeout=60)
    assert response.status_code == 200, response.text
    return dict(response.json())


def recorded(double: AppDouble, answer_id: str) -> AnswerRow:
    row = parsed(AnswerRow, answer_file(double.volumes / "ledger", answer_id).read_bytes())
    assert row is not None
    return row


def test_without_a_champion_the_app_says_so_and_keeps_feedback(story: Story) -> None:
    message = story.ready.json()["error"]["message"]
    assert story.ready.status_code == 503 and "no champion yet" in message and "\n" not in message
    assert story.nobody.status_code == 401  # the platform names nobody
    file = story.workspace.volumes / "ledger" / "feedback" / f"{story.early['verdict_id']}.json"
    verdict = parsed(Verdict, file.read_bytes())
    assert verdict is not None and verdict.who == USER
    assert not story.early["known_answer"] and story.known["known_answer"]


def test_champion_index_and_files_come_by_requests(story: Story) -> None:
    rows = [recorded(story.workspace, one["id"]) for one in (story.first, story.later)]
    assert [(row.chain_name, row.chain_version) for row in rows] == [(MODEL, "1"), (MODEL, "2")]
    assert all("frogs" in row.answer and row.who == USER for row in rows)
    assert story.workspace.times("GET", "manifest.json") and story.workspace.times("GET", "2/MLmodel")


def test_many_users_at_once_stay_within_the_app_s_memory(story: Story) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda number: ask(story.app, f"{ASKED} {number}"), range(QUESTIONS)))
    assert len({one["id"] for one in answers}) == QUESTIONS
    assert len(story.app.process.cpu_affinity()) <= CPUS
    assert 0 < story.app.measure() < MEMORY
    print(f"peak of the App: {story.app.peak >> 20:,} MiB")


@needs_chromium
def test_the_walk_of_the_page_by_url_and_token(story: Story) -> None:
    """As tests/e2e/test_page.py walks any deployed App: RAGOPS_PAGE_URL, RAGOPS_PAGE_TOKEN."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed; make .venv/.dev")
    from tests.e2e.test_page import walk

    with proxy(story.app.url) as address, launched() as browser:
        refused = httpx.get(address, timeout=60)
        # What the client sends under the platform's names does not reach the App.
        headers = {"Authorization": f"Bearer {USER_TOKEN}", "X-Forwarded-Email": "eve@firm"}
        page = browser.new_context(extra_http_headers=headers).new_page()
        page.goto(address)
        document = walk(page, "How many fish does the otter eat before noon?")
    assert refused.status_code == 401 and "four fish" in document
    files = (story.workspace.volumes / "ledger" / "feedback").glob("*.json")
    verdicts = [verdict for file in files if (verdict := parsed(Verdict, file.read_bytes()))]
    assert len(verdicts) == 3 and {one.who for one in verdicts} == {USER}


def test_behind_the_endpoint_an_answer_under_way_ends_before_the_app(
    python: Path, source: Path, double: tuple[AppDouble, str]
) -> None:
    workspace, address = double
    agent = ChainAgent()
    agent._chain = open_chain(quoting(), Locations.of(WORKSPACE))

    def respond(body: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
        turns = [SimpleNamespace(**turn) for turn in body["input"]]
        request = SimpleNamespace(input=turns, custom_inputs=body["custom_inputs"], context=None)
        for event in agent.predict_stream(cast(ResponsesAgentRequest, request)):
            yield event.model_dump(mode="json")

    workspace.respond = respond
    setting(source, backend="endpoint")
    said: list[str] = []
    encoder = str(cache_folder().parent)  # its files, which a champion brings along
    with running(python, source, address, RAGOPS_ENDPOINT=ENDPOINT, XDG_CACHE_HOME=encoder) as app:
        until_ready(app)

        def listen() -> None:
            body = {"input": ASKED, "stream": True}
            with httpx.stream("POST", f"{app.url}/responses", json=body, headers=ANN, timeout=60) as response:
                said.extend(line for line in response.iter_lines() if line.startswith("data: {"))

        thread = threading.Thread(target=listen)
        thread.start()
        assert workspace.streaming.wait(60)
        app.process.send_signal(signal.SIGTERM)
        workspace.resumed.set()
        thread.join(60)
    last = json.loads(said[-1].removeprefix("data: "))
    assert last["type"] == "response.completed", said[-1]
    answer = last["response"]
    assert answer["model"] == f"{MODEL}/3"
    row = recorded(workspace, answer["id"])
    assert "frogs" in row.answer and (row.chain_name, row.chain_version) == (MODEL, "3")
    (body,) = workspace.queried
    assert body["custom_inputs"]["groups"] == ["everybody", "staff"] and body["context"] == {"user_id": USER}
