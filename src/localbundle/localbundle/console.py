"""The display of a run: a live table on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from localbundle.kernels.failure import brief_message
from localbundle.kernels.output import Output, cell_text
from localbundle.runs.conditions import DONE, FAILURES
from localbundle.runs.record import RunRecord, TaskRecord

if TYPE_CHECKING:
    from localbundle.lint.check import Finding

_STYLES = {
    "SUCCESS": ("✓", "green"),
    "RUNNING": ("●", "cyan"),
    "BLOCKED": ("·", "dim"),
    "PENDING": ("·", "cyan"),
    "EXCLUDED": ("–", "dim"),
    "DISABLED": ("–", "dim"),
    "QUEUED": ("·", "cyan"),
    "SUCCESS_WITH_FAILURES": ("!", "yellow"),
    "INTERRUPTED": ("✗", "yellow"),
    "CANCELED": ("✗", "yellow"),
}
_FAILED_STYLE = ("✗", "red")
_SHOWN_ROWS = 10  # of the result of a SQL task
_SHOWN_RECORDS = 3  # with one line for each value
_SHOWN_COLUMNS = 6  # that may be narrowed to fit
_ANY_WIDTH = 100_000


def mark(state: str) -> Text:
    """A state with its sign and color."""
    sign, style = _STYLES.get(state, _FAILED_STYLE)
    return Text(f"{sign} {state.lower().replace('_', ' ')}", style)


class RunView:
    """Shows a run in progress; `update` and `progress` are its callbacks."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._record: RunRecord | None = None
        self._note = ""
        self._live: Live | None = None
        self._reported: dict[str, tuple[str, int]] = {}
        self._spinner = Spinner("dots", style="cyan")

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """Draws live during the block, if there is a terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(get_renderable=self._draw, console=self.console, refresh_per_second=8, transient=True) as self._live:
            yield
        self._live = None

    def progress(self, note: str) -> None:
        """Shows what is being prepared; empty when it is done."""
        changed, self._note = note != self._note, note
        if note and changed and not self.console.is_terminal:
            self.console.print(f"  {note}", highlight=False, markup=False)

    def update(self, record: RunRecord) -> None:
        """Shows the run's latest record."""
        self._record = record
        if not self.console.is_terminal:
            self._print_changes(record)

    def finish(self, record: RunRecord, folder: Path) -> None:
        """Prints the final table, each failure, and the summary line."""
        if self.console.is_terminal:
            self.console.print(run_table(record))
        for task in record.tasks.values():
            if task.state in FAILURES and task.state != "UPSTREAM_FAILED" and task.started:
                print_failure(self.console, task)
        for task in record.own_tasks.values():
            print_output(self.console, task)
        print_summary(self.console, record, folder)

    def _draw(self) -> RenderableType:
        parts: list[RenderableType] = [run_table(self._record)] if self._record else []
        if self._note:
            self._spinner.update(text=Text(f" {self._note}", "cyan"))
            parts.append(self._spinner)
        return Group(*parts)

    def _print_changes(self, record: RunRecord) -> None:
        for key, task in record.tasks.items():
            shown = (task.state, task.attempts)
            if shown == self._reported.get(key) or (task.state != "RUNNING" and task.state not in DONE):
                continue
            self._reported[key] = shown
            again = f" (attempt {task.attempts})" if task.attempts > 1 else ""
            after = f" {task.seconds:.1f} s" if task.state in DONE and task.started else ""
            message = f"  {task.message}" if task.state in DONE and task.message else ""
            line = f"{key}: {task.state.lower().replace('_', ' ')}{again}{after}{message}"
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def run_table(record: RunRecord) -> Table:
    """The tasks of a run: state, seconds, last message."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="ellipsis", no_wrap=True, style="dim", ratio=1)
    for task in record.tasks.values():
        seconds = f"{task.seconds:.1f} s" if task.started else ""
        attempt = f"(attempt {task.attempts}) " if task.attempts > 1 else ""
        table.add_row(Text(task.task_key, "bold"), mark(task.state), seconds, Text(attempt + task.message))
    return table


def print_failure(console: Console, task: TaskRecord) -> None:
    """Prints the message first, then where it was raised."""
    failure = task.failure
    if failure is None:
        console.print(f"[red bold]{escape(task.task_key)}[/]: {escape(task.message)}", highlight=False, soft_wrap=True)
        return
    message = escape(brief_message(failure))
    console.print(f"[red bold]{escape(task.task_key)}[/]: {message}", highlight=False, soft_wrap=True)
    where = _short(failure.file) if failure.file else f"{_short(task.source)}, cell {failure.cell}"
    where += f", line {failure.line_number}" if failure.line_number else ""
    console.print(f"  [dim]{escape(where)}[/]", highlight=False, soft_wrap=True)
    if failure.line:
        console.print(f"  [dim]>[/] {escape(failure.line)}", highlight=False, soft_wrap=True)


def print_output(console: Console, task: TaskRecord) -> None:
    """Prints the first rows of a SQL task: as a table if they fit, else one value in each line."""
    output = task.output
    if output is None:
        return
    shown = output.rows[:_SHOWN_ROWS]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for column in output.columns:
        table.add_column(Text(column), overflow="fold")
    for row in shown:
        table.add_row(*(Text(cell_text(value)) for value in row))
    needed = console.measure(table, options=console.options.update(max_width=_ANY_WIDTH)).maximum
    if len(output.columns) > _SHOWN_COLUMNS and needed + 2 > console.width:
        shown = shown[:_SHOWN_RECORDS]
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for number, record in enumerate(shown):
            table.add_section()
            for column, value in zip(output.columns, record, strict=True):
                table.add_row(Text(column, "dim"), Text(cell_text(value)))
            if number < len(shown) - 1:
                table.add_row("", "")
    console.print(f"[bold]{escape(task.task_key)}[/] [dim]{_count(output)}[/]", highlight=False)
    if shown:
        console.print(Padding(table, (0, 0, 0, 2)), highlight=False)
    if len(shown) < len(output.rows) or not output.is_complete:
        console.print("  [dim]... more rows are on the page of the task[/]", highlight=False)


def _count(output: Output) -> str:
    """The number of rows, which is a lower bound where not all are kept."""
    count = len(output.rows)
    return f"{'' if output.is_complete else 'over '}{count:,} row{'s' * (count != 1)}"


def print_summary(console: Console, record: RunRecord, folder: Path) -> None:
    """Prints one line on the run and its folder."""
    sign, style = _STYLES.get(record.state, _FAILED_STYLE)
    state = record.state.lower().replace("_", " ")
    console.print(
        f"[{style}]{sign} {escape(record.job)} {state}[/] in {record.seconds:.1f} s  "
        f"[dim]run {record.run_id}, target {escape(record.target)}, {escape(_short(str(folder)))}/[/]",
        highlight=False,
        soft_wrap=True,
    )


_LEVELS = {"error": "", "warning": "warning: ", "note": "note: "}


def print_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Prints one line per finding, with locations and messages aligned; the rule's id comes last."""
    locations = [f"{finding.file}:{finding.line}:" if finding.file else "" for finding in findings]
    width = max(map(len, locations))
    for location, finding in zip(locations, findings, strict=True):
        console.print(
            f"[bold]{escape(location):<{width}}[/] {_LEVELS[finding.level]}{escape(finding.message)} "
            f"[dim]{escape(f'[{finding.rule}]')}[/]",
            highlight=False,
            soft_wrap=True,
        )
    texts = (("error", "[red]{} finding{}[/]"), ("warning", "[yellow]{} warning{}[/]"), ("note", "{} note{}"))
    known = ((text, sum(finding.level == level for finding in findings)) for level, text in texts)
    parts = [text.format(count, "s" * (count > 1)) for text, count in known if count]
    console.print(", ".join(parts), highlight=False)


def _short(path: str | None) -> str:
    """A path relative to the current folder, if it is inside it."""
    absolute = Path(path or "")
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
