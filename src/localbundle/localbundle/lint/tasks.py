"""Rules on the tasks themselves: retries, comparisons, and what is in the notebooks that they run."""

import re

from localbundle.definitions.read_job import RETRY_FIELDS
from localbundle.definitions.tasks import plain
from localbundle.definitions.yamlfile import Text
from localbundle.lint.code import read_cells, task_files
from localbundle.lint.rule import JobContext, Messages, Note

_REFERENCE = re.compile(r"\$\{(?:var|bundle|workspace|resources)\.[^}]*\}?|\{\{\s*(?:job|tasks)\.[^}]*(?:\}\})?")

_UNAVAILABLE = {
    r"\s*%(?:pip|conda)\b": "add the package to the task's environment",
    r"\s*%restart_python\b": "add packages to the task's environment in place of %pip",
    r"dbutils\.library\.\w+": "add packages to the task's environment in place of %pip",
    r"\s*%(?:scala|r)(?![\w.])": "write the cell in Python or SQL",
    r"dbutils\.notebook\.run\b": "make the notebook a task of the job",
    r"dbutils\.(?:notebook\.)?(?:entry_point|getContext)\b|\bget_context\(": "pass {{job.run_id}} as a parameter",
    r"dbutils\.fs\.(?:mount\w*|unmount|refreshMounts|updateMount)\b": "use a volume",
    r"dbutils\.(?:credentials|data|preview|meta|api)\b": "use Spark's own functions",
    r"dbutils\.secrets\.(?:list|listScopes|getBytes)\b": "use dbutils.secrets.get",
}
"""What a notebook may contain on Databricks and cannot here, with what to do instead."""


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


def unavailable_here(job: JobContext) -> Messages:
    """A part of a notebook that runs on Databricks only: a note, and an error once the run comes to it."""
    for kind, file in task_files(job):
        for number, line in (line for cell in read_cells(file) for line in cell) if kind == "notebook_task" else ():
            code = line.removeprefix("# MAGIC ").partition("#")[0]
            for pattern, fix in _UNAVAILABLE.items():
                if found := re.match(pattern, code) if pattern.startswith(r"\s*%") else re.search(pattern, code):
                    what = found[0].strip().removesuffix("(")
                    yield Text("", file, number), Note(f"{what} is not available in a local run; {fix}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
