"""The Databricks App: the deployed files, only the packages of requirements.txt, volumes through the Files API."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from localbundle.definitions.bundle import load_bundle

from ragops.platform.collected import parsed
from ragops.platform.workspace import cache_folder, models_folder
from ragops.quality.feedback.files import answer_file
from ragops.quality.feedback.rows import AnswerRow, Verdict
from tests.support.files_double import TOKEN, Double, served
from tests.support.notes_index import ROOT, WORKSPACE, publish_notes

ANN = {"X-Forwarded-Email": "ann@firm"}
APP = load_bundle(ROOT, "prod").config["resources"]["apps"]["chat"]


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the App's packages."""
    folder, uv = tmp_path_factory.mktemp("app") / "venv", [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "-q", "--python", "3.11", folder], check=True)
    install = [*uv, "pip", "install", "-q", "--python", folder / "bin" / "python", "-r", ROOT / "requirements.txt"]
    if subprocess.run(install, capture_output=True).returncode:
        pytest.skip("needs a package index with what requirements.txt names")
    return folder / "bin" / "python"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What a deployment puts into the App: the files that `sync` leaves, as far as the App needs them."""
    folder = tmp_path / "source"
    for name in ("databricks.yml", "usecase.yml", "requirements.txt", "environments", "resources", "src/ragops"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    return folder


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Double, str]]:
    """The workspace, with a published index; it is not mounted where the App runs."""
    monkeypatch.setenv("LOCALBUNDLE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    publish_notes(tmp_path / "work")
    volumes = tmp_path / "home" / "Volumes" / WORKSPACE.catalog / WORKSPACE.schema
    (volumes / "ledger").mkdir(exist_ok=True)
    shutil.copytree(models_folder(WORKSPACE), volumes / "indexes" / "models")
    double = Double(volumes)
    with served(double) as address:
        yield double, address


@contextmanager
def running(python: Path, source: Path, address: str, *options: str, **more: str) -> Iterator[str]:
    """The App's own command and environment. It must end by itself on SIGTERM, in less than the platform's 15 s."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    given = {one["name"]: one["value"] for one in APP["config"]["env"] if "value" in one}
    platform = {"DATABRICKS_APP_NAME": APP["name"], "DATABRICKS_APP_PORT": str(port), "DATABRICKS_HOST": address}
    platform |= {"DATABRICKS_TOKEN": TOKEN, "PATH": os.environ["PATH"], "HOME": str(source.parent / "nobody")}
    names = {"RAGOPS_CATALOG": "main", "RAGOPS_SCHEMA": "rag", "RAGOPS_LLM": "quotes"}
    command = [str(python), *APP["config"]["command"][1:], *options]
    log = source.parent / "app.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=source, env=given | platform | names | more, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        while not answers(url):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=30).status_code == 200
    except httpx.TransportError:
        return False


def feedback(url: str, answer_id: str) -> dict[str, Any]:
    body = {"verdict_id": str(uuid.uuid4()), "answer_id": answer_id, "verdict": "up"}
    response = httpx.post(f"{url}/feedback", json=body, headers=ANN, timeout=60)
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_without_a_champion_the_app_says_so_and_keeps_feedback(
    python: Path, source: Path, double: tuple[Double, str]
) -> None:
    workspace, address = double
    with running(python, source, address) as url:
        ready = httpx.get(f"{url}/ready", headers=ANN, timeout=60)
        assert ready.status_code == 503 and "\n" not in ready.json()["error"]["message"]
        assert httpx.get(f"{url}/config", timeout=60).status_code == 401  # the platform names nobody
        said = feedback(url, f"resp_{'0' * 32}")
    verdict = parsed(Verdict, (workspace.volumes / "ledger" / "feedback" / f"{said['verdict_id']}.json").read_bytes())
    assert verdict is not None and verdict.who == "ann@firm"
    assert not said["known_answer"]


def test_index_and_files_come_through_the_files_api(python: Path, source: Path, double: tuple[Double, str]) -> None:
    workspace, address = double
    encoder = str(cache_folder().parent)  # its files, which a champion brings along
    with running(python, source, address, "--working-copy", XDG_CACHE_HOME=encoder) as url:
        while httpx.get(f"{url}/ready", headers=ANN, timeout=60).status_code != 200:
            time.sleep(0.2)
        body = {"input": "What does the heron eat?"}
        answer = httpx.post(f"{url}/responses", json=body, headers=ANN, timeout=60).json()
        assert feedback(url, answer["id"])["known_answer"]
    row = parsed(AnswerRow, answer_file(workspace.volumes / "ledger", answer["id"]).read_bytes())
    assert row is not None and "frogs" in row.answer and row.who == "ann@firm"
    assert workspace.times("GET", "manifest.json")
