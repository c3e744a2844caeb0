import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from localbundle.console import RunView, print_failure, print_output, run_table
from localbundle.kernels.failure import Failure
from localbundle.kernels.output import Output
from localbundle.runs.record import RunRecord, TaskRecord
from rich.console import Console

START = datetime(2026, 11, 24, tzinfo=UTC)


def task(key: str, state: str, **fields) -> TaskRecord:
    times = {"started": START, "ended": START + timedelta(seconds=1.5)} if state != "BLOCKED" else {}
    return TaskRecord(task_key=key, kind="notebook", state=state, **times, **fields)


def run(*tasks: TaskRecord, state: str = "RUNNING") -> RunRecord:
    return RunRecord(
        run_id=7,
        job="refresh",
        name="refresh",
        target="dev",
        parameters={},
        state=state,
        pid=1,
        process_started=0.0,
        started=START,
        ended=START + timedelta(seconds=3),
        tasks={one.task_key: one for one in tasks},
    )


def shown(what, width: int = 60, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    what(console)
    text = console.file.getvalue()
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_a_long_message_never_hides_task_and_state() -> None:
    table = run_table(run(task("ingest_documents", "RUNNING", message="x" * 300), task("publish", "BLOCKED")))
    lines = shown(lambda console: console.print(table)).splitlines()
    assert lines[0].startswith("ingest_documents  ● running  1.5 s  xxx")
    assert lines[1] == "publish           · blocked"
    assert len(lines) == 2


@pytest.mark.parametrize("terminal", [True, False])
def test_markup_in_what_a_notebook_prints_is_plain_text(terminal: bool) -> None:
    broken = task("a", "FAILED", message="[/red] [bold]", failure=None)

    def show(console: Console) -> None:
        view = RunView(console)
        view.update(run(broken))
        view.finish(run(broken, state="FAILED"), Path("/w/runs/7"))

    text = shown(show, width=100, terminal=terminal)
    assert "[/red] [bold]" in text
    assert text.splitlines()[-1] == "✗ refresh failed in 3.0 s  run 7, target dev, /w/runs/7/"


def test_each_change_is_one_plain_line() -> None:
    def show(console: Console) -> None:
        view = RunView(console)
        for message in ("", "one", "two"):
            view.update(run(task("a", "RUNNING", attempts=1, message=message)))
        view.update(run(task("a", "RUNNING", attempts=2)))
        view.update(run(task("a", "SUCCESS", attempts=2, message="two")))

    assert shown(show).splitlines() == ["a: running", "a: running (attempt 2)", "a: success (attempt 2) 1.5 s  two"]


def failure(message: str, one_line: bool = False) -> TaskRecord:
    why = Failure(exception="E", message=message, cell=3, line_number=2, line="f(x)", one_line=one_line)
    return task("a", "FAILED", source=str(Path.cwd() / "notebooks/n.ipynb"), failure=why)


def test_a_failure_has_no_java_stack_and_few_lines_the_last_ones_among_them() -> None:
    message = "first\nsecond\n" + "more\n" * 100 + "Error: why\nstate" + "\n\nJVM stacktrace:\norg.E\n\tat org.x\n"
    lines = shown(lambda console: print_failure(console, failure(message))).splitlines()
    assert lines[:2] == ["a: E: first", "  second"]
    end = ["  ... 92 more lines", "  Error: why", "  state", "  notebooks/n.ipynb, cell 3, line 2", "  > f(x)"]
    assert lines[-5:] == end
    assert "JVM" not in "".join(lines)


def test_an_error_for_the_user_is_its_one_line() -> None:
    text = shown(lambda console: print_failure(console, failure("use_case.yml: x is -1; fix it\nmore", one_line=True)))
    assert text.splitlines()[0] == "a: use_case.yml: x is -1; fix it"


def test_rows_of_a_sql_task_are_a_table() -> None:
    output = Output(columns=("city", "amount"), rows=(("[red]Köln", 20.5), ("Ulm", None)))
    assert shown(lambda console: print_output(console, task("report", "SUCCESS", output=output)), 80) == (
        "report 2 rows\n  city        amount\n  ────────────────────\n  [red]Köln   20.5\n  Ulm         NULL"
    )


def test_many_rows_are_cut_and_many_columns_are_lines() -> None:
    many = Output(columns=("n",), rows=tuple((n,) for n in range(30)), is_complete=False)
    text = shown(lambda console: print_output(console, task("t", "SUCCESS", output=many)), 80)
    assert text.startswith("t over 30 rows\n")
    assert text.endswith("  9\n  ... more rows are on the page of the task")
    names = tuple(f"a_long_name_{n}" for n in range(12))
    wide = Output(columns=names, rows=(tuple(range(12)),))
    lines = shown(lambda console: print_output(console, task("t", "SUCCESS", output=wide)), 80).splitlines()
    assert lines[1:3] == ["  a_long_name_0   0", "  a_long_name_1   1"]
    assert max(map(len, lines)) <= 80


def test_a_task_without_rows_prints_nothing_or_their_number() -> None:
    assert shown(lambda console: print_output(console, task("t", "SUCCESS"))) == ""
    empty = Output(columns=("a",), rows=())
    assert shown(lambda console: print_output(console, task("t", "SUCCESS", output=empty))) == "t 0 rows"
