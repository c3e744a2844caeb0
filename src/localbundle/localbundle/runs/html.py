"""A run as HTML: one page about it, and a page for each executed notebook."""

import json
import threading
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from localbundle.kernels.failure import brief_message
from localbundle.kernels.output import cell_text
from localbundle.runs.conditions import FAILURES
from localbundle.runs.graph import HEIGHT, layout
from localbundle.runs.record import RunRecord, TaskRecord

if TYPE_CHECKING:
    from nbconvert import HTMLExporter

_FOLDER = Path(__file__).parent
# Outputs of notebooks may contain any HTML: the browser must run no script in it and fetch nothing for it.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
_LOOKS = {
    "SUCCESS": ("✓", "good"),
    "SUCCESS_WITH_FAILURES": ("!", "warn"),
    "RUNNING": ("●", "busy"),
    "PENDING": ("·", "busy"),
    "QUEUED": ("·", "busy"),
    "BLOCKED": ("·", "idle"),
    "EXCLUDED": ("–", "idle"),
    "DISABLED": ("–", "idle"),
    "INTERRUPTED": ("✗", "warn"),
    "CANCELED": ("✗", "warn"),
}
_FAILED_LOOK = ("✗", "bad")
_EXPORTING = threading.Lock()
_LETTERS = 28  # of a key that a box shows
_LETTER_WIDTH = 7.6


def write_run_page(folder: Path, record: RunRecord) -> Path:
    """Writes `index.html` about a run into its folder, with links to the notebooks and pages that exist there."""
    tasks = _ordered(record)
    letters = min(_LETTERS, max(map(len, record.own_tasks)))
    width = max(170.0, 46 + letters * _LETTER_WIDTH)
    page = folder / "index.html"
    text = (
        _templates()
        .get_template("run.html.j2")
        .render(
            run=record,
            tasks=tasks,
            failures=[task for task in tasks if _is_failure(record, task)],
            files={file.name for file in folder.iterdir()},
            graph=layout({key: task.depends_on for key, task in record.own_tasks.items()}, width),
            box=(width, HEIGHT, _LETTERS),
            policy=_POLICY,
        )
    )
    page.write_text(text, "utf-8")
    return page


def write_notebook_page(notebook: Path) -> Path:
    """Writes an executed notebook as one HTML file next to it: KEY.html for KEY.ipynb."""
    resources = {"policy": _POLICY, "run": notebook.resolve().parent.name}
    with _EXPORTING:
        text, _ = _exporter().from_filename(str(notebook), resources)
    page = notebook.with_suffix(".html")
    page.write_text(text, "utf-8")
    return page


@cache
def _exporter() -> "HTMLExporter":
    """One for all notebooks: compiling its templates takes 60 % of a page. Not for several threads at once."""
    from nbconvert import HTMLExporter  # takes a second

    template = (_FOLDER / "notebook.html.j2").read_text("utf-8")
    return HTMLExporter(raw_template=template, embed_images=True)


def _ordered(record: RunRecord) -> list[TaskRecord]:
    """Each task, followed by its iterations."""
    own = record.own_tasks.values()
    return [one for task in own for one in (task, *_iterations(record, task))]


def _iterations(record: RunRecord, task: TaskRecord) -> list[TaskRecord]:
    return [one for one in record.tasks.values() if one.parent == task.task_key]


def _is_failure(record: RunRecord, task: TaskRecord) -> bool:
    """Whether a task itself failed, and not only another task or an iteration."""
    ran_and_failed = task.state in FAILURES and task.started is not None
    return ran_and_failed and not any(one.state in FAILURES for one in _iterations(record, task))


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "sign": lambda state: _LOOKS.get(state, _FAILED_LOOK)[0],
        "tone": lambda state: _LOOKS.get(state, _FAILED_LOOK)[1],
        "words": lambda name: name.removesuffix("_task").replace("_", " ").lower(),
        "brief": brief_message,
        "source": _source,
        "time": _time,
        "duration": _duration,
        "cell": cell_text,
        "json": partial(json.dumps, ensure_ascii=False),
    }
    return templates


def _source(task: TaskRecord) -> str:
    """The cell or file and the line in which a task failed."""
    failure = task.failure
    assert failure is not None
    source = f"job {task.source}" if task.child_run is not None else Path(task.source or "").name
    where = failure.file or f"{source}, cell {failure.cell}"
    return where + (f", line {failure.line_number}" if failure.line_number else "")


def _time(moment: datetime, form: str = "%Y-%m-%d %H:%M:%S %Z") -> str:
    """In the time zone of the machine that ran the job."""
    return moment.astimezone().strftime(form)


def _duration(seconds: float) -> str:
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
