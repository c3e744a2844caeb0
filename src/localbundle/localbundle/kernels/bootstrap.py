"""What exists inside a notebook's kernel before its first cell: `spark`, `sql`, `dbutils`, `display`, `%sql`, `%run`.

The runner imports this module in the kernel and calls, in this order, `warm`, `connect` and `begin`. The kernel that
people work in (`localbundle.lab.ipython_extension`) shares `warm`, `connect` and `offer`.
"""

import linecache
import logging
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import HTML
from IPython.display import display as show

from localbundle.errors import BundleError
from localbundle.kernels.dbutils import Context, DBUtils, NotebookExit
from localbundle.kernels.failure import Failure, message_of
from localbundle.kernels.notebook_source import read_notebook

SHOWN_ROWS = 1000
_ONE_LINE_ERRORS = ("UserError", "BundleError")
_USE_CATALOG = re.compile(r"^\s*USE\s+CATALOG\s+[`'\"]?([\w-]+)[`'\"]?\s*$", re.IGNORECASE)


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
    _take_use_catalog(type(spark))
    for statement in statements:
        spark.sql(statement).collect()
    _shell().push({"spark": spark, "sql": spark.sql})


def _take_use_catalog(session: Any) -> None:  # noqa: ANN401 - the class differs between Spark's two clients
    """`USE CATALOG x` is Databricks' SQL, and the first statement of most of its notebooks; Spark has SET CATALOG."""
    plain = session.sql

    def sql(self: object, query: str, *arguments: object, **options: object) -> object:
        return plain(self, _USE_CATALOG.sub(r"SET CATALOG '\1'", query), *arguments, **options)

    session.sql = sql


def begin(context: str) -> None:
    """Makes this kernel the one of a task: its folder, parameters and `dbutils`.

    Args:
        context: a `dbutils.Context` as JSON.
    """
    task = Context.model_validate_json(context)
    os.chdir(task.folder)
    sys.path.insert(0, task.folder)
    dbutils = DBUtils(task)
    offer(dbutils, display)
    _shell().register_magic_function(_pip, "line", "pip")
    _shell().events.register("post_run_cell", lambda result: _note_failure(dbutils, result.error_in_exec))


def offer(dbutils: DBUtils, display: Callable[..., None]) -> None:
    """Gives this kernel the names and magics that notebooks of jobs and notebooks of people both find."""
    shell = _shell()
    shell.push({"dbutils": dbutils, "display": display, "displayHTML": _display_html})
    _offer_runtime(shell.user_ns)
    shell.set_custom_exc((NotebookExit,), _show_exit)
    shell.register_magic_function(_sql, "line_cell", "sql")
    shell.register_magic_function(_run, "line", "run")


def _offer_runtime(names: dict[str, Any]) -> None:
    """Modules import `spark` and `dbutils` from databricks.sdk.runtime, which looks for them in `dbruntime`."""
    runtime = ModuleType("dbruntime")
    initializer = type("UserNamespaceInitializer", (), {})
    initializer.getOrCreate = staticmethod(initializer)  # type: ignore[attr-defined]
    initializer.get_namespace_globals = lambda self: names  # type: ignore[attr-defined]
    runtime.UserNamespaceInitializer = initializer  # type: ignore[attr-defined]
    sys.modules["dbruntime"] = runtime


def _show_exit(shell: object, kind: type, value: BaseException, trace: object, tb_offset: int | None = None) -> None:
    """IPython's form of a handler; in place of a stack trace."""
    print(f"Notebook exited: {value}")


def display(*values: Any, **options: Any) -> None:  # noqa: ANN401 - as IPython's
    """Shows values; a Spark DataFrame as a table of at most 1,000 rows."""
    for value in values:
        is_spark = hasattr(value, "toPandas") and hasattr(value, "limit")
        show(value.limit(SHOWN_ROWS).toPandas() if is_spark else value, **options)


def _display_html(html: str) -> None:
    show(HTML(html))


def _sql(line: str, cell: str | None = None) -> None:
    """`%sql SELECT ...`: shows the result, and keeps it as the DataFrame `_sqldf`."""
    names = _shell().user_ns
    names["_sqldf"] = names["spark"].sql(cell or line)
    names["display"](names["_sqldf"])


def _run(line: str) -> None:
    """`%run ./other`: runs another notebook's cells in this one."""
    written = line.strip().strip("\"'")
    found = next((file for end in ("", ".ipynb", ".py") if (file := Path(written + end)).is_file()), None)
    if found is None:
        raise BundleError(f"%run {written}: there is no such notebook in {Path.cwd()}; correct its path")
    for cell in read_notebook(found).cells:
        if cell.cell_type == "code":
            _shell().run_cell(cell.source).raise_error()


def _pip(line: str) -> None:
    """Databricks installs for one notebook's session; here all share one environment."""
    raise BundleError(f"%pip {line}: notebooks install nothing here; name it in the task's environment and install it")


def _shell() -> Any:  # noqa: ANN401 - IPython types its shell as optional
    return get_ipython()


def _note_failure(dbutils: DBUtils, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, NotebookExit):
        describe = describe_program if dbutils.context.is_program else describe_cell
        dbutils.state.failure = describe(error, _shell().execution_count - 1)
        dbutils.save()


def describe_cell(error: BaseException, cell: int) -> Failure:
    """The failure of a cell, with the last line of the notebook's own code in its trace."""
    # IPython compiles cells under names that only its own cache of compiled code knows.
    cells = getattr(_shell().compile, "_filename_map", {})
    return _failure(error, cell, [frame for frame in _frames(error.__traceback__) if frame.filename in cells])


def describe_program(error: BaseException, cell: int) -> Failure:
    """The failure of a Python file or an entry point, with the last line of its trace that is no library's."""
    libraries = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), str(Path(__file__).parents[1]), "<")
    own = [frame for frame in _frames(error.__traceback__) if not frame.filename.startswith(libraries)]
    failure = _failure(error, cell, own[1:])  # the first is the cell that calls the program
    return failure.model_copy(update={"file": own[-1].filename if own[1:] else ""})


def _failure(error: BaseException, cell: int, frames: list[traceback.FrameSummary]) -> Failure:
    number = frames[-1].lineno or 0 if frames else 0
    return Failure(
        exception=type(error).__name__,
        message=message_of(error),
        cell=cell,
        line_number=number,
        line=linecache.getline(frames[-1].filename, number).strip() if frames else "",
        one_line=any(kind.__name__ in _ONE_LINE_ERRORS for kind in type(error).__mro__),
    )


def _frames(trace: TracebackType | None) -> list[traceback.FrameSummary]:
    return list(traceback.extract_tb(trace))
