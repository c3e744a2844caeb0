"""What exists inside a notebook's kernel before its first cell: `spark`, `dbutils`, `display`, `%sql`.

The runner imports this module in the kernel and calls, in this order, `warm`, `connect` and `begin`.
"""

import linecache
import logging
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import display as show

from localbundle.runs.dbutils import Context, DBUtils, NotebookExit
from localbundle.runs.failure import Failure

_SHOWN_ROWS = 1000
_ONE_LINE_ERRORS = ("UserError", "BundleError")


def warm() -> None:
    """Imports what every notebook needs, so that a kernel started ahead has it done."""
    import pyspark.sql.connect.session  # noqa: F401 - slow, wanted for its effect

    # It prints every failed query as one line of JSON with Java's whole stack, besides raising it.
    logging.getLogger("SQLQueryContextLogger").disabled = True


def connect(remote: str, statements: list[str]) -> None:
    """Opens this kernel's Spark session and runs the statements that prepare the workspace."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_REMOTE"] = remote
    spark = SparkSession.builder.remote(remote).getOrCreate()
    for statement in statements:
        spark.sql(statement).collect()
    _shell().push({"spark": spark})


def begin(context: str) -> None:
    """Makes this kernel the one of a task: its folder, parameters and `dbutils`.

    Args:
        context: a `dbutils.Context` as JSON.
    """
    task = Context.model_validate_json(context)
    folder = str(Path(task.notebook).parent)
    os.chdir(folder)
    sys.path.insert(0, folder)
    dbutils = DBUtils(task)
    shell = _shell()
    shell.push({"dbutils": dbutils, "display": display})
    shell.set_custom_exc((NotebookExit,), _show_exit)
    shell.register_magic_function(_sql, "line_cell", "sql")
    shell.events.register("post_run_cell", lambda result: _note_failure(dbutils, result.error_in_exec))


def _show_exit(shell: object, kind: type, value: BaseException, trace: object, tb_offset: int | None = None) -> None:
    """IPython's form of a handler; in place of a stack trace."""
    print(f"Notebook exited: {value}")


def display(*values: Any, **options: Any) -> None:  # noqa: ANN401 - as IPython's
    """Shows values; a Spark DataFrame as a table of at most 1,000 rows."""
    for value in values:
        is_spark = hasattr(value, "toPandas") and hasattr(value, "limit")
        show(value.limit(_SHOWN_ROWS).toPandas() if is_spark else value, **options)


def _sql(line: str, cell: str | None = None) -> None:
    """`%sql SELECT ...`: shows the result."""
    display(_shell().user_ns["spark"].sql(cell or line))


def _shell() -> Any:  # noqa: ANN401 - IPython types its shell as optional
    return get_ipython()


def _note_failure(dbutils: DBUtils, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, NotebookExit):
        dbutils.state.failure = describe(error, _shell().execution_count - 1)
        dbutils.save()


def describe(error: BaseException, cell: int) -> Failure:
    """The failure of a cell, with the last line of the notebook's own code in its trace."""
    frame = _last_cell_frame(error.__traceback__)
    own = any(kind.__name__ in _ONE_LINE_ERRORS for kind in type(error).__mro__)
    number = frame.lineno or 0 if frame else 0
    line = linecache.getline(frame.filename, number).strip() if frame else ""
    message = str(error).strip() or type(error).__name__
    return Failure(
        exception=type(error).__name__, message=message, cell=cell, line_number=number, line=line, one_line=own
    )


def _last_cell_frame(trace: TracebackType | None) -> traceback.FrameSummary | None:
    """IPython compiles cells under names that only its own cache of compiled code knows."""
    cells = getattr(_shell().compile, "_filename_map", {})
    frames = [frame for frame in traceback.extract_tb(trace) if frame.filename in cells]
    return frames[-1] if frames else None
