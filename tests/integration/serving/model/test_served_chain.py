"""The packaged chain in a container without mounts and local workspace, while the index changes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from ragops.answers.llms.ledger.calls import CallRow
from ragops.answers.prompts.template_files import find, load_templates
from ragops.corpus.embeddings.model import EmbeddingModel, fingerprint
from ragops.corpus.index.generations.manifest import IndexedModel
from ragops.corpus.index.generations.publish import publish
from ragops.serving.model.configuration import ChainConfiguration
from ragops.usecase import load_usecase
from tests.support import index_corpus as rows
from tests.support.files_double import EXPERIMENT, Double, container, served
from tests.support.locks import lock_of

ROOT = Path(__file__).parents[4]
MODEL = EmbeddingModel(name="toy", source="endpoint:toy", dimension=rows.DIMENSION, max_tokens=256)
INDEXED = IndexedModel(fingerprint=fingerprint(MODEL), name="toy", dimension=rows.DIMENSION)


@pytest.fixture
def double(tmp_path: Path) -> Iterator[Double]:
    for name in ("indexes", "ledger"):
        (tmp_path / "volumes" / name).mkdir(parents=True)
    double = Double(tmp_path / "volumes", embed=lambda text: rows.entry(int(text.split("number")[1].split()[0])).vector)
    yield double
    assert double.faults == []


def _publish(double: Double, count: int) -> str:
    root, work = double.volumes / "indexes" / "passages", double.volumes.parent / "work"
    source = rows.source([rows.entry(number) for number in range(count)], INDEXED)
    return publish(root, source, lock=lock_of(root), run_id="test", work_directory=work).generation


def _configuration(folder: Path) -> Path:
    use_case = load_usecase(ROOT / "usecase.yml")
    use_case = use_case.model_copy(update={"embedding": MODEL, "models": use_case.models.with_primary("quotes")})
    templates = load_templates(use_case.prompts, ROOT)
    chosen = (find(templates, use_case.prompts.answer), find(templates, use_case.prompts.rewrite))
    configuration = ChainConfiguration(
        catalog="main", schema_name="rag", use_case=use_case, templates={one.name: one for one in chosen}
    )
    file = folder / "configuration.json"
    file.write_text(configuration.model_dump_json(), encoding="utf-8")
    return file


class Container:
    """A process that inherits nothing of this environment except the path of Python."""

    def __init__(self, address: str, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp"), **container(address, folder / "credentials")}
        own |= {"ENABLE_MLFLOW_TRACING": "true", "MLFLOW_EXPERIMENT_ID": EXPERIMENT}
        (folder / "tmp").mkdir()
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "served_container.py"), str(_configuration(folder))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "stderr").open("w"),
            text=True,
            env=kept | own,
            cwd=folder,
        )

    def ask(self, question: str) -> dict[str, Any]:
        self._stream(self._process.stdin).write(f"{question}\n")
        self._stream(self._process.stdin).flush()
        response: dict[str, Any] = json.loads(self._stream(self._process.stdout).readline())
        return response

    def end(self) -> int:
        self._stream(self._process.stdin).close()
        return self._process.wait(timeout=120)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        assert stream is not None
        return stream


def _answered_from(response: dict[str, Any]) -> tuple[str, str]:
    """The index generation, and the text of the first passage cited."""
    result = response["custom_outputs"]
    return result["generation"], next(one["text"] for one in result["sources"] if one["cited"])


def test_the_chain_follows_the_index_and_survives_api_errors(double: Double, tmp_path: Path) -> None:
    first = _publish(double, 60)
    with served(double) as address:
        served_chain = Container(address, tmp_path)
        try:
            generation, text = _answered_from(served_chain.ask("What is passage number17 about"))
            assert generation == first and "number17" in text
            second = _publish(double, 65)
            while _answered_from(served_chain.ask("What is passage number17 about"))[0] == first:
                pass  # the old generation answers until the new one is fetched
            generation, text = _answered_from(served_chain.ask("What is passage number63 about"))
            assert generation == second and "number63" in text
            double.refused["pointer.json"] = 500
            _publish(double, 70)
            assert _answered_from(served_chain.ask("What is passage number17 about"))[0] == second
            assert served_chain.end() == 0
        finally:
            served_chain.kill()
    log = (tmp_path / "stderr").read_text()
    assert f"generation {second} stays in use" in log and "Traceback" not in log
    assert list((tmp_path / "tmp" / "ragops" / "index").iterdir())  # not in the container's home
    calls = [
        CallRow.model_validate_json(line)
        for file in (double.volumes / "ledger").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert len(calls) >= 4 and {call.model for call in calls} == {"quotes"}
    # Each answer has a trace with all steps, and the ledger's rows refer to it.
    traces = {trace["trace_id"] for trace in double.traces}
    assert {call.trace_id for call in calls} == traces
    spans = [file.read_text() for file in (tmp_path / "traces").rglob("traces.json")]
    assert len(spans) == len(traces) and all("What is passage number" in result for result in spans)
