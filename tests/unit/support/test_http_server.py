"""The server that the doubles of services share."""

import http.client
import socket
import struct
from threading import Event, Thread, current_thread

import pytest

from tests.support.http_server import QuietHandler, serve


class Slow(QuietHandler):
    """Answers only after the client hung up."""

    asked: Event
    gone: Event
    threads: list[Thread]

    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        self.threads.append(current_thread())
        self.asked.set()
        self.gone.wait()
        for _ in range(1_000):
            self.wfile.write(b"x" * 100_000)


def connect(address: str) -> socket.socket:
    host, port = address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)))


def test_a_client_that_hangs_up_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    asked, gone = Event(), Event()
    threads: list[Thread] = []
    with serve(Slow, asked=asked, gone=gone, threads=threads) as address:
        with connect(address) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            asked.wait()
            # Closing resets the connection instead of ending it in order.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.set()
        threads[0].join()
    assert capfd.readouterr() == ("", "")


class Broken(QuietHandler):
    def do_GET(self) -> None:  # noqa: N802 (the library's name)
        raise ValueError("a defect of the double")


def test_a_defect_of_a_handler_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with serve(Broken) as address:
        client = http.client.HTTPConnection(address.removeprefix("http://"))
        client.request("GET", "/")
        with pytest.raises(http.client.RemoteDisconnected):
            client.getresponse()
    assert "a defect of the double" in capfd.readouterr().err
