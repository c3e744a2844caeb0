"""The job release as a team runs it: a first chain, a better one, the same again; the champion where nothing else is.

The clean environment has the model's own requirements and nothing of this one: no Spark, no torch, no ragops.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from tests.e2e.bundles import ANIMALS, Bundle

SCHEMA = "released"
ABSENT = ("Who painted the Mona Lisa?", "How tall is the Eiffel tower in metres?", "What is the boiling point of lead?")
ASK = """
import importlib.util, json, sys
import mlflow
for absent in ("pyspark", "torch", "ragops", "localbundle"):
    assert importlib.util.find_spec(absent) is None, absent
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict({"input": [{"role": "user", "content": sys.argv[2]}]})))
"""


def question(number: int, animal: str) -> dict[str, str | None]:
    answer = f"eats {number + 2} fish"
    asked = f"How many fish does the {animal} eat before noon?"
    known = {"topic": animal, "anchor": answer, "answer": answer}
    return {"question_id": animal, "question": asked, "kind": "how_to", **known}


def unknown(number: int, text: str) -> dict[str, str | None]:
    nothing = {"topic": None, "anchor": None, "answer": None}
    return {"question_id": f"x{number}", "question": text, "kind": "how_to", **nothing}


@pytest.fixture(scope="module")
def card(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card over the notes, with questions about them and some that they do not answer; its index is published."""
    folder = tmp_path_factory.mktemp("card")
    asked = [question(number, animal) for number, animal in enumerate(ANIMALS)]
    asked += [unknown(number, text) for number, text in enumerate(ABSENT)]
    (folder / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked))
    written = yaml.safe_load((bundle.root / "usecase.yml").read_text())
    written["evaluation"] = {"questions": "questions.jsonl"}
    written["answers"]["min_evidence"] = 0.3
    written["release"] = {"floors": {"abstained": 0.9}}
    silent = {"name": "silent", "provider": "scripted", "replies": ["I cannot find the answer in the documents."]}
    written["models"]["known"].append(silent)
    (folder / "usecase.yml").write_text(yaml.safe_dump(written))
    landing = folder / "landing"
    landing.mkdir()
    for number, animal in enumerate(ANIMALS):
        (landing / f"{animal}.md").write_text(f"# The {animal}\n\nThe {animal} eats {number + 2} fish before noon.\n")
    bundle.refresh(landing=str(landing), schema=SCHEMA, usecase=str(folder / "usecase.yml"))
    return folder / "usecase.yml"


def release(bundle: Bundle, card: Path, **more: str) -> CompletedProcess[str]:
    pairs = {"schema": SCHEMA, "usecase": str(card), **more}
    words = ",".join(f"{name}={value}" for name, value in pairs.items())
    return bundle.run("localbundle", "run", "release", "-t", "dev", "--params", words)


def test_only_what_is_better_takes_the_champions_place(bundle: Bundle, card: Path, tmp_path: Path) -> None:
    unreached = replace(bundle, environment=bundle.environment | {"OPENAI_BASE_URL": "http://127.0.0.1:1"})
    stood_in = release(unreached, card, llm="served")
    assert "version 1 not promoted: errors " in stood_in.stdout and "there is no champion" in stood_in.stdout
    first = release(bundle, card, llm="silent")
    assert "version 2 promoted: every condition is met; champion is version 2" in first.stdout
    better = release(bundle, card)
    assert "version 3 promoted: every condition is met; champion is version 3" in better.stdout
    again = release(bundle, card, pin="true")
    assert (
        "version 4 not promoted: it is not better than the champion in any check of 6 topics or more; "
        "champion is version 3" in again.stdout
    )

    assert not (bundle.root / "notebooks" / "mlruns").exists(), "traces lie in the workspace"
    assert traced(bundle) > 0

    clean = clean_environment(bundle, tmp_path)
    answer = ask(bundle, clean, uri("champion"), "How many fish does the otter eat?")
    assert "The otter eats 4 fish before noon [1]." in answer["output"][0]["content"][0]["text"]
    assert answer["custom_outputs"]["generation"] == bundle.pointer(SCHEMA)["generation"]
    # The challenger has its index inside, so it answers where there is none.
    shutil.rmtree(bundle.index(SCHEMA))
    answer = ask(bundle, clean, uri("challenger"), "How many fish does the lynx eat?")
    assert "6 fish" in answer["output"][0]["content"][0]["text"]


