"""`dbutils` of a local notebook: widgets, task values, exit, secrets and files."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from localbundle.errors import BundleError, closest
from localbundle.kernels.failure import Failure
from localbundle.kernels.output import Output
from localbundle.workspace.environment import SECRETS_FILE, local_path, secret_variable

VALUE_LIMIT = 48 * 1024


class NotebookExit(BaseException):  # noqa: N818 - not an error; BaseException so that no `except Exception` catches it
    """Raised by `dbutils.notebook.exit`."""


class Context(BaseModel):
    """What a kernel needs to know about its task. Paths are absolute.

    Attributes:
        task: the task's key; empty for an interactive notebook.
        folder: where the code is and runs.
        is_program: whether it is a Python file or an entry point, not a notebook.
        sql_file: the file of a SQL task; empty for all others.
        parameters: the values for its widgets.
        run_folder: the folder with the state files of all tasks.
        home: the folder of the local workspace.
    """

    task: str
    folder: str
    is_program: bool = False
    sql_file: str = ""
    parameters: dict[str, str] = {}
    run_folder: str
    home: str


class TaskState(BaseModel):
    """A notebook's results, for the runner and for later tasks."""

    values: dict[str, Any] = {}
    exit: str | None = None
    failure: Failure | None = None
    output: Output | None = None


def state_file(run_folder: Path, task: str) -> Path:
    """The file with a task's state."""
    return run_folder / f"{task}.state.json"


def read_state(run_folder: Path, task: str) -> TaskState:
    """The state that a task saved; an empty one if it saved none."""
    file = state_file(run_folder, task)
    return TaskState.model_validate_json(file.read_text("utf-8")) if file.is_file() else TaskState()


class DBUtils:
    """The parts of Databricks' `dbutils` that a job's notebook uses."""

    def __init__(self, context: Context, widgets: "Widgets | None" = None) -> None:
        self.context = context
        self.state = TaskState()
        self.widgets = widgets or Widgets(context.parameters)
        self.jobs = Jobs(self)
        self.notebook = Notebook(self)
        self.library = Library()
        self.secrets = Secrets(Path(context.home))
        self.fs = FileSystem(Path(context.home))
        self.save()

    def save(self) -> None:
        """Writes the task's state, atomically."""
        if not self.context.task:
            return
        file = state_file(Path(self.context.run_folder), self.context.task)
        draft = file.with_suffix(".tmp")
        draft.write_text(self.state.model_dump_json(), "utf-8")
        draft.replace(file)


