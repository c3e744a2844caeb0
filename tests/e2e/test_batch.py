"""The job answer_batch as its users run it: expectations, answers, and nothing answered twice."""

import json
from collections.abc import Callable

import pytest

from tests.e2e.bundles import Bundle
from tests.support.needs import unused
from tests.support.recorded import Request

SCHEMA = "batched"
TASKS = ["retrieve", "generate_on_cpus", "finish"]
ROWS = """VALUES
  ('otter', 'How many fish does the otter eat before noon?', array()),
  ('heron', 'Where does the heron sleep?', array()),
  ('france', 'Who was the king of France in 1715?', array()),
  ('empty', '', array()),
  ('twice', 'Where does the lynx sleep?', array()), ('twice', 'Where does the marten sleep?', array())
"""


@pytest.fixture(scope="module")
def asked(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The bundle with a few notes in the index, and a table of questions."""
    from tests.e2e.bundles import write_notes

    landing = tmp_path_factory.mktemp("landing")
    write_notes(landing)
    bundle.refresh(landing=str(landing), schema=SCHEMA)
    columns = "question_id, question, cast(groups AS array<string>) AS groups"
    rows = f"SELECT {columns} FROM {ROWS} AS t(question_id, question, groups)"
    bundle.sql(f"CREATE TABLE spark_catalog.{SCHEMA}.asked AS {rows}")
    return bundle


def run(bundle: Bundle, **parameters: str) -> str:
    pairs = ",".join(
        f"{name}={value}" for name, value in ({"schema": SCHEMA, "questions": "asked"} | parameters).items()
    )
    return bundle.run("localbundle", "run", "answer_batch", "-t", "dev", "--params", pairs).stdout


def outcomes(bundle: Bundle, table: str = "for_people") -> dict[str, tuple[str, str]]:
    rows = bundle.sql(f"SELECT question_id, outcome, answered_at FROM spark_catalog.{SCHEMA}.{table}")
    assert len({row["question_id"] for row in rows}) == len(rows)
    return {row["question_id"]: (row["outcome"], row["answered_at"]) for row in rows}


def printed(bundle: Bundle, notebook: str) -> str:
    """What the newest run of a notebook printed."""
    newest = max((bundle.home / "runs").iterdir(), key=lambda folder: int(folder.name) if folder.name.isdigit() else 0)
    cells = json.loads((newest / f"{notebook}.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)


def test_a_dry_run_answers_nothing_and_says_what_a_run_takes(asked: Bundle) -> None:
    run(asked, dry_run="true")
    said = printed(asked, "retrieve")
    assert "6 rows: 5 questions to answer, 1 of them refused" in said
    assert "tokens" in said and "for 1,000 answers 0.0000" in said and "speed: unknown" in said
    assert outcomes(asked, "batch_answers") == {}


def test_a_second_run_answers_nothing_again(asked: Bundle, requested: Callable[[], list[Request]]) -> None:
    run(asked, output="for_people")
    assert unused(requested(), TASKS) == set()
    assert "rows/s" in printed(asked, "generate_on_cpus") and "for 1,000 answers" in printed(asked, "generate_on_cpus")
    assert "questions finished" in printed(asked, "finish")
    first = outcomes(asked)
    assert {key: outcome for key, (outcome, _) in first.items()} == {
        "otter": "answered",
        "heron": "answered",
        "france": "abstained",
        "empty": "refused",
        "twice": "refused",
    }
    (answer,) = asked.sql(f"SELECT * FROM spark_catalog.{SCHEMA}.for_people WHERE question_id = 'otter'")
    assert "4 fish" in answer["answer"] and answer["paths"] == ["otter.md"]
    assert (answer["chain_name"], answer["chain_version"]) == ("python-reference", "working copy")
    assert all("chain: python-reference, working copy, model quotes" in printed(asked, task) for task in TASKS)
    assert "generate_on_cpus: excluded" in run(asked, output="for_people")
    assert outcomes(asked) == first


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("llm=gpt", "parameter llm: model gpt"),
        ("limit=-1", "parameter limit is '-1'"),
        ("output=chunks", "another job writes this table"),
        ("questions=a.b.c.d", "CATALOG.SCHEMA.TABLE"),
        ("max_attempts=0", "parameter max_attempts"),
        ("chain=9", "rag.chain has no version 9"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(cold_bundle: Bundle, wrong: str, said: str) -> None:
    assert said in cold_bundle.refused("localbundle", "run", "answer_batch", "-t", "dev", "--params", wrong)


def test_a_missing_table_is_one_line_that_says_how_to_make_it(asked: Bundle) -> None:
    words = f"schema={SCHEMA},questions=nowhere"
    done = asked.run("localbundle", "run", "answer_batch", "-t", "dev", "--params", words, check=False)
    assert done.returncode == 1
    assert "no table nowhere; make one (CREATE TABLE nowhere AS SELECT" in done.stdout + done.stderr
