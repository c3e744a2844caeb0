"""Times that only the executed notebooks of a run tell."""

from datetime import datetime

import nbformat
from localbundle.runs.record import RunRecord
from nbformat import NotebookNode

from tests.e2e.bundles import Bundle


def kernel_starts(bundle: Bundle, record: RunRecord) -> float:
    """Seconds that a run's notebook tasks waited between their start and their first cell."""
    waited = 0.0
    for key, task in record.tasks.items():
        if task.kind == "notebook_task" and task.started:
            first = next(cell for cell in _executed(bundle, record, key).cells if cell.cell_type == "code")
            waited += (_time(first, "busy") - task.started).total_seconds()
    return waited


def embedding(bundle: Bundle, record: RunRecord) -> float:
    """Seconds in which a run embedded its texts: of the cell that does it, up to the merge of the vectors."""
    cells = _executed(bundle, record, "embed").cells
    (cell,) = (cell for cell in cells if cell.cell_type == "code" and "refresh_embeddings(" in cell.source)
    return (_time(cell, "idle") - _time(cell, "busy")).total_seconds()


def _executed(bundle: Bundle, record: RunRecord, task: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(bundle.home / "runs" / str(record.run_id) / f"{task}.ipynb", as_version=4)
    return notebook


def _time(cell: NotebookNode, state: str) -> datetime:
    return datetime.fromisoformat(cell.metadata.execution[f"iopub.status.{state}"])
