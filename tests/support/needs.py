"""The rights that Databricks requires for the requests of a task, in the terms of docs/rights.md.

Schemas, volumes and models of the smoke job have the names of the others, since its tasks are the same.
"""

import re
from collections.abc import Callable, Collection, Iterable

from tests.support.recorded import Request
from tests.support.rights import read_rows

Need = tuple[str, str]
"""A resource's key, and a right on it."""

_SCHEMA, _MODEL, _EXPERIMENT, _SCOPE = "rag", "chain", "quality", "models"
UNDEPLOYED = {
    ("ingest", "catalog", "CREATE_SCHEMA"),
    ("ingest", _SCHEMA, "CREATE_VOLUME"),
}
"""Additional rights for a schema that was named by a parameter and not deployed."""
_SELECT = {(_SCHEMA, "SELECT")}
_CHANGE = {(_SCHEMA, "SELECT"), (_SCHEMA, "MODIFY")}
_BY_STATEMENT: dict[str, set[Need]] = {
    "CREATE SCHEMA": {("catalog", "CREATE_SCHEMA")},
    "CREATE VOLUME": {(_SCHEMA, "CREATE_VOLUME")},
    "CREATE TABLE": {(_SCHEMA, "CREATE_TABLE")},
    "CREATE VIEW": {(_SCHEMA, "CREATE_TABLE"), (_SCHEMA, "SELECT")},
    "CREATE OR REPLACE VIEW": {(_SCHEMA, "CREATE_TABLE"), (_SCHEMA, "SELECT")},
    "ALTER TABLE": {(_SCHEMA, "MODIFY")},
    "DROP TABLE": {(_SCHEMA, "MANAGE")},
    **dict.fromkeys(("MERGE INTO", "UPDATE", "DELETE FROM"), _CHANGE),
    "INSERT INTO": {(_SCHEMA, "MODIFY")},
    **dict.fromkeys(("SELECT", "DESCRIBE DETAIL", "DESCRIBE HISTORY", "SHOW TBLPROPERTIES"), _SELECT),
    "SHOW TABLES": {(_SCHEMA, "USE_SCHEMA")},
}
_LOOKING = {"database_exists": {(_SCHEMA, "USE_SCHEMA")}, "table_exists": {(_SCHEMA, "USE_SCHEMA")}}
_TEMPORARY = {"CreateDataFrameViewCommand", "drop_temp_view"}
_NO_REQUEST = {"sanitize_metric_value"}
_DEFINING = re.compile(r"\s*(CREATE|ALTER|DROP|GRANT|COMMENT)\b", re.I)


def needed(request: Request) -> set[Need]:
    """The rights that one request needs.

    Raises:
        AssertionError: its kind is not known here, or it is about another schema than the task's.
    """
    return _KINDS[request.kind](request)


def beyond(requests: Iterable[Request]) -> set[tuple[str, str, str]]:
    """Task, resource and right of needs that are not in the table."""
    requests = list(requests)
    return _used(requests) - _allowed({request.task for request in requests}, starred=True)


def unused(requests: Iterable[Request], tasks: Collection[str]) -> set[tuple[str, str, str]]:
    """Task, resource and right that the table grants to these tasks and none of them needed."""
    return _allowed(tasks, starred=False) - _used(requests)


def definitions(requests: Iterable[Request]) -> list[str]:
    """The requests that create, change or drop a securable."""
    statements = [request.what for request in requests if request.kind == "sql" and _DEFINING.match(request.what)]
    created = [
        f"{one.what} {one.name}" for one in requests if one.what in ("create_registered_model", "WriteOperationV2")
    ]
    return statements + created


def _used(requests: Iterable[Request]) -> set[tuple[str, str, str]]:
    return {(request.task, on, right) for request in requests for on, right in needed(request)}


def _allowed(tasks: Collection[str], *, starred: bool) -> set[tuple[str, str, str]]:
    rows = [row for row in read_rows() if row.who == "jobs"]
    found = {
        (task, on.removeprefix("smoke_"), right)
        for row in rows
        for task in row.tasks - (frozenset() if starred else row.elsewhere)
        for on in row.on
        for right in row.rights
        if task in tasks
    }
    return found | ({(task, _SCHEMA, "USE_SCHEMA") for task in tasks} if starred else set())


def _of_statement(request: Request) -> set[Need]:
    for schema in re.findall(r"`\w+`\.`(\w+)`", request.what):
        _is_own(request, schema)
    words = " ".join(request.what.split()).upper().replace(" IF NOT EXISTS", "")
    # Statements without a table, such as SELECT current_user().
    if words.startswith("SELECT") and " FROM " not in words:
        return set()
    return _found(_BY_STATEMENT, next((known for known in _BY_STATEMENT if words.startswith(known)), words), request)


def _of_table(request: Request) -> set[Need]:
    parts = request.name.replace("`", "").split(".")
    if len(parts) == 3:  # otherwise a temporary view
        _is_own(request, parts[1])
    return _SELECT if len(parts) == 3 else set()


def _of_catalog(request: Request) -> set[Need]:
    return set() if request.what in _TEMPORARY else _found(_LOOKING, request.what, request)


def _of_volume(request: Request) -> set[Need]:
    parts = request.name.split("/")
    if len(parts) < 3:  # above the volumes
        return set()
    _is_own(request, parts[1])
    if len(parts) == 3 and request.what == "write":
        return {(_SCHEMA, "CREATE_VOLUME")}
    return {(parts[2], "READ_VOLUME" if request.what == "read" else "WRITE_VOLUME")}


def _of_registry(request: Request) -> set[Need]:
    """Prompts are functions of the schema; a model's versions and aliases belong to its owner."""
    if request.name:
        _is_own(request, request.name.split(".")[1])
    is_reading = request.what.startswith(("get_", "search_"))
    if not request.name.endswith(f".{_MODEL}"):
        rights = ("EXECUTE",) if is_reading else ("CREATE_FUNCTION", "MANAGE")
        return {(_SCHEMA, right) for right in rights}
    if request.what == "create_registered_model":
        return {(_SCHEMA, "CREATE_MODEL")}
    return {(_MODEL, "EXECUTE" if is_reading else "MANAGE")}


def _of_tracking(request: Request) -> set[Need]:
    """CAN_EDIT includes CAN_READ. SQLite's store looks for its default experiment when it is opened."""
    is_opening = (request.what, request.name) == ("get_experiment", "0")
    return set() if is_opening or request.what in _NO_REQUEST else {(_EXPERIMENT, "CAN_EDIT")}


def _is_own(request: Request, schema: str) -> None:
    assert schema == request.schema, f"{request.task} of schema {request.schema} uses {schema}: {request}"


def _found(known: dict[str, set[Need]], name: str, request: Request) -> set[Need]:
    assert name in known, f"{request.task}: the right that this needs is not known: {request}"
    return known[name]


_KINDS: dict[str, Callable[[Request], set[Need]]] = {
    "sql": _of_statement,
    "table": _of_table,
    "plan": _of_catalog,
    "catalog": _of_catalog,
    "volume": _of_volume,
    "secret": lambda request: {(_SCOPE, "READ")},
    "registry": _of_registry,
    "tracking": _of_tracking,
}
