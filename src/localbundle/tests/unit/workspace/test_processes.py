import os
import subprocess
import sys
import time

from localbundle.workspace.processes import OWNER_VARIABLE, create_time, is_alive, new_owner, owned_by, stop_tree

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_stubborn_process_and_its_child_are_stopped() -> None:
    owner = new_owner()
    environment = {**os.environ, OWNER_VARIABLE: owner}
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    started, child_started = create_time(process.pid), create_time(child)
    while {found.pid for found in owned_by(owner)} != {process.pid, child}:
        time.sleep(0.01)  # the kernel shows a program's environment a moment after the program has begun
    assert not is_alive(process.pid, started - 100)
    stop_tree(process.pid, started - 100)
    assert is_alive(process.pid, started)
    stop_tree(process.pid, started, patience=0.5)
    process.wait()
    assert not is_alive(process.pid, started)
    assert not is_alive(child, child_started)
    assert owned_by(owner) == []
    assert create_time(process.pid) == 0.0
