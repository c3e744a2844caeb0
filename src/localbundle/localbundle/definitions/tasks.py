"""The kinds of tasks that run here, as typed values. Fields: Databricks, jobs API 2.2."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

RunIf = Literal["ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"]
Operator = Literal["EQUAL_TO", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL"]
KINDS = (
    "notebook_task", "condition_task", "for_each_task", "run_job_task", "python_wheel_task", "spark_python_task",
    "sql_task",
)  # fmt: skip


def plain(value: object) -> object:
    """YAML's true and false where text is expected, as the Databricks CLI reads them."""
    return str(value).lower() if isinstance(value, bool) else value


_Text = Annotated[str, BeforeValidator(plain)]


class _Definition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Dependency(_Definition):
    """One edge of the DAG; `outcome` is set if the other end is a condition task."""

    task_key: str
    outcome: Annotated[Literal["true", "false"] | None, BeforeValidator(plain)] = None


class NotebookTask(_Definition):
    """`notebook_path` is absolute and exists."""

    notebook_path: str
    base_parameters: dict[str, _Text] = {}
    source: Literal["WORKSPACE"] | None = None


class ConditionTask(_Definition):
    """A comparison; its outcome is "true" or "false"."""

    op: Operator
    left: _Text
    right: _Text


class RunJobTask(_Definition):
    """Another job of the bundle. `job_id` is its resource key: `${resources.jobs.KEY.id}` resolves to it here."""

    job_id: str
    job_parameters: dict[str, _Text] = {}


class PythonWheelTask(_Definition):
    """An entry point of a wheel, with positional or with named parameters."""

    package_name: str
    entry_point: str
    parameters: list[_Text] = []
    named_parameters: dict[str, _Text] = {}

    @model_validator(mode="after")
    def _one_form(self) -> "PythonWheelTask":
        if self.parameters and self.named_parameters:
            raise ValueError("has parameters and named_parameters; keep one of them")
        return self


class SparkPythonTask(_Definition):
    """A Python file; `python_file` is absolute and exists."""

    python_file: str
    parameters: list[_Text] = []
    source: Literal["WORKSPACE"] | None = None


class SqlFile(_Definition):
    """A file of SQL statements; `path` is absolute and exists."""

    path: str
    source: Literal["WORKSPACE"] | None = None


class SqlTask(_Definition):
    """A file of SQL statements with named parameters. Its warehouse is the one Spark of this machine."""

    file: SqlFile
    parameters: dict[str, _Text] = {}


class ForEachTask(_Definition):
    """A task for each element of a JSON array; `inputs` may be a reference to one."""

    inputs: _Text
    concurrency: int = Field(1, ge=1, le=100)
    task: "Task"


class Task(_Definition):
    """A task. Exactly one of the `..._task` fields is set."""

    task_key: str
    depends_on: list[Dependency] = []
    run_if: RunIf = "ALL_SUCCESS"
    notebook_task: NotebookTask | None = None
    condition_task: ConditionTask | None = None
    for_each_task: ForEachTask | None = None
    run_job_task: RunJobTask | None = None
    python_wheel_task: PythonWheelTask | None = None
    spark_python_task: SparkPythonTask | None = None
    sql_task: SqlTask | None = None
    max_retries: int = Field(0, ge=-1)
    min_retry_interval_millis: int = Field(0, ge=0)
    retry_on_timeout: bool = False
    # Serverless compute also retries by itself unless this is set; a laptop does not.
    disable_auto_optimization: bool = False
    timeout_seconds: int = Field(0, ge=0)
    disabled: bool = False

    @property
    def kind(self) -> str:
        """The name of the field that is set, for example `notebook_task`."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def work(self) -> "Task":
        """The task that does the work: the nested one of a for-each task, else this one."""
        return self.for_each_task.task if self.for_each_task else self
