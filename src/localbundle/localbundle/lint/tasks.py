"""Rules on a task alone, and on its edges."""

from localbundle.definitions.tasks import plain
from localbundle.errors import closest
from localbundle.lint.rule import JobContext, Said

_RETRIES = ("max_retries", "min_retry_interval_millis", "retry_on_timeout")
_MENDS = {"for_each_task": "move it to the nested task", "condition_task": "remove it, a comparison is not tried again"}


def misplaced_retries(job: JobContext) -> Said:
    """Retries on a task that is never tried again itself."""
    for task in job.tasks:
        for kind, fix in _MENDS.items():
            for field, value in task.raw.items() if kind in task.raw else ():
                if field in _RETRIES and value:
                    yield field, f"task {task.key}: {field} stands on a {kind}; {fix}"


def order_of_text(job: JobContext) -> Said:
    """An order operator on a literal that is no number."""
    for task in job.tasks:
        condition = task.work("condition_task")
        for side, value in condition.items() if str(condition.get("op")).startswith(("GREATER", "LESS")) else ():
            literal = str(plain(value))
            if side in ("left", "right") and "{{" not in literal and not _is_number(literal):
                what = f"task {task.key}: {condition['op']} compares numbers, and {side} is {literal!r}"
                yield value if isinstance(value, str) else side, f"{what}; write a number, or use EQUAL_TO or NOT_EQUAL"


def wrong_dependency(job: JobContext) -> Said:
    """An edge to nothing, or an outcome of a task that has none."""
    tasks = {task.key: task for task in job.tasks}
    for task in job.tasks:
        for edge in task.edges:
            other = edge.get("task_key")
            if other not in tasks:
                hint = closest(str(other), tasks.keys() - {task.key})
                yield other, f"task {task.key} depends on {other}, which is no task of job {job.key}; {hint}"
            elif "outcome" in edge and "condition_task" not in tasks[other].raw:
                yield other, f"task {task.key} waits for an outcome of {other}, which is no condition; remove outcome"
            elif "outcome" not in edge and "condition_task" in tasks[other].raw:
                yield other, f'task {task.key} depends on condition {other}; add outcome: "true" or "false"'


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
