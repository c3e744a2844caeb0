from pathlib import Path

import ipywidgets
import pytest
from localbundle.definitions.bundle import Bundle, load_bundle
from localbundle.errors import BundleError
from localbundle.lab import widgets as module
from localbundle.lab.reactive_cells import ReactiveCells
from localbundle.lab.widgets import LiveWidgets, job_values, notebook_of

ROOT = """
bundle: {name: b}
include: [resources/*.yml]
targets: {dev: {default: true, mode: development}}
"""
JOB = """
resources:
  schemas: {rag: {catalog_name: c, name: rag}}
  jobs:
    broken: {tasks: [{task_key: q, dbt_task: {}}]}
    work:
      parameters: [{name: schema, default: "${resources.schemas.rag.name}"}, {name: both, default: job}]
      tasks:
        - task_key: each
          for_each_task:
            inputs: "[1]"
            task:
              task_key: one
              notebook_task:
                notebook_path: ../notebooks/n.py
                base_parameters: {both: task, run: "{{job.run_id}}", item: "{{input}}", flag: true}
"""


@pytest.fixture
def shown(monkeypatch) -> list[ipywidgets.VBox]:
    bars: list[ipywidgets.VBox] = []
    monkeypatch.setattr(module, "display", bars.append)
    return bars


@pytest.fixture
def passed(monkeypatch) -> dict[str, str]:
    values: dict[str, str] = {}
    monkeypatch.setattr(module, "notebook_of", lambda names: "n.ipynb")
    monkeypatch.setattr(module, "job_values", lambda bundle, notebook: ("task t of job j", values))
    return values


@pytest.fixture
def widgets(shell, shown, passed, tmp_path) -> LiveWidgets:
    return LiveWidgets(Bundle(tmp_path, "b", "dev", {}, {}), shell, ReactiveCells(shell))


def controls(bar: ipywidgets.VBox) -> list[ipywidgets.Widget]:
    return list(bar.children[1].children)


def test_each_kind_has_its_control_in_one_bar(widgets, shown) -> None:
    widgets.text("a", "x", "A")
    widgets.dropdown("b", "1", ["1", "2"])
    widgets.combobox("c", "1", ["1", "2"])
    widgets.multiselect("d", "1", ["1", "2", "3"])
    (bar,) = shown
    kinds = [ipywidgets.Text, ipywidgets.Dropdown, ipywidgets.Combobox, ipywidgets.SelectMultiple]
    assert [type(control) for control in controls(bar)] == kinds
    assert [control.description for control in controls(bar)] == ["A", "b", "c", "d"]
    controls(bar)[2].value = "typed"
    controls(bar)[3].value = ("1", "3")
    assert widgets.getAll() == {"a": "x", "b": "1", "c": "typed", "d": "1,3"}
    with pytest.raises(BundleError, match="no widget or parameter is named e"):
        widgets.get("e")


def test_controls_begin_with_the_jobs_values_and_the_bar_says_so(widgets, shown, passed) -> None:
    passed.update(encoder="other", kinds="1,9", alone="here")
    widgets.dropdown("encoder", "torch", ["torch", "openvino"])
    widgets.multiselect("kinds", "1", ["1", "2"])
    assert widgets.getAll() == {"encoder": "other", "kinds": "1,9", "alone": "here"}
    assert "Values of task t of job j, target dev." in shown[0].children[0].value


def test_a_declaration_again_keeps_the_value_and_shows_the_bar_again(widgets, shown, shell) -> None:
    widgets.text("a", "x")
    controls(shown[0])[0].value = "set"
    shell.execution_count += 1
    widgets.text("a", "x")
    assert widgets.get("a") == "set"
    assert len(shown) == 2
    widgets.removeAll()
    assert controls(shown[1]) == []
    assert widgets.getAll() == {}


def test_a_change_runs_the_cells_that_read_that_widget(widgets, shown, shell) -> None:
    shell.push({"widgets": widgets, "runs": []})
    for source in (
        "widgets.text('a', '1'); widgets.text('b', '1')",
        "runs.append('a' + widgets.get('a'))",
        "runs.append('b' + widgets.get('b'))",
        "runs.append(str(widgets.getAll()))",
        "runs.append('none')",
    ):
        shell.run_cell(source)
    del shell.user_ns["runs"][:]
    controls(shown[0])[0].value = "2"
    assert shell.user_ns["runs"] == ["a2", "{'a': '2', 'b': '1'}"]


@pytest.fixture
def bundle_root(write) -> Path:
    return write(root=ROOT, job=JOB, notebook="# Databricks notebook source\n")


def test_values_are_those_of_the_task_that_runs_the_notebook(bundle_root: Path) -> None:
    source, values = job_values(load_bundle(bundle_root), bundle_root / "notebooks/n.py")
    assert source == "task each of job work"
    assert values.pop("schema").startswith("dev_")
    assert values == {"both": "job", "flag": "true"}


def test_a_notebook_of_no_job_has_none(bundle_root: Path) -> None:
    assert job_values(load_bundle(bundle_root), bundle_root / "notebooks/other.py") is None


def test_the_notebook_is_reported_by_jupyter_or_vs_code(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert notebook_of({}) is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "x/../jupyter.ipynb"))
    assert notebook_of({}) == tmp_path / "jupyter.ipynb"
    assert notebook_of({"__vsc_ipynb_file__": str(tmp_path / "code.ipynb")}) == tmp_path / "code.ipynb"
