"""`dbutils.widgets` on a page: controls in a bar under the cell that declares them."""

from functools import cached_property
from typing import Any

import ipywidgets
from IPython.display import display

from localbundle.definitions.bundle import Bundle
from localbundle.kernels.dbutils import Widgets
from localbundle.lab.job_parameters import job_values, notebook_of
from localbundle.lab.reactive_cells import Readers


class LiveWidgets(Widgets):
    """Parameters that people set. They begin with what a job passes to this notebook, else with their defaults."""

    def __init__(self, bundle: Bundle, shell: Any, readers: Readers) -> None:  # noqa: ANN401 - IPython's shell
        super().__init__({})
        self._bundle, self._shell, self._readers = bundle, shell, readers
        self._controls: dict[str, Any] = {}
        self._row = ipywidgets.Box(layout=ipywidgets.Layout(flex_flow="row wrap", grid_gap="2px 24px"))
        self._shown_by: object = None

    def get(self, name: str) -> str:
        """The value in the control."""
        self._readers.note(name)
        return super().get(name)

    def getAll(self) -> dict[str, str]:  # noqa: N802 - Databricks' name
        """All values by name."""
        for name in self._controls:
            self._readers.note(name)
        return super().getAll()

    def remove(self, name: str) -> None:
        """Takes a control away."""
        super().remove(name)
        self._controls.pop(name, None)
        self._row.children = tuple(self._controls.values())

    def _values(self) -> dict[str, str]:
        return self._inherited[1] | {name: _text(control.value) for name, control in self._controls.items()}

    def _declare(self, kind: str, name: str, default: str, choices: tuple[str, ...], label: str | None) -> None:
        super()._declare(kind, name, default, choices, label)
        if name not in self._controls:  # a cell that runs again keeps what people have set
            control = _CONTROLS[kind](self._inherited[1].get(name, default), choices, label or name)
            control.observe(lambda change: self._readers.run(name), "value")
            self._controls[name] = control
            self._row.children = tuple(self._controls.values())
        if self._shown_by != self._shell.execution_count and not self._readers.again:
            self._shown_by = self._shell.execution_count
            display(ipywidgets.VBox([ipywidgets.HTML(self._explanation), self._row]))

    @property
    def _explanation(self) -> str:
        source, _ = self._inherited
        begun = f"Set as {source} sets them, target {self._bundle.target}. " if source else ""
        return f"<small>{begun}Cells that read a value run again when it changes.</small>"

    @cached_property
    def _inherited(self) -> tuple[str, dict[str, str]]:
        """Found late: VS Code tells the notebook's name only after the kernel has started."""
        notebook = notebook_of(self._shell.user_ns)
        return (job_values(self._bundle, notebook) if notebook else None) or ("", {})


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _text_field(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    return ipywidgets.Text(value, continuous_update=False, **_look(label))


def _dropdown(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    return ipywidgets.Dropdown(options=tuple(dict.fromkeys((*choices, value))), value=value, **_look(label))


def _combobox(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    return ipywidgets.Combobox(value=value, options=choices, continuous_update=False, **_look(label))


def _multiselect(value: str, choices: tuple[str, ...], label: str) -> ipywidgets.Widget:
    chosen = tuple(value.split(",")) if value else ()
    options = tuple(dict.fromkeys((*choices, *chosen)))
    return ipywidgets.SelectMultiple(value=chosen, options=options, rows=min(4, len(options)), **_look(label))


def _look(label: str) -> dict[str, Any]:
    return {
        "description": label,
        "style": {"description_width": "initial"},
        "layout": ipywidgets.Layout(width="auto", min_width="260px"),
    }


_CONTROLS = {"text": _text_field, "dropdown": _dropdown, "combobox": _combobox, "multiselect": _multiselect}
