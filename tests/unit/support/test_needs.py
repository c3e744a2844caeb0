"""The rights that requests need; an unknown request is an error."""

import pytest

from tests.support.needs import beyond, definitions, needed, unused
from tests.support.recorded import Request

CHUNKS = "`main`.`rag`.`chunks`"


def request(kind: str, what: str, name: str = "", task: str = "ingest") -> Request:
    return Request(task, "rag", kind, what, name)


@pytest.mark.parametrize(
    ("kind", "what", "name", "wanted"),
    [
        ("sql", "CREATE SCHEMA IF NOT EXISTS `main`.`rag`", "", {("catalog", "CREATE_SCHEMA")}),
        ("sql", f"CREATE TABLE IF NOT EXISTS {CHUNKS} (a INT)", "", {("rag", "CREATE_TABLE")}),
        ("sql", f"MERGE INTO {CHUNKS} t USING s ON t.a = s.a", "", {("rag", "SELECT"), ("rag", "MODIFY")}),
        ("sql", f"\n  SELECT count(*) FROM {CHUNKS}", "", {("rag", "SELECT")}),
        ("sql", "SELECT current_user()", "", set()),
        ("sql", f"DROP TABLE {CHUNKS}", "", {("rag", "MANAGE")}),
        ("table", "read", CHUNKS, {("rag", "SELECT")}),
        ("table", "read", "merge_1", set()),
        ("catalog", "table_exists", "", {("rag", "USE_SCHEMA")}),
        ("catalog", "drop_temp_view", "", set()),
        ("volume", "read", "main/rag/landing/a.md", {("landing", "READ_VOLUME")}),
        ("volume", "read", "main/rag", set()),
        ("volume", "write", "main/rag/landing/a.md", {("landing", "WRITE_VOLUME")}),
        ("volume", "write", "main/rag/landing", {("rag", "CREATE_VOLUME")}),
        ("secret", "read", "", {("models", "READ")}),
        ("registry", "get_registered_model", "main.rag.chain", {("chain", "EXECUTE")}),
        ("registry", "create_registered_model", "main.rag.chain", {("rag", "CREATE_MODEL")}),
        ("registry", "set_registered_model_alias", "main.rag.chain", {("chain", "MANAGE")}),
        ("registry", "get_model_version", "main.rag.brief", {("rag", "EXECUTE")}),
        ("registry", "create_model_version", "main.rag.brief", {("rag", "CREATE_FUNCTION"), ("rag", "MANAGE")}),
        ("tracking", "log_batch", "", {("quality", "CAN_EDIT")}),
    ],
)
def test_the_rights_of_a_request(kind: str, what: str, name: str, wanted: set[tuple[str, str]]) -> None:
    assert needed(request(kind, what, name)) == wanted


@pytest.mark.parametrize(
    ("kind", "what", "name"),
    [
        ("sql", f"VACUUM {CHUNKS}", ""),
        ("plan", "WriteOperationV2", ""),
        ("sql", "SELECT * FROM `main`.`other`.`chunks`", ""),
        ("table", "read", "`main`.`other`.`chunks`"),
        ("volume", "read", "main/other/landing/a.md"),
        ("registry", "get_registered_model", "main.other.chain"),
    ],
)
def test_an_unknown_request_or_schema_is_an_error(kind: str, what: str, name: str) -> None:
    with pytest.raises(AssertionError, match="ingest"):
        needed(request(kind, what, name))


def test_rights_beyond_the_table_are_reported_with_their_task() -> None:
    assert beyond([request("volume", "read", "main/rag/landing/a.md"), request("sql", "SHOW TABLES IN x")]) == set()
    assert beyond([request("volume", "write", "main/rag/landing/a.md")]) == {("ingest", "landing", "WRITE_VOLUME")}


def test_rights_that_no_task_needs_are_reported() -> None:
    needs = [request("volume", how, "main/rag/reports/a.html", "explore") for how in ("read", "write")]
    left = unused(needs, ["explore"])
    assert ("explore", "rag", "SELECT") in left and not {on for _, on, _ in left} & {"reports", "indexes"}


def test_requests_that_create_or_change_securables_are_recognized() -> None:
    made = request("registry", "create_registered_model", "main.rag.chain")
    changed = request("sql", f"ALTER TABLE {CHUNKS} ADD COLUMNS (a INT)")
    assert definitions([made, changed, request("sql", f"MERGE INTO {CHUNKS} t")]) == [
        changed.what,
        "create_registered_model main.rag.chain",
    ]
