"""People who ask and judge while their server is killed, and what they sent until it was confirmed.

`python -m tests.support.feedback_sessions FOLDER PORT` is that server: real, over a scripted chain, with FOLDER as the
ledger volume.
"""

import os
import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from localbundle.volumes.environment import environment

from ragops.quality.feedback.rows import REASONS
from ragops.serving.server.app import create_app
from ragops.serving.server.run import configuration
from tests.support.served import parts

REPOSITORY = Path(__file__).parents[2]
_PAUSE_S = 0.02


@dataclass
class Sessions:
    """What happened.

    Attributes:
        sent: the body of every verdict by its id, each of which was confirmed in the end.
        repeated: how many requests were sent again because the server was gone.
        kills: how often it was killed.
    """

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    kills: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def saved(self, body: dict[str, Any], repeated: int) -> None:
        """A verdict was confirmed."""
        with self._lock:
            self.sent[body["verdict_id"]] = body
            self.repeated += repeated


class KilledServer:
    """The server in a process of its own, killed and started again on the same port."""

    def __init__(self, volume: Path, port: int) -> None:
        self._volume, self._port = volume, port
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when it listens."""
        command = [sys.executable, "-m", __name__, str(self._volume), str(self._port)]
        own = os.environ | environment(self._volume, strict=True)
        self._process = subprocess.Popen(command, cwd=REPOSITORY, env=own, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("listening"), "the server did not start"

    def kill(self) -> None:
        """SIGKILL, whatever it does."""
        assert self._process is not None
        with self._process:
            self._process.kill()


@contextmanager
def killed_server(volume: Path, port: int) -> Iterator[KilledServer]:
    """A running server, which is killed at the end."""
    server = KilledServer(volume, port)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def judge_while_killed(server: KilledServer, sessions: int, verdicts: int, kills: int, seed: int) -> Sessions:
    """Lets sessions ask and judge, and kills the server at random moments until all verdicts are saved.

    Args:
        server: a running one.
        sessions: how many people at once.
        verdicts: of all of them.
        kills: how often the server is killed.
        seed: of the moments, and of what people think.
    """
    found, chance = Sessions(), random.Random(seed)
    moments = sorted(chance.sample(range(1, verdicts), kills))
    shares = [(verdicts + number) // sessions for number in range(sessions)]
    with ThreadPoolExecutor(sessions) as threads:
        done = [
            threads.submit(_session, server.url, share, found, random.Random(f"{seed}-{number}"))
            for number, share in enumerate(shares)
        ]
        for moment in moments:
            while len(found.sent) < moment and not all(one.done() for one in done):
                time.sleep(0.001)
            server.kill()
            server.start()
            found.kills += 1
        for one in done:
            one.result()
    return found


def _session(url: str, verdicts: int, found: Sessions, chance: random.Random) -> None:
    """Asks once in a while, and judges the newest answer, again and again."""
    answer_id = ""
    for number in range(verdicts):
        if number % 5 == 0:
            question = {"input": f"When does the ferry leave? {uuid.UUID(int=chance.getrandbits(128))}"}
            answer_id = _until_answered(f"{url}/responses", question)[0]["id"]
        body = {
            "verdict_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "answer_id": answer_id,
            "verdict": chance.choice(("up", "down")),
            "reason": chance.choice((None, *REASONS)),
            "comment": chance.choice((None, f"<b>{number}</b>", "ä\n" * chance.randrange(1, 900))),
        }
        _, repeated = _until_answered(f"{url}/feedback", body)
        found.saved(body, repeated)


def _until_answered(url: str, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Sends a request until it is answered, as the page does; returns how often it was sent again."""
    repeated = 0
    while True:
        try:
            response = httpx.post(url, json=body, timeout=60)
        except httpx.TransportError:  # the server is gone
            repeated += 1
            time.sleep(_PAUSE_S)
            continue
        if response.status_code == 429:  # many ask at once
            time.sleep(_PAUSE_S)
            continue
        assert response.status_code == 200, response.text
        return dict(response.json()), repeated


if __name__ == "__main__":
    bound = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=128)
    print("listening", flush=True)
    uvicorn.Server(configuration(create_app(parts(Path(sys.argv[1]))))).run([bound])