class Widgets:
    """Parameters. A passed value always wins over a widget's default."""

    def __init__(self, passed: dict[str, str]) -> None:
        self._passed = dict(passed)
        self._defaults: dict[str, str] = {}

    def text(self, name: str, defaultValue: str, label: str | None = None) -> None:  # noqa: N803 - Databricks' name
        """Declares a parameter with a default."""
        self._declare("text", name, str(defaultValue), (), label)

    def dropdown(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:  # noqa: N803
        """Declares a parameter with choices."""
        self._choose("dropdown", name, defaultValue, choices, label)

    def combobox(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:  # noqa: N803
        """Declares a parameter with choices; a person may also type any other text."""
        self._choose("combobox", name, defaultValue, choices, label)

    def multiselect(self, name: str, defaultValue: str, choices: Sequence[str], label: str | None = None) -> None:  # noqa: N803
        """Declares a parameter with choices; a person may select several, which are separated by commas."""
        self._choose("multiselect", name, defaultValue, choices, label)

    def get(self, name: str) -> str:
        """The value of a parameter."""
        values = self._values()
        if name not in values:
            raise BundleError(f"no widget or parameter is named {name}; {closest(name, values)}")
        return values[name]

    def getAll(self) -> dict[str, str]:  # noqa: N802 - Databricks' name
        """All values by name."""
        return self._values()

    def getArgument(self, name: str, defaultValue: str | None = None) -> str:  # noqa: N802, N803 - Databricks' names
        """The value of a parameter, or the default; an older form of `get`."""
        return defaultValue if defaultValue is not None and name not in self._values() else self.get(name)

    def set_argument(self, name: str, value: str) -> None:
        """Gives a parameter the value that `%run` passes."""
        self._passed[name] = value

    def remove(self, name: str) -> None:
        """Removes a widget."""
        self._defaults.pop(name, None)

    def removeAll(self) -> None:  # noqa: N802 - Databricks' name
        """Removes all widgets."""
        for name in list(self._defaults):
            self.remove(name)

    def _values(self) -> dict[str, str]:
        return {**self._defaults, **self._passed}

    def _choose(self, kind: str, name: str, default: str, choices: Sequence[str], label: str | None) -> None:
        if default not in choices:
            raise ValueError(f"widget {name}: the default {default!r} is not among its choices")
        self._declare(kind, name, str(default), tuple(map(str, choices)), label)

    def _declare(self, kind: str, name: str, default: str, choices: tuple[str, ...], label: str | None) -> None:
        self._defaults[name] = default


class Jobs:
    """`dbutils.jobs`."""

    def __init__(self, dbutils: DBUtils) -> None:
        self.taskValues = TaskValues(dbutils)


class TaskValues:
    """Small JSON values that later tasks read."""

    def __init__(self, dbutils: DBUtils) -> None:
        self._dbutils = dbutils

    def set(self, key: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Sets a value for later tasks: JSON of at most 48 KiB."""
        if not isinstance(key, str):
            raise TypeError(f"the key of a task value must be a string, not {type(key).__name__}")
        size = len(json.dumps(value).encode())
        if size > VALUE_LIMIT:
            raise ValueError(f"task value {key} has {size} bytes, the limit is {VALUE_LIMIT}; use a table instead")
        self._dbutils.state.values[key] = value
        self._dbutils.save()

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:  # noqa: ANN401, N803
        """The value that a task has set, or the default; outside of jobs `debugValue`."""
        if not self._dbutils.context.task:
            return self._debug_value(taskKey, key, debugValue)
        values = read_state(Path(self._dbutils.context.run_folder), taskKey).values
        if key in values:
            return values[key]
        if default is None:
            raise ValueError(f"task {taskKey} has not set the value {key}; pass a default or correct the name")
        return default

    def _debug_value(self, task: str, key: str, value: Any) -> Any:  # noqa: ANN401
        if value is None:
            raise TypeError(f"task value {task}.{key}: this notebook does not run in a job; pass debugValue=...")
        return value


class Notebook:
    """`dbutils.notebook`."""

    def __init__(self, dbutils: DBUtils) -> None:
        self._dbutils = dbutils

    def exit(self, value: str) -> None:
        """Ends the notebook successfully; the value becomes the task's output."""
        self._dbutils.state.exit = str(value)
        self._dbutils.save()
        raise NotebookExit(str(value))

    def run(self, path: str, timeout_seconds: int = 0, arguments: dict[str, str] | None = None) -> str:
        """Not supported."""
        raise BundleError(f"dbutils.notebook.run({path!r}) is not supported; make the notebook a task of the job")


class Library:
    """`dbutils.library`."""

    def restartPython(self) -> None:  # noqa: N802 - Databricks' name
        """Not supported: it follows %pip."""
        raise BundleError(
            "dbutils.library.restartPython is not supported; add packages to the task's environment in place of %pip"
        )


class Secrets:
    """Secrets from `.localbundle/TARGET/secrets.json` ({scope: {key: value}}) or the environment."""

    def __init__(self, home: Path) -> None:
        self._file = home / SECRETS_FILE

    def get(self, scope: str, key: str) -> str:
        """The secret's value."""
        variable = secret_variable(scope, key)
        if variable in os.environ:
            return os.environ[variable]
        scopes = json.loads(self._file.read_text("utf-8")) if self._file.is_file() else {}
        if key not in scopes.get(scope, {}):
            raise BundleError(f"secret {scope}/{key} is not set; add it to {self._file} or set {variable}")
        return str(scopes[scope][key])


class FileInfo(NamedTuple):
    """One entry of `dbutils.fs.ls`; size in bytes, time in milliseconds since the epoch."""

    path: str
    name: str
    size: int
    modificationTime: int


class FileSystem:
    """`dbutils.fs` on the local disk; /Volumes is a folder of the local workspace."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def _local(self, path: str) -> Path:
        return local_path(self._home, path)

    def ls(self, path: str) -> list[FileInfo]:
        """The entries of a folder."""
        entries = sorted(self._local(path).iterdir())
        stats = [(entry, entry.stat()) for entry in entries]
        return [
            FileInfo(f"{path.rstrip('/')}/{entry.name}", entry.name, stat.st_size, int(stat.st_mtime * 1000))
            for entry, stat in stats
        ]

    def mkdirs(self, path: str) -> bool:
        """Creates a folder and its parents."""
        self._local(path).mkdir(parents=True, exist_ok=True)
        return True

    def put(self, path: str, contents: str, overwrite: bool = False) -> bool:
        """Writes text to a file."""
        with self._local(path).open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(contents)
        return True

    def head(self, path: str, maxBytes: int = 65536) -> str:  # noqa: N803 - Databricks' name
        """The beginning of a file as text."""
        with self._local(path).open("rb") as file:
            return file.read(maxBytes).decode("utf-8", errors="replace")

    def cp(self, source: str, target: str, recurse: bool = False) -> bool:
        """Copies a file, or with `recurse` a folder."""
        _copy(self._local(source), self._local(target), recurse)
        return True

    def mv(self, source: str, target: str) -> bool:
        """Moves a file or a folder: copies it, then removes it, as on Databricks."""
        old, new = self._local(source), self._local(target)
        _copy(old, new / old.name if new.is_dir() else new, recurse=True)
        return self.rm(source, recurse=True)

    def rm(self, path: str, recurse: bool = False) -> bool:
        """Removes a file, or with `recurse` a folder. False if it does not exist."""
        local = self._local(path)
        if not local.exists():
            return False
        if local.is_dir() and recurse:
            shutil.rmtree(local)
        elif local.is_dir():
            local.rmdir()
        else:
            local.unlink()
        return True


def _copy(source: Path, target: Path, recurse: bool) -> None:
    """Copies a file into a folder or to another name, or a whole folder. Volumes keep no modes or times."""
    if not (recurse and source.is_dir()):
        shutil.copyfile(source, target / source.name if target.is_dir() else target)
        return
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        _copy(entry, target / entry.name, recurse)
