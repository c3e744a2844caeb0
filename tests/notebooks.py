"""Rules for every notebook; `python -m tests.notebooks` lists violations."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LINES_ON_A_SCREEN = 30
# Not available in one of the three environments: Databricks, `localbundle run`, and the interactive kernel.
NOT_COMMON = {
    r"\bsparkContext\b|\bsc\.": "Spark Connect has no sparkContext; use spark",
    r"\b_j(vm|df|sc|spark)\b": "Spark Connect has no Java objects; use DataFrames or SQL",
    r"\bDeltaTable\b": "the laptop has no DeltaTable API; use MERGE in SQL",
    r"\brdd\b|\.parallelize\(": "Spark Connect has no RDDs; use DataFrames",
    r"\bget_ipython\b": "depends on where it runs; only ragops.platform may",
    r"\blocalbundle\b": "does not exist on Databricks",
    r"/dbfs/|\bdbfs:": "a laptop has no DBFS; use a volume",
    r"%pip\b|%conda\b|\bpip install\b": "installs packages; declare them in the job's environment",
    r"^\s*%%?(scala|r|sh|fs|python|md)\b|^\s*!": "is not available everywhere; write Python or SQL",
}


def faults(path: Path) -> Iterator[str]:
    """Violations of the format, of the frame (first and last cells) and of single cells, one line each."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    yield from _format(notebook)
    yield from _frame(notebook.cells)
    for cell in notebook.cells:
        if cell.source.count("\n") >= LINES_ON_A_SCREEN:
            yield f"cell {cell.get('id')} is longer than a screen"
        if cell.cell_type == "code":
            yield from _uncommon(cell)


def _format(notebook: NotebookNode) -> Iterator[str]:
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield str(error).splitlines()[0]
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "is older than format 4.5, so its cells have no ids"
    if len({cell.get("id") for cell in notebook.cells}) < len(notebook.cells):
        yield "has two cells with one id"
    if notebook.metadata.get("kernelspec", {}).get("name") != "local-workspace":
        yield "opens with another kernel than local-workspace"
    if any(cell.outputs or cell.execution_count for cell in notebook.cells if cell.cell_type == "code"):
        yield "has outputs; strip them: nbstripout --keep-id notebooks/*.ipynb"


def _frame(cells: list[NotebookNode]) -> Iterator[str]:
    first, code = cells[0].source, [cell for cell in cells if cell.cell_type == "code"]
    if cells[0].cell_type != "markdown" or not first.startswith("# ") or "**Answers:**" not in first:
        yield "does not begin with a title and what it answers"
    if not re.search(r"\*\*(Reads|Writes)\*\*", first):
        yield "does not say at its beginning which tables it reads and writes"
    if "**To run it interactively in a workspace**" not in first:
        yield "does not say at its beginning how to run it interactively in a workspace"
    if cells[-1].cell_type != "markdown" or "**Look next**" not in cells[-1].source:
        yield "does not end with what to look at next"
    if not code or "parameters" not in code[0].metadata.get("tags", []):
        yield "does not begin with its parameters (a code cell tagged parameters)"
        return
    if len(code) < 2 or not re.search(r"\w+\.read\(dbutils\.widgets\.getAll\(\)\)", code[1].source):
        yield "does not read its parameters in the cell after them"
    elif "parameters.show()" not in code[1].source:
        yield "does not explain its parameters (parameters.show() after they are read)"


def widgets(notebook: NotebookNode) -> set[str]:
    """The names of the widgets that a notebook declares."""
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    return set(re.findall(r"dbutils\.widgets\.\w+\(\s*[\"'](\w+)", code.source))


def parameters_class(notebook: NotebookNode) -> tuple[str, str]:
    """Module and name of the class by which a notebook reads its parameters."""
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    found = re.search(r"(\w+)\.read\(dbutils\.widgets\.getAll\(\)\)", source)
    assert found, "it reads no parameters"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and found[1] in {alias.name for alias in node.names}:
            return str(node.module), found[1]
    raise AssertionError(f"{found[1]} is not imported")


def _uncommon(cell: NotebookNode) -> Iterator[str]:
    for pattern, reason in NOT_COMMON.items():
        if found := re.search(pattern, cell.source, re.MULTILINE):
            yield f"cell {cell.get('id')}: {found[0]} {reason}"


def main() -> int:
    """Prints the violations; 1 if there are any."""
    found = [f"{path.name}: {fault}" for path in sorted(NOTEBOOKS.glob("*.ipynb")) for fault in faults(path)]
    print("\n".join(found) or f"{len(list(NOTEBOOKS.glob('*.ipynb')))} notebooks follow the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
