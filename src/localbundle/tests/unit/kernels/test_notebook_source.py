import pytest
from localbundle.errors import BundleError
from localbundle.kernels.notebook_source import program_notebook, read_notebook

SOURCE = """# Databricks notebook source
# MAGIC %md
# MAGIC # Title
# MAGIC text

# COMMAND ----------

# a comment
x = 1

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT 1

# COMMAND ----------

# MAGIC %sql SELECT 2
"""


def test_a_source_notebook_becomes_cells(tmp_path) -> None:
    file = tmp_path / "n.py"
    file.write_text(SOURCE)
    cells = [(cell.cell_type, cell.source) for cell in read_notebook(file).cells]
    assert cells == [
        ("markdown", "# Title\ntext"),
        ("code", "# a comment\nx = 1"),
        ("code", "%sql\nSELECT 1"),
        ("code", "%sql SELECT 2"),
    ]


@pytest.mark.parametrize(("name", "text"), [("n.py", "x = 1\n"), ("n.ipynb", "{"), ("n.ipynb", "[]")])
def test_other_files_are_refused(tmp_path, name, text) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BundleError, match=rf"{name} is not a"):
        read_notebook(tmp_path / name)


def test_a_program_becomes_a_notebook_that_calls_it() -> None:
    (cell,) = program_notebook("run_file('a.py', '--x')").cells
    assert cell.source.endswith("programs.run_file('a.py', '--x')")
