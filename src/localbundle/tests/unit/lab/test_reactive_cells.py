import pytest
from localbundle.lab.reactive_cells import Readers


@pytest.fixture
def readers(shell) -> Readers:
    made = Readers(shell)
    shell.push({"readers": made, "runs": []})
    return made


def test_a_cell_that_runs_again_by_hand_is_kept_once(shell, readers) -> None:
    shell.run_cell("readers.note('a'); runs.append(1)", cell_id="x")
    shell.run_cell("readers.note('a'); runs.append(2)", cell_id="x")
    readers.run("a")
    assert shell.user_ns["runs"] == [1, 2, 2]


def test_a_cell_that_no_longer_reads_is_forgotten(shell, readers) -> None:
    shell.run_cell("readers.note('a'); runs.append(1)", cell_id="x")
    shell.run_cell("runs.append(2)", cell_id="x")
    readers.run("a")
    assert shell.user_ns["runs"] == [1, 2]


def test_the_first_failure_ends_it(shell, readers) -> None:
    shell.run_cell("readers.note('a'); runs.append(1); assert len(runs) < 3", cell_id="x")
    shell.run_cell("readers.note('a'); runs.append(2)", cell_id="y")
    readers.run("a")
    assert shell.user_ns["runs"] == [1, 2, 1]
    readers.run("b")
    assert readers.again is False


def test_a_cell_run_by_another_belongs_to_that_one(shell, readers) -> None:
    shell.push({"shell": shell})
    shell.run_cell("shell.run_cell(\"readers.note('a'); runs.append(1)\"); runs.append(2)", cell_id="x")
    readers.run("a")
    assert shell.user_ns["runs"] == [1, 2, 1, 2]


def test_a_change_made_by_a_cell_runs_nothing(shell, readers) -> None:
    shell.run_cell("readers.note('a'); runs.append(1); readers.run('a')", cell_id="x")
    assert shell.user_ns["runs"] == [1]
