import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, faults

ROOT = NOTEBOOKS.parent


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_follows_the_rules(path: Path) -> None:
    assert list(faults(path)) == []


def test_every_notebook_has_a_row_in_the_documentation() -> None:
    rows = [line for line in (ROOT / "docs/notebooks.md").read_text().splitlines() if line.startswith("| `")]
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} <= set(re.findall(r"`(\w+)`", "".join(rows)))


def test_a_missing_model_is_reported_before_any_document_is_parsed() -> None:
    source = (NOTEBOOKS / "ingest_documents.ipynb").read_text()
    assert 0 < source.index("tokenizer_file(") < source.index("refresh_documents(")


def write(path: Path, *sources: str, **fields: object) -> Path:
    cells = [nbformat.v4.new_code_cell(source, **fields) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_every_violation_is_reported(tmp_path: Path) -> None:
    output = nbformat.v4.new_output("stream", text="x")
    found = " ".join(faults(write(tmp_path / "wrong.ipynb", "%pip install x\n" * 40, outputs=[output])))
    for part in (
        "outputs",
        "its parameters",
        "answers",
        "tables",
        "look at next",
        "interactively",
        "longer than a screen",
        "installs packages",
        "another kernel",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("reading", "violation"),
    [
        ("x = 1", "does not read its parameters in the cell after them"),
        ("p = Some.read(dbutils.widgets.getAll())", "does not explain its parameters"),
    ],
)
def test_parameters_are_read_and_explained(tmp_path: Path, reading: str, violation: str) -> None:
    parameters = nbformat.v4.new_code_cell('dbutils.widgets.text("a", "")', metadata={"tags": ["parameters"]})
    first = nbformat.v4.new_markdown_cell(
        "# T\n\n**Answers:** what?\n\n**Reads** t.\n\n**To run it interactively in a workspace** x."
    )
    last = nbformat.v4.new_markdown_cell("**Look next** elsewhere.")
    path = tmp_path / "n.ipynb"
    kernel = {"name": "local-workspace", "display_name": "local workspace", "language": "python"}
    cells = [first, parameters, nbformat.v4.new_code_cell(reading), last]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    (found,) = faults(path)
    assert found.startswith(violation)


@pytest.mark.parametrize(
    "source",
    [
        "spark.sparkContext.addFile('x')",
        "spark._jvm.java",
        "frame._jdf",
        "from delta.tables import DeltaTable",
        "frame.rdd.map(str)",
        "get_ipython().run_line_magic('x', '')",
        "import localbundle",
        "open('/dbfs/x')",
        "%pip install ../dist/ragops.whl",
        "x = 1\n!ls",
        "%sh ls",
    ],
)
def test_code_that_is_not_available_everywhere_is_reported(tmp_path: Path, source: str) -> None:
    assert [fault for fault in faults(write(tmp_path / "n.ipynb", source)) if fault.startswith("cell ")]


@pytest.mark.parametrize("source", ["%sql SELECT 1", "%run ./other", "a = 7 %r_value", "spark.sql('SELECT 1')"])
def test_code_that_is_available_everywhere_is_accepted(tmp_path: Path, source: str) -> None:
    assert not [fault for fault in faults(write(tmp_path / "n.ipynb", source)) if fault.startswith("cell ")]


def test_git_strips_outputs_and_keeps_cell_ids(tmp_path: Path) -> None:
    assert "*.ipynb filter=nbstripout" in (ROOT / ".gitattributes").read_text()
    cell = nbformat.v4.new_code_cell("1", id="kept", outputs=[nbformat.v4.new_output("stream", text="x")])
    path = tmp_path / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    command = (ROOT / "Makefile").read_text().split("filter.nbstripout.clean '$(BIN)/")[1].split("'")[0]
    stripped = subprocess.run(
        [str(Path(sys.executable).parent / command.split()[0]), *command.split()[1:]],
        input=path.read_bytes(),
        capture_output=True,
        check=True,
    )
    (after,) = nbformat.reads(stripped.stdout.decode(), as_version=4).cells
    assert (after.id, after.outputs) == ("kept", [])
