"""`dbutils.widgets` for interactive use: controls in a bar under the cell that declares them.

They start with the values that a job passes to the notebook, so that all cells run as they are.
"""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import ipywidgets
from IPython.display import display

from localbundle.definitions.bundle import Bundle
from localbundle.definitions.jobs import Job
from localbundle.definitions.read_job import find_job
from localbundle.errors import BundleError
from localbundle.kernels.dbutils import Widgets
from localbundle.lab.reactive_cells import ReactiveCells


class LiveWidgets(Widgets):
    """Parameters that a user sets. They start with the values that a job passes to the notebook, else defaults."""

    def __init__(self, bundle: Bundle, shell: Any, cells: ReactiveCells) -> None:  # noqa: ANN401 - IPython's shell
        super().__init__({})
        self._bundle, self._shell, self._cells = bundle, shell, cells
        self._controls: dict[str, Any] = {}
        self._row = ipywidgets.Box(layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="2px 24px"))
        self._shown_by: object = None

    def get(self, name: str) -> str:
        """The value in the control."""
        self._cells.add_reader(name)
        return super().get(name)

    def getAll(self) -> dict[str, str]:  # noqa: N802 - Databricks' name
        """All values by name."""
        for name in self._controls:
            self._cells.add_reader(name)
        return super().getAll()

    def remove(self, name: str) -> None:
        """Removes a control."""
        super().remove(name)
        self._controls.pop(name, None)
        self._row.children = tuple(self._controls.values())

    def _values(self) -> dict[str, str]:
        shown = {name: _text(control.value) for name, control in self._controls.items()}
        return self._inherited[1] | shown | self._passed

    def _declare(self, kind: str, name: str, default: str, choices: tuple[str, ...], label: str | None) -> None:
        super()._declare(kind, name, default, choices, label)
        if name not in self._controls:  # a cell that runs again keeps the values that the user has set
            control = _CONTROLS[kind](self._inherited[1].get(name, default), choices, label or name)
            control.observe(lambda change: self._cells.rerun(name), "value")
            self._controls[name] = control
            self._row.children = tuple(self._controls.values())
        if self._shown_by != self._shell.execution_count and not self._cells.is_rerun:
            self._shown_by = self._shell.execution_count
            display(ipywidgets.VBox([ipywidgets.HTML(self._explanation), self._row]))

    @property
    def _explanation(self) -> str:
        source, _ = self._inherited
        origin = f"Values of {source}, target {self._bundle.target}. " if source else ""
        return f"<small>{origin}Cells that read a value run again when it changes.</small>"

    @cached_property
    def _inherited(self) -> tuple[str, dict[str, str]]:
        """Read lazily: VS Code sets the notebook's name only after the kernel has started."""
        notebook = notebook_of(self._shell.user_ns)
        return (job_values(self._bundle, notebook) if notebook else None) or ("", {})


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _text_field(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    return ipywidgets.Text(value, continuous_update=False, **_layout(label))


def _dropdown(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    return ipywidgets.Dropdown(options=tuple(dict.fromkeys((*choices, value))), value=value, **_layout(label))


def _combobox(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    return ipywidgets.Combobox(value=value, options=choices, continuous_update=False, **_layout(label))


def _multiselect(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    chosen = tuple(value.split(",")) if value else ()
    options = tuple(dict.fromkeys((*choices, *chosen)))
    return ipywidgets.SelectMultiple(value=chosen, options=options, rows=min(4, len(options)), **_layout(label))


def _layout(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": "initial"},
        "layout": ipywidgets.Layout(width="auto", min_width="260px"),
    }


_CONTROLS = {"text": _text_field, "dropdown": _dropdown, "combobox": _combobox, "multiselect": _multiselect}


def notebook_of(names: Mapping[str, Any]) -> Path | None:
    """The notebook that this kernel runs: VS Code puts its path into the namespace, Jupyter into the environment."""
    path = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    return Path(path).resolve() if path else None


def job_values(bundle: Bundle, notebook: Path) -> tuple[str, dict[str, str]] | None:
    """The name of the first task that runs this notebook, and the values it passes to it; None if no task runs it.

    Values that only exist in a run ({{job.run_id}}) are left out, so that the notebook's own defaults apply.
    """
    for key in bundle.jobs:
        try:
            job = find_job(bundle, key)
        except BundleError:  # a job that cannot run here passes no values
            continue
        if found := _values(job, notebook):
            return found
    return None


def _values(job: Job, notebook: Path) -> tuple[str, dict[str, str]] | None:
    for task in job.tasks:
        work = task.work.notebook_task
        if work and Path(work.notebook_path).resolve() == notebook:
            passed = work.base_parameters | job.parameters
            known = {name: value for name, value in passed.items() if "{{" not in value}
            return f"task {task.task_key} of job {job.key}", known
    return None
