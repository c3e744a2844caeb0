"""The job monitor and its command as users run them: a healthy system, then one whose landing folder is gone."""

import json
import shutil
from collections.abc import Callable

import pytest

from tests.e2e.bundles import Bundle, write_notes
from tests.support.needs import unused
from tests.support.recorded import Request

SCHEMA = "watched"
LANDING = f"/Volumes/spark_catalog/{SCHEMA}/landing"


@pytest.fixture(scope="module")
def watched(bundle: Bundle) -> Bundle:
    folder = bundle.home / LANDING.lstrip("/")
    folder.mkdir(parents=True)
    write_notes(folder)
    bundle.refresh(landing=LANDING, schema=SCHEMA)
    return bundle


def test_the_job_writes_findings_and_the_page(watched: Bundle, requested: Callable[[], list[Request]]) -> None:
    words = f"schema={SCHEMA},landing={LANDING}"
    done = watched.run("localbundle", "run", "monitor", "-t", "dev", "--params", words)
    assert unused(requested(), ["monitor"]) == set()
    page = watched.home / "Volumes" / "spark_catalog" / SCHEMA / "indexes" / "status" / "status.html"
    assert str(page) in done.stdout.replace("\n", "") or page.is_file()
    assert watched.sql(f"SELECT count(*) AS n FROM spark_catalog.{SCHEMA}.monitored_settings")[0]["n"] > 10


def test_the_command_says_what_is_wrong_and_ends_with_1(watched: Bundle) -> None:
    shutil.rmtree(watched.home / LANDING.lstrip("/"))
    done = watched.run("ragops", "monitor", "-t", "dev", "--schema", SCHEMA, "--json", "--look-only", check=False)
    assert done.returncode == 1, done.stderr
    found = {one["check"]: one for one in json.loads(done.stdout)["findings"]}
    assert "mount it" in found["source_unreadable"]["details"]
    shown = watched.run("ragops", "monitor", "-t", "dev", "--schema", SCHEMA, "--look-only", check=False)
    assert all(len(line) <= 80 for line in shown.stdout.splitlines()), shown.stdout
    assert "ragops doctor  (source_unreadable documents)" in shown.stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("landing=relative", "parameter landing is 'relative': give an absolute path"),
        ("llm=gpt", "model gpt"),
        ("usecase=/no/such.yml", "usecase: cannot read"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(cold_bundle: Bundle, wrong: str, said: str) -> None:
    assert said in cold_bundle.refused("localbundle", "run", "monitor", "-t", "dev", "--params", wrong)
