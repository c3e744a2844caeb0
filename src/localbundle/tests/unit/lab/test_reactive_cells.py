import pytest
from localbundle.lab.reactive_cells import ReactiveCells


@pytest.fixture
def cells(shell) -> ReactiveCells:
    made = ReactiveCells(shell)
    shell.push({"cells": made, "runs": []})
    return made


def test_a_cell_that_is_run_twice_is_rerun_once(shell, cells) -> None:
    shell.run_cell("cells.add_reader('a'); runs.append(1)", cell_id="x")
    shell.run_cell("cells.add_reader('a'); runs.append(2)", cell_id="x")
    cells.rerun("a")
    assert shell.user_ns["runs"] == [1, 2, 2]


def test_a_cell_that_no_longer_reads_is_forgotten(shell, cells) -> None:
    shell.run_cell("cells.add_reader('a'); runs.append(1)", cell_id="x")
    shell.run_cell("runs.append(2)", cell_id="x")
    cells.rerun("a")
    assert shell.user_ns["runs"] == [1, 2]


def test_a_rerun_stops_at_the_first_failure(shell, cells) -> None:
    shell.run_cell("cells.add_reader('a'); runs.append(1); assert len(runs) < 3", cell_id="x")
    shell.run_cell("cells.add_reader('a'); runs.append(2)", cell_id="y")
    cells.rerun("a")
    assert shell.user_ns["runs"] == [1, 2, 1]
    cells.rerun("b")
    assert cells.is_rerun is False


def test_a_cell_run_by_another_belongs_to_that_one(shell, cells) -> None:
    shell.push({"shell": shell})
    shell.run_cell("shell.run_cell(\"cells.add_reader('a'); runs.append(1)\"); runs.append(2)", cell_id="x")
    cells.rerun("a")
    assert shell.user_ns["runs"] == [1, 2, 1, 2]


def test_a_change_by_a_running_cell_reruns_nothing(shell, cells) -> None:
    shell.run_cell("cells.add_reader('a'); runs.append(1); cells.rerun('a')", cell_id="x")
    assert shell.user_ns["runs"] == [1]
