"""ragops serve as a user types it: the command of README and how-to, the curl line, the tools for agents."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bundles import BIN, REPOSITORY, Bundle

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
HOW_TO = (REPOSITORY / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
OTTER = "How many fish does the otter eat before noon?"


@dataclass
class Typed:
    """The server, started by the line in the how-to."""

    bundle: Bundle
    url: str
    process: subprocess.Popen[str]
    log: Path

    def curl(self, line: str, question: str = OTTER) -> str:
        """What a documented curl command prints, with another question and address."""
        asked = re.sub(r'"input": "[^"]*"', f'"input": "{question}"', line).replace("http://127.0.0.1:8400", self.url)
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout


def documented(text: str, start: str) -> str:
    """The one documented command that begins so."""
    lines = {line for line in text.splitlines() if line.startswith(start)}
    (line,) = lines
    return line


@pytest.fixture(scope="module")
def served(bundle: Bundle, noted: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Typed]:
    log = tmp_path_factory.mktemp("serve") / "log"
    line = f"{documented(HOW_TO, 'ragops serve -t dev --working')} --schema {noted} --model quotes --port 0"
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "80"}
    with log.open("w") as file:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=bundle.root, env=environment, stderr=file, text=True
        )
    try:
        while not (found := re.search(r"page\s+(http://\S+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield Typed(bundle, found[1], process, log)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("text", [README, HOW_TO], ids=["README", "how-to"])
def test_the_documented_curl_line_prints_an_answer_as_it_is_written(served: Typed, text: str) -> None:
    printed = served.curl(documented(text, "curl -N"))
    events: list[dict[str, Any]] = [
        json.loads(line.removeprefix("data: ")) for line in printed.splitlines() if line.startswith("data: ")
    ]
    assert events[0]["type"] == "response.created" and events[-1]["type"] == "response.completed"
    last = events[-1]["response"]
    assert "4 fish" in last["output"][0]["content"][0]["text"]
    assert last["custom_outputs"]["chain"] == {"name": "python-reference", "version": "working copy"}
    passage = next(source["chunk_ids"][0] for source in last["custom_outputs"]["sources"] if source["cited"])
    found = json.loads(served.curl(f"curl -s http://127.0.0.1:8400/passages/{passage}"))
    assert found["path"] == "otter.md" and "4 fish" in found["text"]


def test_make_serve_is_that_command() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^serve:.*\n\t@\$\(BIN\)/(.*)", makefile, re.MULTILINE)
    assert recipe == documented(HOW_TO, "ragops serve -t dev --working") and "make serve" in README


def test_the_command_shows_where_everything_is_in_eighty_columns(served: Typed) -> None:
    shown = served.log.read_text()
    assert "python-reference, working copy" in shown and "/mcp" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_an_answer_is_recorded_for_the_table_of_answers(served: Typed, noted: str) -> None:
    line = documented(HOW_TO, "curl -N").replace(', "stream": true', "")
    answer = json.loads(served.curl(line, "How many fish does the lynx eat before noon?"))
    file = served.bundle.home / "Volumes" / "spark_catalog" / noted / "ledger" / "answers" / f"{answer['id']}.json"
    assert json.loads(file.read_text())["question"] == "How many fish does the lynx eat before noon?"


def test_ctrl_c_ends_it_quietly(served: Typed) -> None:
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(timeout=60) == 0
    assert "Traceback" not in served.log.read_text()
