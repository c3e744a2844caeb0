"""Cells that read widgets: they run again when a value changes.

Once such a cell has read a value, its outputs go to an output widget of its own. So the next run replaces the outputs
of the previous one in the same cell, in JupyterLab and in VS Code alike, and no front end has to run a cell.
"""

import contextlib
from dataclasses import dataclass, field
from typing import Any

import ipywidgets
from IPython.display import display


@dataclass
class _Cell:
    source: str
    names: set[str] = field(default_factory=set)
    output: ipywidgets.Output | None = None


class ReactiveCells:
    """The cells that have read a widget, in the order of their first run."""

    def __init__(self, shell: Any) -> None:  # noqa: ANN401 - IPython's shell
        self._shell = shell
        self._cells: dict[str, _Cell] = {}
        self._current: _Cell | None = None
        self._execution: Any = None
        self._capture = contextlib.ExitStack()
        self.is_rerun = False
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def add_reader(self, name: str) -> None:
        """Records that the running cell reads this widget."""
        cell = self._current
        if cell is None:
            return
        cell.names.add(name)
        if cell.output is None:
            cell.output = ipywidgets.Output()
            display(cell.output)
            self._capture.enter_context(cell.output)

    def rerun(self, name: str) -> None:
        """Runs the cells that have read this widget again, in order, until one fails."""
        if self.is_rerun or self._current is not None:
            return
        self.is_rerun = True
        try:
            for cell in [cell for cell in self._cells.values() if name in cell.names]:
                if not self._run(cell):
                    break
        finally:
            self.is_rerun = False

    def _run(self, cell: _Cell) -> bool:
        assert cell.output is not None
        cell.output.clear_output()
        with cell.output:
            done: bool = self._shell.run_cell(cell.source).success
        return done

    def _begin(self, info: Any) -> None:  # noqa: ANN401 - IPython's ExecutionInfo
        if self._current is None and not self.is_rerun:  # cells that another cell runs (%run) are part of it
            self._current, self._execution = _Cell(info.raw_cell), info

    def _end(self, result: Any) -> None:  # noqa: ANN401 - IPython's ExecutionResult
        if self._current is None or result.info is not self._execution:
            return
        self._capture.close()
        key = result.info.cell_id or self._current.source
        if self._current.names:
            self._cells[key] = self._current
        else:
            self._cells.pop(key, None)
        self._current = None
