import os
import subprocess
import sys

import psutil
from localbundle.workspace.environment import OWNER
from localbundle.workspace.processes import create_time, is_alive, new_owner, owned_by, stop_tree

STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
subprocess.run([sys.executable, "-c", code])
"""


def test_a_stubborn_process_and_its_child_are_stopped() -> None:
    owner = new_owner()
    environment = {**os.environ, OWNER: owner}
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    started, child_started = create_time(process.pid), create_time(child)
    assert {found.pid for found in owned_by(owner)} == {process.pid, child}
    assert not is_alive(process.pid, started - 100)
    stop_tree(process.pid, started - 100)
    assert is_alive(process.pid, started)
    stop_tree(process.pid, started, patience=0.1)
    process.wait()
    assert not is_alive(process.pid, started)
    assert not is_alive(child, child_started)
    assert owned_by(owner) == []
    assert create_time(process.pid) == 0.0


NEGLIGENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_zombie_of_another_process_is_not_waited_for() -> None:
    """As a server is whose starter still runs: its last user stops it, and only the starter can reap it."""
    parent = subprocess.Popen(
        [sys.executable, "-c", NEGLIGENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    started = create_time(child)
    stop_tree(child, started, patience=1000)
    assert psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert not is_alive(child, started)
    parent.communicate()
