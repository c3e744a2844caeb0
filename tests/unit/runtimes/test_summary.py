import io

from rich.console import Console

from tests.runtimes.summary import Row, table


def test_the_table_fits_80_columns_without_truncation() -> None:
    rows = [
        Row("18.x-gpu-ml", "3.12.1", "4.1", 120, 45, 2, "1/1", "2345", 5423.4, 12.34),
        Row("serverless-v5", "3.12.1", "4.1", 110, 44, 1, "15/15", "-", 1423.4, 2.34),
    ]
    result = io.StringIO()
    Console(file=result, width=80).print(table(rows))
    lines = result.getvalue().splitlines()
    assert all(len(line.rstrip()) <= 80 for line in lines)
    assert lines[1].split() == ["18.x-gpu-ml", "3.12.1", "4.1", "120", "45", "2", "1/1", "2345", "5423", "12.3"]
