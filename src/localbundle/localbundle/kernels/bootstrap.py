"""What a notebook's kernel offers before its first cell: `spark`, `sql`, `dbutils`, `display`, `%sql`, `%run`.

The runner imports this module in the kernel and calls, in this order, `warm`, `connect` and `begin`. The interactive
kernel (`localbundle.lab.ipython_extension`) shares `warm`, `connect` and `offer`.
"""

import logging
import os
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import HTML
from IPython.display import display as show

from localbundle.errors import BundleError
from localbundle.kernels.dbutils import Context, DBUtils, NotebookExit
from localbundle.kernels.failure import describe_cell, describe_program, describe_statement
from localbundle.kernels.magics import Magics
from localbundle.kernels.output import SHOWN_ROWS
from localbundle.kernels.sql_statements import StatementError, Statements

_USE_CATALOG = re.compile(
    r"^\s*USE\s+CATALOG\s+(?:IDENTIFIER\s*\(\s*)?(?:(:\w+)|[`'\"]?([\w-]+)[`'\"]?)\s*\)?\s*$", re.IGNORECASE
)


def warm() -> None:
    """Imports what every notebook needs, so that a kernel started in advance has done it."""
    import pyspark.sql.connect.session  # noqa: F401 - slow, imported for its effect

    # It prints every failed query as one line of JSON with Java's whole stack, in addition to raising it.
    logging.getLogger("SQLQueryContextLogger").disabled = True


def connect(remote: str, statements: list[str]) -> None:
    """Opens this kernel's Spark session and runs the statements that prepare the workspace."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_REMOTE"] = remote
    spark = SparkSession.builder.remote(remote).getOrCreate()
    _accept_use_catalog(type(spark))
    for statement in statements:
        spark.sql(statement).collect()
    _shell().push({"spark": spark, "sql": spark.sql})


def _accept_use_catalog(session: Any) -> None:  # noqa: ANN401 - the class differs between Spark's two clients
    """`USE CATALOG x` is Databricks' SQL, and the first statement of most of its notebooks; Spark has SET CATALOG."""
    plain = session.sql

    def sql(self: object, query: str, *arguments: object, **options: object) -> object:
        match = _USE_CATALOG.match(query)
        name = match and (match[1] or f"'{match[2]}'")
        return plain(self, f"SET CATALOG {name}" if name else query, *arguments, **options)

    session.sql = sql


def begin(context: str) -> None:
    """Prepares this kernel for a task: its folder, parameters and `dbutils`.

    Args:
        context: a `dbutils.Context` as JSON.
    """
    task = Context.model_validate_json(context)
    os.chdir(task.folder)
    sys.path.insert(0, task.folder)
    dbutils = DBUtils(task)
    offer(dbutils, display)
    _shell().register_magic_function(_pip, "line", "pip")
    if task.sql_file:
        Statements(_shell(), dbutils).register()
    _shell().events.register("post_run_cell", lambda result: _save_failure(dbutils, result.error_in_exec))


def offer(dbutils: DBUtils, display: Callable[..., None]) -> None:
    """Defines the names and magics that notebooks find both in jobs and interactively."""
    shell = _shell()
    shell.push({"dbutils": dbutils, "display": display, "displayHTML": _display_html})
    _offer_runtime(shell.user_ns)
    shell.set_custom_exc((NotebookExit,), _show_exit)
    Magics(shell, dbutils).register()


def _offer_runtime(names: dict[str, Any]) -> None:
    """Modules import `spark` and `dbutils` from databricks.sdk.runtime, which looks for them in `dbruntime`."""
    runtime = ModuleType("dbruntime")
    initializer = type("UserNamespaceInitializer", (), {})
    initializer.getOrCreate = staticmethod(initializer)  # type: ignore[attr-defined]
    initializer.get_namespace_globals = lambda self: names  # type: ignore[attr-defined]
    runtime.UserNamespaceInitializer = initializer  # type: ignore[attr-defined]
    sys.modules["dbruntime"] = runtime


def _show_exit(shell: object, kind: type, value: BaseException, trace: object, tb_offset: int | None = None) -> None:
    """Replaces the stack trace; the signature is IPython's."""
    print(f"Notebook exited: {value}")


def display(*values: Any, **options: Any) -> None:  # noqa: ANN401 - as IPython's
    """Shows values; a Spark DataFrame as a table of at most 1,000 rows."""
    for value in values:
        is_spark = hasattr(value, "toPandas") and hasattr(value, "limit")
        show(value.limit(SHOWN_ROWS).toPandas() if is_spark else value, **options)


def _display_html(html: str) -> None:
    show(HTML(html))


def _pip(line: str) -> None:
    """Databricks installs for one notebook's session; here all notebooks share one environment."""
    raise BundleError(
        f"%pip {line}: not available in local jobs; add the package to the task's environment and install it here"
    )


def _shell() -> Any:  # noqa: ANN401 - IPython types its shell as optional
    return get_ipython()


def _save_failure(dbutils: DBUtils, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, NotebookExit):
        cell = _shell().execution_count - 1
        # IPython compiles cells under names that only its own cache of compiled code knows.
        names = getattr(_shell().compile, "_filename_map", {})
        if isinstance(error, StatementError):
            dbutils.state.failure = describe_statement(error, cell)
        elif dbutils.context.is_program:
            dbutils.state.failure = describe_program(error, cell)
        else:
            dbutils.state.failure = describe_cell(error, cell, names)
        dbutils.save()
