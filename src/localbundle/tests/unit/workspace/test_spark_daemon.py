"""The daemon speaks pyspark's own protocol: it prints its port, and answers each connection with a worker's pid."""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import psutil
import pytest


@pytest.fixture
def daemon() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "localbundle.workspace.spark_daemon", "pyspark.worker"]
    environment = os.environ | {"PYTHON_WORKER_FACTORY_SECRET": "secret", "SPARK_REUSE_WORKER": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        yield process
        process.kill()


def read_int(stream: IO[bytes]) -> int:
    number: int = struct.unpack("!i", stream.read(4))[0]
    return number


def ask_for_worker(port: int) -> tuple[socket.socket, psutil.Process]:
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    return connection, psutil.Process(read_int(connection.makefile("rb")))


def test_it_ends_when_it_has_no_workers(daemon: subprocess.Popen[bytes]) -> None:
    assert daemon.stdout
    assert read_int(daemon.stdout) > 0
    daemon.send_signal(signal.SIGALRM)
    assert daemon.wait(timeout=20) == 0


def test_it_stays_while_a_worker_lives(daemon: subprocess.Popen[bytes]) -> None:
    assert daemon.stdout
    port = read_int(daemon.stdout)
    first, worker = ask_for_worker(port)
    daemon.send_signal(signal.SIGALRM)
    second, other = ask_for_worker(port)  # it answers after the signal
    with first, second:
        for process in (worker, other):
            assert process.ppid() == daemon.pid
            process.kill()
            process.wait(timeout=20)
    daemon.send_signal(signal.SIGALRM)
    assert daemon.wait(timeout=20) == 0
