import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.bundle import Bundle
from localbundle.errors import BundleError
from localbundle.lint.compute import unknown_runtime
from localbundle.lint.refresh import main, refresh
from localbundle.lint.rule import JobContext, Note
from localbundle.lint.runtimes import TABLE, known, runtime_of_cluster, runtime_of_environment

TODAY = date(2030, 1, 2)
LIST = """
[project]
requires-python = "==3.13.*"
[tool.uv]
constraint-dependencies = ["absl-py~=2.3.1", "databricks-sdk~=0.67", "torch~=2.12.0", "numpy~=2.3.4"]
"""


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("15.4.x-cpu-ml-scala2.12", "15.4.x-cpu-ml-scala2.12"),
        ("16.4.x-photon-scala2.12", "16.4.x-scala2.12"),
        ("16.4.x-aarch64-photon-scala2.12", "16.4.x-scala2.12"),
        ("16.4.12-scala2.12", "16.4.x-scala2.12"),
        ("18.2.x-gpu-ml-scala2.13", "18.x-gpu-ml-scala2.13"),
        ("18.x-photon-scala2.13", "18.x-scala2.13"),
        ("9.1.x-scala2.12", "9.1.x-scala2.12"),
        ("18x-gpu-ml-scala2.13", "18x-gpu-ml-scala2.13"),
        ("custom:release__16.4.x-snapshot", None),
        ("auto:latest-lts", None),
        ("${var.spark_version}", None),
        ("", None),
    ],
)
def test_a_spark_version_is_looked_up_without_what_makes_no_difference(written, name) -> None:
    assert runtime_of_cluster({"spark_version": written}) == name


@given(st.text())
def test_any_text_may_stand_as_a_version(text) -> None:
    runtime_of_cluster({"spark_version": text})
    runtime_of_environment({"environment_version": text})


@pytest.mark.parametrize("spec", [{"environment_version": "4"}, {"environment_version": 4}, {"client": "4"}])
def test_an_environment_has_its_version_under_either_name(spec) -> None:
    assert runtime_of_environment(spec) == "serverless-v4"


@pytest.mark.parametrize("spec", [{}, {"base_environment": "x"}, {"environment_version": "${var.version}"}])
def test_an_environment_may_leave_its_version_open(spec) -> None:
    assert runtime_of_environment(spec) is None


@given(st.sampled_from(sorted(known().runtimes)), st.integers(0, 30), st.characters(categories=["L", "N"]))
def test_a_misspelt_runtime_is_named_as_it_is_written_with_three_near_ones(name, index, letter) -> None:
    index %= len(name)
    written = name[:index] + letter + name[index + 1 :]
    key, version = (
        ("environment_version", written[12:]) if name.startswith("serverless") else ("spark_version", written)
    )
    spec = {key: version}
    raw = (
        {"environments": [{"spec": spec}]}
        if key == "environment_version"
        else {"job_clusters": [{"new_cluster": spec}]}
    )
    for value, message in unknown_runtime(JobContext(Bundle(Path("/bundle"), "tiny", "dev", {}, {}), "x", raw)):
        assert value == version and f"{version} is not in the table" in message
        assert message.count(", ") == 2


def test_a_release_that_nobody_knows_is_a_note_and_an_unknown_kind_of_a_known_one_an_error() -> None:
    clusters = [{"new_cluster": {"spark_version": name}} for name in ("20.x-scala2.13", "17.3.x-scala2.12")]
    job = JobContext(Bundle(Path("/bundle"), "tiny", "dev", {}, {}), "x", {"job_clusters": clusters})
    assert [isinstance(message, Note) for _, message in unknown_runtime(job)] == [True, False]


@pytest.fixture
def table(tmp_path) -> Path:
    file = tmp_path / "runtimes.json"
    content = {
        "source": "lists", "date": "2029-12-31", "out_of_support": ["9.1"],
        "added": {"20": {"pyspark": "5.0.0", "numpy": "1.0"}},
        "runtimes": {"20.x-scala2.13": {"python": "3.13"}, "19.x-scala2.13": {"python": "3.12", "numpy": "2.3.4"}},
    }  # fmt: skip
    file.write_text(json.dumps(content))
    return file


def lists(folder: Path, *names: str) -> Path:
    for name in names:
        home = folder / "python" / ("serverless" if name.startswith("serverless") else "dbr") / name
        home.mkdir(parents=True)
        (home / "pyproject.toml").write_text(LIST)
    return folder


def test_the_lists_are_read_and_what_a_person_added_stays(tmp_path, table) -> None:
    folder = lists(tmp_path / "lists", "20.x-scala2.13", "21.x-scala2.13", "9.1.x-scala2.12", "serverless-v9")
    assert refresh(folder, table, TODAY) == (
        "runtimes in runtimes.json: 3; new: 21.x-scala2.13, serverless-v9; changed: 20.x-scala2.13; "
        "gone: 19.x-scala2.13; without a PySpark, so add its version to `added`: 21"
    )
    read = known(table)
    assert read.date == "2030-01-02"
    assert set(read.runtimes) == {"20.x-scala2.13", "21.x-scala2.13", "serverless-v9"}
    runtime = read.runtimes["20.x-scala2.13"]
    # What the lists say goes before what was added.
    assert (runtime.python, runtime.packages) == ("3.13", {"numpy": "2.3.4", "torch": "2.12.0", "pyspark": "5.0.0"})


def test_a_second_refresh_changes_nothing(tmp_path, table) -> None:
    folder = lists(tmp_path / "lists", "20.x-scala2.13")
    refresh(folder, table, TODAY)
    before = table.read_text()
    assert refresh(folder, table, TODAY) == "runtimes in runtimes.json: 1"
    assert table.read_text() == before


def test_our_table_is_as_the_command_writes_it(tmp_path) -> None:
    table = Path(shutil.copy(TABLE, tmp_path))
    rows = json.loads(TABLE.read_text())["runtimes"]
    folder = tmp_path / "lists"
    for name, row in rows.items():
        pins = [f"{package}~={version}" for package, version in row.items() if package != "python"]
        file = folder / "python" / "any" / name / "pyproject.toml"
        file.parent.mkdir(parents=True)
        file.write_text(
            LIST.split("constraint")[0].replace("3.13", row["python"]) + f"constraint-dependencies = {pins}"
        )
    said = refresh(folder, table, date.fromisoformat(known().date))
    assert said == f"runtimes in runtimes.json: {len(rows)}"
    assert table.read_text() == TABLE.read_text()


@pytest.mark.parametrize(
    "text", ["[project", "[project]\n", LIST.replace("numpy~=2.3.4", "numpy ??"), LIST.replace("numpy~=2.3.4", "numpy")]
)
def test_a_list_of_another_form_is_named_and_the_table_stays(tmp_path, table, text) -> None:
    folder = lists(tmp_path / "lists", "20.x-scala2.13")
    file = folder / "python/dbr/20.x-scala2.13/pyproject.toml"
    file.write_text(text)
    before = table.read_text()
    with pytest.raises(BundleError, match=r"20.x-scala2.13/pyproject.toml: not a list"):
        refresh(folder, table, TODAY)
    assert table.read_text() == before


def test_a_wrong_call_is_one_line(tmp_path) -> None:
    with pytest.raises(SystemExit, match="usage: python -m localbundle.lint.refresh FOLDER"):
        main([])
    with pytest.raises(SystemExit, match=r"has no python/\*/\*/pyproject.toml; check out github.com"):
        main([str(tmp_path)])