def traced(bundle: Bundle) -> int:
    """How many traces the bundle's own experiment has; none may be in another."""
    with sqlite3.connect(bundle.home / "mlflow" / "mlflow.db") as database:
        by_name = "SELECT name, COUNT(*) FROM trace_info JOIN experiments USING (experiment_id) GROUP BY name"
        found = dict(database.execute(by_name).fetchall())
    (own,) = (count for name, count in found.items() if name.endswith("quality"))
    assert len(found) == 1, found
    return int(own)


def clean_environment(bundle: Bundle, folder: Path) -> Path:
    """An environment with what the champion asks for; returns its Python."""
    told = "import mlflow, sys; print(mlflow.pyfunc.get_model_dependencies(sys.argv[1]))"
    store = f"sqlite:///{bundle.home}/mlflow/mlflow.db"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store, "MLFLOW_REGISTRY_URI": store}
    command = [*bundle.command("python"), "-c", told, uri("champion")]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    requirements = found.stdout.strip().splitlines()[-1]
    uv = str(Path(bundle.command("uv")[0]))
    subprocess.run([uv, "venv", "--quiet", str(folder / "clean")], check=True)
    python = folder / "clean" / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", requirements], check=True)
    frozen = subprocess.run([uv, "pip", "freeze", "--python", str(python)], capture_output=True, text=True, check=True)
    pinned = {line.strip().casefold() for line in Path(requirements).read_text().splitlines()}
    assert {line.casefold() for line in frozen.stdout.splitlines()} <= pinned, "something arrived that is not pinned"
    return python


def uri(alias: str) -> str:
    return f"models:/spark_catalog.{SCHEMA}.chain@{alias}"


def ask(bundle: Bundle, python: Path, model: str, question: str) -> dict:
    store = f"sqlite:///{bundle.home}/mlflow/mlflow.db"
    own = {"PATH": os.environ["PATH"], "HOME": str(python.parents[2]), "LOCALBUNDLE_HOME": str(bundle.home)}
    mlflow = {"MLFLOW_TRACKING_URI": store, "MLFLOW_REGISTRY_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(
        [str(python), "-c", ASK, model, question], env=own | mlflow, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    answer: dict = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("llm=nobody", "model nobody: the card knows none of that name"),
        ("pin=perhaps", "parameter pin is 'perhaps'"),
        ("questions=-1", "parameter questions is '-1'"),
        ("questions=1", "parameter questions is '1': give 2 or more"),
        ("usecase=/no/such.yml", "usecase: cannot read /no/such.yml"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(cold_bundle: Bundle, wrong: str, said: str) -> None:
    stopped = cold_bundle.run("localbundle", "run", "release", "-t", "dev", "--params", wrong, check=False)
    assert stopped.returncode == 2
    assert said in stopped.stderr
    assert len(stopped.stderr.strip().splitlines()) == 1
    assert not (cold_bundle.home / "server.log").exists()


def test_the_calls_of_models_reach_the_table(bundle: Bundle, card: Path) -> None:
    """Those of the releases above."""
    collect = f"schema={SCHEMA},usecase={card}"
    bundle.run("localbundle", "run", "collect_calls", "-t", "dev", "--params", collect)
    rows = bundle.sql(f"SELECT model, purpose, prompt_name, outcome FROM spark_catalog.{SCHEMA}.llm_calls")
    assert {"model": "silent", "purpose": "ask", "prompt_name": "cite_or_abstain", "outcome": "answered"} in rows
    assert list((bundle.home / "Volumes/spark_catalog" / SCHEMA / "ledger").glob("*.jsonl")) == []
