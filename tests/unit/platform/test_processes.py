"""Work in real child processes."""

import multiprocessing.synchronize
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

import pytest

from ragops.errors import UserError
from ragops.platform import processes
from ragops.platform.processes import in_processes, process_count


def squared(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def end(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order_from_other_processes() -> None:
    found = list(in_processes(squared, range(20), 2))
    assert [value for value, _ in found] == [number**2 for number in range(20)]
    assert os.getpid() not in {process for _, process in found}


def test_a_count_of_one_means_this_process() -> None:
    assert list(in_processes(squared, [2], 1)) == [(4, os.getpid())]


def test_a_killed_process_is_reported_in_one_line() -> None:
    with pytest.raises(UserError, match=r"^documents: .* killed.*more memory$"):
        list(in_processes(end, range(9), 2))


def test_a_pool_that_breaks_while_it_starts_a_process_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """submit starts a second process when the first is busy; a thread of the pool may have closed its pipes by then."""
    start = ProcessPoolExecutor._adjust_process_count
    started: list[ProcessPoolExecutor] = []

    def start_one(pool: ProcessPoolExecutor) -> None:
        if started:
            raise OSError("handle is closed")
        started.append(pool)
        start(pool)

    monkeypatch.setattr(ProcessPoolExecutor, "_adjust_process_count", start_one)
    with pytest.raises(UserError, match=r"^documents: .* killed.*more memory$"):
        list(in_processes(squared, range(9), 2))


def test_if_no_process_can_start_this_one_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **others: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(multiprocessing.synchronize.SemLock, "__init__", refuse)
    assert list(in_processes(squared, [2, 3], 2)) == [(4, os.getpid()), (9, os.getpid())]


@pytest.mark.parametrize(("memory", "count"), [(1 << 30, 1), (4 << 30, 2), (1 << 40, 3)])
def test_the_count_of_processes_is_limited_by_memory_and_cores(
    memory: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "available_memory", lambda: memory)
    monkeypatch.setattr(processes, "_cores", lambda: 3)
    assert process_count(2 << 30) == count


def test_threads_that_start_children_leave_the_main_module_unchanged() -> None:
    main = sys.modules["__main__"]
    threads = [threading.Thread(target=lambda: list(in_processes(squared, range(3), 2))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.modules["__main__"] is main
