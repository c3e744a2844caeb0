import pytest
from localbundle.kernels.magics import language_cell, parse_run


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%sql SELECT 1", "%%sql\nSELECT 1"),
        ("%sql\nSELECT 1\nFROM t", "%%sql\nSELECT 1\nFROM t"),
        ("\n  %sql SELECT 1\n, 2", "%%sql\nSELECT 1\n, 2"),
        ("%sh ls -e /tmp", "%%bash --no-raise-error\nls -e /tmp"),
        ("%sh\nset -e\nls", "%%bash --no-raise-error\nset -e\nls"),
        ("%sh -e ls", "%%bash\nls"),
        ("%python x = 1\ny = 2", "x = 1\ny = 2"),
        ("%md # Title", "%%markdown\n# Title"),
        ("%scala val x = 1", "%%scala\nval x = 1"),
        ("%r x <- 1", "%%r\nx <- 1"),
        ("%run ./other", "%run ./other"),
        ("%sqlite x", "%sqlite x"),
        ("%%sql\nSELECT 1", "%%sql\nSELECT 1"),
        ("x = 1\n%sql SELECT 1", "x = 1\n%sql SELECT 1"),
        ("\n", "\n"),
    ],
)
def test_a_cell_that_begins_with_a_language_is_one_of_that_language(cell: str, expected: str) -> None:
    assert "".join(language_cell(cell.splitlines(keepends=True))) == expected
    assert language_cell([]) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("./callee", ("./callee", {})),
        ('"./my callee"', ("./my callee", {})),
        ("./my callee", ("./my callee", {})),
        ('./callee $colour="green"', ("./callee", {"colour": "green"})),
        ("./callee $a='x y' $b = \"1\" $c=2", ("./callee", {"a": "x y", "b": "1", "c": "2"})),
        ('./callee $empty=""', ("./callee", {"empty": ""})),
        ('../shared/callee   $a="b$c"', ("../shared/callee", {"a": "b$c"})),
    ],
)
def test_run_has_a_path_and_arguments(line: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_run(line) == expected
