"""The job explore as its users run it: a report with pictures, numbers in the table, clear words where nothing is."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.e2e.bundles import Bundle
from tests.support.needs import unused
from tests.support.recorded import Request


def explore(bundle: Bundle, schema: str, reports: Path, check: bool = True, **more: str) -> CompletedProcess[str]:
    pairs = {"schema": schema, "reports": str(reports), **more}
    words = ",".join(f"{name}={value}" for name, value in pairs.items())
    return bundle.run("localbundle", "run", "explore", "-t", "dev", "--params", words, check=check)


def test_explore_writes_a_report(
    bundle: Bundle, noted: str, tmp_path: Path, requested: Callable[[], list[Request]]
) -> None:
    asked = tmp_path / "asked.jsonl"
    asked.write_text(json.dumps({"question": "What does the otter eat?", "anchor": "4 fish"}) + "\n")
    reports = Path(f"/Volumes/spark_catalog/{noted}/reports")
    folder = bundle.home / reports.relative_to("/")
    folder.mkdir()
    done = explore(bundle, noted, reports, questions=str(asked), chunk_sizes="32")
    (report,) = folder.glob(f"{noted}-*.html")
    assert unused(requested(), ["explore"]) == set()
    html = report.read_text()
    assert str(report) in done.stdout
    assert html.count("<figure") >= 8
    assert all(re.findall(r"<h3>[^<]+</h3><p>[^<]+\.</p><svg", html))
    table = f"spark_catalog.{noted}.profile"
    rows = bundle.sql(f"SELECT value FROM {table} WHERE measure = 'documents.count' AND `group` = 'all'")
    assert [row["value"] for row in rows] == [8]


def test_without_documents_it_says_what_to_run(bundle: Bundle, tmp_path: Path) -> None:
    stopped = explore(bundle, "nothing_there", tmp_path, check=False)
    assert stopped.returncode == 1
    said = "documents: none in spark_catalog.nothing_there; run"
    assert said in stopped.stdout + stopped.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("sample=none", "parameter sample is 'none'"),
        ("chunk_sizes=64 8", "from 16 to 8192 tokens"),
        ("chunk_sizes=many", "parameter chunk_sizes"),
        ("questions=/no/such.jsonl", "parameter questions: cannot read /no/such.jsonl"),
        ("reports=relative", "parameter reports is 'relative': give an absolute path"),
    ],
)
def test_wrong_parameters_are_refused_before_spark(cold_bundle: Bundle, wrong: str, said: str) -> None:
    assert said in cold_bundle.refused("localbundle", "run", "explore", "-t", "dev", "--params", wrong)
