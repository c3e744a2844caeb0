from pathlib import Path

import nbformat
import pytest

from tests.notebooks import NOTEBOOKS, faults


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_as_it_should_be(path: Path) -> None:
    assert list(faults(path)) == []


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("%pip install x\n" * 40, outputs=[nbformat.v4.new_output("stream", text="x")])
    path = tmp_path / "wrong.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    found = " ".join(faults(path))
    for part in ("outputs", "parameters", "answers", "longer than a screen", "installs packages"):
        assert part in found
