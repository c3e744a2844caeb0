"""What every notebook keeps to; `python -m tests.notebooks` names those that do not."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LINES_ON_A_SCREEN = 30
# What one of the three places does not have: Databricks, `localbundle run`, and the kernel that people work in.
NOT_COMMON = {
    r"\bsparkContext\b|\bsc\.": "Spark Connect has no sparkContext; use spark",
    r"\b_j(vm|df|sc|spark)\b": "Spark Connect has no Java objects; use DataFrames or SQL",
    r"\bDeltaTable\b": "the laptop has no DeltaTable API; use MERGE in SQL",
    r"\brdd\b|\.parallelize\(": "Spark Connect has no RDDs; use DataFrames",
    r"\bget_ipython\b": "says where it runs; the library's workspace module alone may",
    r"\blocalbundle\b": "does not exist on Databricks",
    r"/dbfs/|\bdbfs:": "a laptop has no DBFS; use a volume",
    r"%pip\b|%conda\b|\bpip install\b": "installs packages; that is the job's environment",
    r"^\s*%%?(scala|r|sh|fs|python|md)\b|^\s*!": "is a magic of one place only; write Python or SQL",
}


def faults(path: Path) -> Iterator[str]:
    """One line a fault: of the format, of the frame (first cells and last), of a cell."""
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
    if "**By hand in a workspace**" not in first:
        yield "does not say at its beginning what to choose to run it by hand in a workspace"
    if cells[-1].cell_type != "markdown" or "**Look next**" not in cells[-1].source:
        yield "does not end with what to look at next"
    if not code or "parameters" not in code[0].metadata.get("tags", []):
        yield "does not begin with its parameters (a code cell tagged parameters)"
        return
    for name in re.findall(r"dbutils\.widgets\.\w+\(\s*[\"'](\w+)", code[0].source):
        if not re.search(rf"^\|.*`{name}`.*\|.*\|$", first, re.MULTILINE):
            yield f"does not explain its parameter {name} in the table at its beginning"


def _uncommon(cell: NotebookNode) -> Iterator[str]:
    for pattern, reason in NOT_COMMON.items():
        if found := re.search(pattern, cell.source, re.MULTILINE):
            yield f"cell {cell.get('id')}: {found[0]} {reason}"


def main() -> int:
    """Prints the faults; 1 if there are any."""
    found = [f"{path.name}: {fault}" for path in sorted(NOTEBOOKS.glob("*.ipynb")) for fault in faults(path)]
    print("\n".join(found) or f"{len(list(NOTEBOOKS.glob('*.ipynb')))} notebooks are as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
