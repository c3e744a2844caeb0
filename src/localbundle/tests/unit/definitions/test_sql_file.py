from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localbundle.definitions.sql_file import Statement, read_statements
from localbundle.errors import BundleError


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    file = tmp_path_factory.mktemp("sql") / "x.sql"

    def statements(text: str) -> list[Statement]:
        file.write_text(text, "utf-8")
        return read_statements(file)

    return statements


def texts(statements: list[Statement]) -> list[str]:
    return [one.text for one in statements]


@pytest.mark.parametrize(
    "statement",
    [
        r"SELECT split(x, '\\')",
        r"SELECT 'it\'s; one', 'it''s; one', r'\', R" + '"a;\\", "a;\\""',
        "SELECT `a;``b`",
        "SELECT 1 -- a; 'b",
        "SELECT /*+ BROADCAST(a) */ 1 /* a; /* b; */ c; */ + 2",
        "CREATE VIEW v WITH METRICS LANGUAGE YAML AS $$ a: 'b; $$",
        "CREATE FUNCTION f() RETURNS STRING LANGUAGE PYTHON AS $py$ return '$$;' $py$",
        "SELECT CASE WHEN a THEN b END AS end, w.end FROM w",
        "BEGIN DECLARE x INT; IF x = 1 THEN SELECT 1; END IF; SELECT CASE WHEN x THEN 2 END; END",
        "l: BEGIN BEGIN SELECT 1; END; FOR r AS SELECT w.begin, 1 AS end DO SELECT 1; END FOR; END l",
        "CREATE OR REPLACE PROCEDURE p() LANGUAGE SQL AS BEGIN CASE x WHEN 1 THEN SELECT 1; END CASE; END",
        "BEGIN TRANSACTION",
        "EXECUTE IMMEDIATE 'SELECT ?; ' USING 1",
        "SHOW TABLES LIKE 'a;b'",
        "SELECT 'é;😀'",
    ],
)
def test_a_semicolon_inside_a_statement_does_not_end_it(read, statement) -> None:
    assert texts(read(f"{statement}\n;\n SELECT 2;")) == [statement.split(" -- ")[0], "SELECT 2"]


def test_each_statement_has_its_line_and_empty_ones_are_left_out(read) -> None:
    found = read("\ufeff-- load\r\nUSE a;\r\n;;\r\n\r\n/* then\r\n*/ SELECT\r\n 1;\r\n-- the end")
    assert [(one.text, one.line) for one in found] == [("USE a", 2), ("SELECT\n 1", 6)]


names = st.text("abc;'\"`$-/*\\{}: \n", max_size=12)


@given(st.lists(names, min_size=1, max_size=4))
def test_statements_made_of_text_literals_are_read_back(read, values) -> None:
    literals = ["'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values]
    assert texts(read(";\n".join(f"SELECT {one}" for one in literals))) == [f"SELECT {one}" for one in literals]


@given(names, st.sampled_from(["{}", "'{}'", '"{}"', "`{}`", "'a {} b'"]))
def test_no_value_leaves_the_quotes_that_it_stands_in(read, value, form) -> None:
    (before,) = read(f"SELECT {form.format('{{p}}')} AS x")
    (after,) = read(before.with_values({"p": value}))
    assert after.text.startswith("SELECT ") and after.text.endswith(" AS x")


def test_parameters_are_found_in_code_only(read) -> None:
    text = """
        -- :comment {{comment}}
        SELECT :a, ':text', "{{ b }}", details:field, x::int, `{{c}}`, /* {{no}} */ {{ d e }}, :`my-p`, r'{{raw}}',
          IF(:a = 1, map(1, 2)[1], $$ {{body}} $$) FROM t LIMIT :n
    """
    (found,) = read(text)
    assert {(one.name, one.line) for one in found.parameters} == {
        ("a", 3), ("b", 3), ("c", 3), ("d e", 3), ("my-p", 3), ("a", 4), ("n", 4),
    }  # fmt: skip


def test_a_value_is_a_text_literal_and_within_quotes_what_is_written(read) -> None:
    (use, select) = read("USE CATALOG `{{c}}`; SELECT * FROM IDENTIFIER({{c}} || '.' || {{s}}) WHERE x = '{{s}}%'")
    values = {"c": "my-`cat", "s": "it's\\\n"}
    assert use.with_values(values) == "USE CATALOG `my-``cat`"
    literal = r"it\'s\\\n"
    expected = f"SELECT * FROM IDENTIFIER('my-`cat' || '.' || '{literal}') WHERE x = '{literal}%'"
    assert select.with_values(values) == expected


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "has no SQL statement; write one, or remove the task"),
        ("-- SELECT 1\n;", 1, "has no SQL statement"),
        ("SELECT 1;\nSELECT 'a;\n\n", 2, "a quotation or a comment has no end; close it"),
        ("SELECT `a", 1, "has no end"),
        ("SELECT 1;\n/* a\n", 2, "has no end"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_line(read, text, line, message) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        read(text)
    assert caught.value.line == line


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.sql").write_bytes(b"SELECT '\xe4'")
    with pytest.raises(BundleError, match=r"x\.sql: is not UTF-8 text"):
        read_statements(tmp_path / "x.sql")


@pytest.mark.parametrize(
    ("text", "is_here"),
    [
        ("CREATE OR REPLACE TABLE t AS SELECT 'COPY INTO'", True),
        ("CREATE /* daily */ OR REPLACE\nMATERIALIZED VIEW v AS SELECT 1", False),
        ("create or refresh streaming table t", False),
        ("COPY INTO t FROM 'x'", False),
        ("GRANT SELECT ON TABLE t TO `a`", False),
        ("ALTER TABLE t SET TAGS ('a' = 'b')", False),
        ("ALTER TABLE t SET TBLPROPERTIES ('a' = 'b')", True),
    ],
)
def test_what_only_a_warehouse_runs_is_known(read, text, is_here) -> None:
    (found,) = read(text)
    assert (found.not_here is None) == is_here
