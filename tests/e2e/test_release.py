"""The job release as a team runs it: a first chain, a better one, the same again, a worse one; the job evaluate, which
measures the champion; and the champion where nothing else is.

The clean environment has the model's own requirements and nothing of this one: no Spark, no torch, no ragops.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import yaml

from tests.e2e.bundles import ANIMALS, Bundle
from tests.e2e.packaged import Elsewhere, clean_environment, downloaded, text_and_citations
from tests.support.needs import definitions, unused
from tests.support.recorded import Request

SCHEMA = "released"
ABSENT = ("Who painted the Mona Lisa?", "How tall is the Eiffel tower in metres?", "What is the boiling point of lead?")


def question(number: int, animal: str) -> dict[str, str | None]:
    answer = f"eats {number + 2} fish"
    asked = f"How many fish does the {animal} eat before noon?"
    known = {"topic": animal, "anchor": answer, "answer": answer}
    return {"question_id": animal, "question": asked, "kind": "how_to", **known}


def unknown(number: int, text: str) -> dict[str, str | None]:
    nothing = {"topic": None, "anchor": None, "answer": None}
    return {"question_id": f"x{number}", "question": text, "kind": "how_to", **nothing}


def verdict(word: str) -> str:
    """A judge's reply on any number of passages or statements."""
    return json.dumps({"reason": f"it is {word}", "verdict": word} | {f"v{number}": word for number in range(1, 30)})


