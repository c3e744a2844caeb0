"""What every notebook keeps to; `python -m tests.notebooks` names those that do not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LINES_ON_A_SCREEN = 30


def faults(path: Path) -> Iterator[str]:
    """One line a fault: invalid, outputs, no parameters, a long cell, no word on what it answers or what comes next."""
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield str(error).splitlines()[0]
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "is older than format 4.5, so its cells have no ids"
    cells = notebook.cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    if any(cell.outputs or cell.execution_count for cell in code):
        yield "has outputs; strip them: nbstripout notebooks/*.ipynb"
    if not code or "parameters" not in code[0].metadata.get("tags", []):
        yield "does not begin with its parameters (a code cell tagged parameters)"
    if "**Answers:**" not in cells[0].source or "**Look next**" not in cells[-1].source:
        yield "does not begin with what it answers and end with what to look at next"
    for cell in cells:
        if cell.source.count("\n") >= LINES_ON_A_SCREEN:
            yield f"cell {cell.id} is longer than a screen"
        if "%pip" in cell.source:
            yield f"cell {cell.id} installs packages; that is the job's environment"


def main() -> int:
    """Prints the faults; 1 if there are any."""
    found = [f"{path.name}: {fault}" for path in sorted(NOTEBOOKS.glob("*.ipynb")) for fault in faults(path)]
    print("\n".join(found) or f"{len(list(NOTEBOOKS.glob('*.ipynb')))} notebooks are as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
