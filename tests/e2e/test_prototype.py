"""The job prototype as its users run it: cited answers, a picture, runs in MLflow, clear words on wrong input."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.e2e.bundles import Bundle
from tests.support.needs import unused
from tests.support.recorded import Request

ASKED = "What does the otter eat before noon?|What water temperature is best for espresso?"


@pytest.fixture
def use_case(bundle: Bundle, tmp_path: Path) -> Path:
    """The bundle's use case with questions about a few notes."""
    known = [
        ("otter", "How many fish does the otter eat?", "4 fish"),
        ("heron", "Where does the heron sleep?", "number 0"),
    ]
    rows = [{"question_id": t, "question": q, "topic": t, "anchor": a, "answer": a} for t, q, a in known]
    rows.append({"question_id": "x", "question": "Who rules France?", "topic": None, "anchor": None, "answer": None})
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps(row | {"kind": "how_to"}) + "\n" for row in rows))
    text = (bundle.root / "usecase.yml").read_text()
    path = tmp_path / "usecase.yml"
    path.write_text(text.replace("questions: sample", "questions: asked.jsonl"))
    return path


def test_answers_with_citations_and_variants_with_a_picture(
    bundle: Bundle, noted: str, use_case: Path, requested: Callable[[], list[Request]]
) -> None:
    words = f"schema={noted},usecase={use_case},questions={ASKED},fusion=dense,sample=3"
    done = bundle.run("localbundle", "run", "prototype", "-t", "dev", "--params", words)
    assert "MLflow run" in done.stdout
    assert unused(requested(), ["prototype"]) == set()
    newest = max((bundle.home / "runs").iterdir(), key=lambda folder: int(folder.name) if folder.name.isdigit() else 0)
    notebook = nbformat.read(newest / "prototype.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pages = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    asked, beside = [page for page in pages if 'class="ragops"' in page]
    assert asked.count("<article>") == 2 and "otter.md" in asked and 'class="cite"' in asked
    assert "4 fish" in asked and "no answer" in asked
    assert beside.count("<th>") == 3  # the use case's fusion and dense, next to the questions
    assert any("supported" in page and "dense" in page for page in pages)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    with sqlite3.connect(bundle.home / "mlflow" / "mlflow.db") as store:
        names = {name for (name,) in store.execute("SELECT name FROM runs WHERE status = 'FINISHED'")}
    assert {"comparison", "cite_or_abstain, quotes, weighted", "cite_or_abstain, quotes, dense"} <= names
    assert not (bundle.root / "notebooks" / "mlruns").exists()


def test_without_an_index_it_says_what_to_run(bundle: Bundle) -> None:
    done = bundle.run("localbundle", "run", "prototype", "-t", "dev", "--params", "schema=nothing_there", check=False)
    assert done.returncode == 1
    assert "run the refresh job first" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("llm=gpt", "parameter llm: model gpt"),
        ("prompt=breif", "parameter prompt: prompt template breif"),
        ("fusion=dens", "there is no fusion dens; use dense, lexical, reciprocal_rank, weighted"),
        ("sample=1", "parameter sample is '1'"),
        ("questions=", "parameter questions"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(cold_bundle: Bundle, wrong: str, said: str) -> None:
    assert said in cold_bundle.refused("localbundle", "run", "prototype", "-t", "dev", "--params", wrong)