@pytest.fixture(scope="module")
def use_case(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A use case over the notes, with questions about them and some that they do not answer; its index is published."""
    folder = tmp_path_factory.mktemp("use_case")
    asked = [question(number, animal) for number, animal in enumerate(ANIMALS)]
    asked += [unknown(number, text) for number, text in enumerate(ABSENT)]
    (folder / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked))
    written = yaml.safe_load((bundle.root / "usecase.yml").read_text())
    written["evaluation"] = {"questions": "questions.jsonl"}
    written["answers"]["min_evidence"] = 0.3
    written["success"] = [one for one in written["success"] if one["measure"].startswith("recall")]
    written["release"] = {"floors": {"abstained": 0.9, "supported": 0}}
    silent = {"name": "silent", "provider": "scripted", "replies": ["I cannot find the answer in the documents."]}
    approving = {"name": "approving", "provider": "scripted", "replies": [verdict("yes")], "price_per_million_input": 9}
    failing = {"name": "failing", "provider": "scripted", "replies": ["Good!", "", *[verdict("yes")] * 3] * 9}
    written["models"]["known"] += [silent, approving, failing]
    (folder / "usecase.yml").write_text(yaml.safe_dump(written))
    landing = folder / "landing"
    landing.mkdir()
    for number, animal in enumerate(ANIMALS):
        (landing / f"{animal}.md").write_text(f"# The {animal}\n\nThe {animal} eats {number + 2} fish before noon.\n")
    bundle.refresh(landing=str(landing), schema=SCHEMA, usecase=str(folder / "usecase.yml"))
    return folder / "usecase.yml"


def release(bundle: Bundle, use_case: Path, **more: str) -> CompletedProcess[str]:
    pairs = {"schema": SCHEMA, "usecase": str(use_case), **more}
    words = ",".join(f"{name}={value}" for name, value in pairs.items())
    return bundle.run("localbundle", "run", "release", "-t", "dev", "--params", words)


def test_only_what_is_better_takes_the_champions_place(
    bundle: Bundle, use_case: Path, tmp_path: Path, requested: Callable[[], list[Request]]
) -> None:
    unreached = replace(bundle, environment=bundle.environment | {"OPENAI_BASE_URL": "http://127.0.0.1:1"})
    fallback_only = release(unreached, use_case, llm="served")
    assert "version 1 not promoted: supported missing, required at least 0; errors " in fallback_only.stdout
    assert "there is no champion" in fallback_only.stdout
    requests = requested()
    first = release(bundle, use_case, llm="silent")
    assert "version 2 promoted: every condition is met; champion is version 2" in first.stdout
    better = release(bundle, use_case, judge="approving")
    assert "version 3 promoted: every condition is met; " in better.stdout
    assert "groundedness informs only: no labels of people" in better.stdout
    assert "champion is version 3" in better.stdout
    again = release(bundle, use_case, pin="true")
    assert "version 4 not promoted: it is not better than the champion on any check (" in again.stdout
    assert "champion is version 3" in again.stdout
    worse = release(bundle, use_case, llm="silent", judge="failing")
    assert "version 5 not promoted: " in worse.stdout and "answered - champion's -1.000 " in worse.stdout
    assert "context_relevance: calls without a verdict " in worse.stdout and "champion is version 3" in worse.stdout
    the_pages_say_why(bundle)
    later = requested()
    assert unused(requests + later, ["log", "evaluate", "promote"]) == set()
    assert definitions(later) == []

    assert not (bundle.root / "notebooks" / "mlruns").exists(), "traces are in the workspace"
    assert traced(bundle) > 0

    follows = downloaded(bundle, f"models:/spark_catalog.{SCHEMA}.chain@champion", tmp_path / "champion")
    pinned = downloaded(bundle, f"models:/spark_catalog.{SCHEMA}.chain/4", tmp_path / "pinned")
    clean = clean_environment(bundle, pinned, tmp_path / "clean")
    beside = Elsewhere(clean, tmp_path / "beside", workspace=bundle.home)
    (answer,), _ = beside.ask(follows, "How many fish does the otter eat?")
    assert text_and_citations(answer) == ("The otter eats 4 fish before noon [1].", ["otter.md"])
    assert answer["custom_outputs"]["generation"] == bundle.pointer(SCHEMA)["generation"]
    stands_alone(Elsewhere(clean, tmp_path / "elsewhere"), pinned)


def the_pages_say_why(bundle: Bundle) -> None:
    """Each release has one in the run of its chain."""
    missing, first, better, again, worse = (page(bundle, version) for version in range(1, 6))
    assert "Blocked" in missing and "missing" in missing and "fell back to quotes" in missing
    assert "Promoted" in first and "What changed" not in first and "No judge ran" in first
    assert "Promoted" in better and "silent" in better and "What improved" in better and "3.2 for each answer" in better
    assert "not shown to be better" in again and "inside the model" in again
    assert "Blocked" in worse and "informs only" in worse and "unparsed" in worse
    assert "The heron eats 2 fish before noon [1]." in worse, "the champion's answer, beside the worse one"
    assert "<script" not in worse


def page(bundle: Bundle, version: int) -> str:
    found = [file.read_text() for file in (bundle.home / "mlflow" / "artifacts").rglob("release.html")]
    (text,) = (one for one in found if f"python-reference: version {version}:" in one)
    return text


def stands_alone(elsewhere: Elsewhere, model: Path) -> None:
    """With its index inside: asked, streamed and served where there is no workspace."""
    answers, events = elsewhere.ask(model, "How many fish does the lynx eat?", "How many fish does the osprey eat?")
    lynx, osprey = map(text_and_citations, answers)
    assert lynx == ("The lynx eats 6 fish before noon [1].", ["lynx.md"])
    assert osprey == ("The osprey eats 8 fish before noon [1].", ["osprey.md"])
    assert text_and_citations({"output": [events[-1]["item"]]}) == lynx
    assert any(event["type"] == "response.output_text.delta" for event in events)

    parts = [{"type": "input_text", "text": "How many fish does the osprey eat?"}]
    with elsewhere.served(model) as client:
        for content, known in (("How many fish does the lynx eat?", lynx), (parts, osprey)):
            result = client.post("/invocations", json={"input": [{"role": "user", "content": content}]})
            assert text_and_citations(result.raise_for_status().json()) == known
        for content, said in ((" ", "question: it is empty"), ("x" * 5000, "question: 5,000 characters")):
            refused = client.post("/invocations", json={"input": [{"role": "user", "content": content}]})
            assert refused.status_code == 400
            assert refused.json().keys() == {"error_code", "message"} and refused.json()["message"].startswith(said)


def traced(bundle: Bundle) -> int:
    """How many traces the bundle's own experiment has; none may be in another."""
    with sqlite3.connect(bundle.home / "mlflow" / "mlflow.db") as database:
        by_name = "SELECT name, COUNT(*) FROM trace_info JOIN experiments USING (experiment_id) GROUP BY name"
        found = dict(database.execute(by_name).fetchall())
    (own,) = (count for name, count in found.items() if name.endswith("quality"))
    assert len(found) == 1, found
    return int(own)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("llm=nobody", "model nobody"),
        ("pin=perhaps", "parameter pin is 'perhaps'"),
        ("questions=-1", "parameter questions is '-1'"),
        ("questions=1", "parameter questions is '1': give 2 or more"),
        ("usecase=/no/such.yml", "usecase: cannot read /no/such.yml"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(cold_bundle: Bundle, wrong: str, said: str) -> None:
    assert said in cold_bundle.refused("localbundle", "run", "release", "-t", "dev", "--params", wrong)


def test_what_serves_is_measured(bundle: Bundle, use_case: Path, requested: Callable[[], list[Request]]) -> None:
    words = f"schema={SCHEMA},usecase={use_case},judge=approving"
    done = bundle.run("localbundle", "run", "evaluate", "-t", "dev", "--params", words)
    assert f"spark_catalog.{SCHEMA}.chain, version 3: 11 questions, errors 0%; " in done.stdout
    assert unused(requested(), ["measure"]) == set()
    (shown,) = (bundle.home / "mlflow" / "artifacts").rglob("evaluation.html")
    assert "copied from earlier runs" in shown.read_text()


def test_what_was_recorded_reaches_the_tables(
    bundle: Bundle, use_case: Path, requested: Callable[[], list[Request]]
) -> None:
    """Calls, judgments and figures of the runs above."""
    collect = f"schema={SCHEMA},usecase={use_case}"
    bundle.run("localbundle", "run", "collect_calls", "-t", "dev", "--params", collect)
    assert unused(requested(), ["collect"]) == set()
    rows = bundle.sql(f"SELECT model, purpose, prompt_name, outcome FROM spark_catalog.{SCHEMA}.llm_calls")
    assert {"model": "silent", "purpose": "ask", "prompt_name": "cite_or_abstain", "outcome": "answered"} in rows
    assert list((bundle.home / "Volumes/spark_catalog" / SCHEMA / "ledger").glob("*.jsonl")) == []
    measured = bundle.sql(f"SELECT name, value, n, source, chain FROM spark_catalog.{SCHEMA}.metrics")
    known = {"source": "evaluate", "chain": f"spark_catalog.{SCHEMA}.chain/3"}
    assert {"name": "answered", "value": 1.0, "n": 8, **known} in measured
    assert {"name": "groundedness", "value": 1.0, "n": 8, **known} in measured
    judged = bundle.sql(f"SELECT DISTINCT model, state FROM spark_catalog.{SCHEMA}.judgments")
    assert {"model": "approving", "state": "scored"} in judged and {"model": "failing", "state": "unparsed"} in judged
