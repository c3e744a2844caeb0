"""Rules on the tasks themselves: retries, comparisons, and references in the notebooks that they run."""

import re

from localbundle.definitions.read_job import RETRY_FIELDS
from localbundle.definitions.tasks import plain
from localbundle.definitions.yamlfile import Text
from localbundle.lint.code import read_cells, task_files
from localbundle.lint.rule import JobContext, Messages

_REFERENCE = re.compile(r"\$\{(?:var|bundle|workspace|resources)\.[^}]*\}?|\{\{\s*(?:job|tasks)\.[^}]*(?:\}\})?")


def misplaced_retries(job: JobContext) -> Messages:
    """Retries on a comparison, which gives the same result each time."""
    for task in job.tasks:
        for field, value in task.raw.items() if "condition_task" in task.raw else ():
            if field in RETRY_FIELDS and value:
                what = f"task {task.key} of job {job.key}: {field} is set on a condition_task"
                yield field, f"{what}; remove it, a comparison gives the same result each time"


def order_of_text(job: JobContext) -> Messages:
    """An order operator on a literal that is not a number."""
    for task in job.tasks:
        condition = task.work("condition_task")
        for side, value in condition.items() if str(condition.get("op")).startswith(("GREATER", "LESS")) else ():
            literal = str(plain(value))
            if side in ("left", "right") and "{{" not in literal and not _is_number(literal):
                what = f"task {task.key}: {condition['op']} compares numbers, and {side} is {literal!r}"
                yield value if isinstance(value, str) else side, f"{what}; write a number, or use EQUAL_TO or NOT_EQUAL"


def reference_in_notebook(job: JobContext) -> Messages:
    """A reference in code: only definitions are resolved, a notebook gets what it needs as parameters."""
    for kind, file in task_files(job):
        for number, line in (line for cell in read_cells(file) for line in cell) if kind == "notebook_task" else ():
            code = line.removeprefix("# MAGIC ")
            for match in _REFERENCE.finditer(code) if not code.lstrip().startswith("#") else ():
                fix = "pass it as a parameter and read that with dbutils.widgets.get"
                yield Text("", file, number), f"{match[0]} is not resolved in a notebook; {fix}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
