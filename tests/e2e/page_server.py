"""`ragops serve` in a process of its own, for the tests of the page: on documents with known content, with a token."""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from localbundle.volumes.environment import environment as strict_environment

from tests.e2e.bundles import Bundle, write_notes
from tests.support.openai_double import Behavior, OpenAIDouble

SCHEMA = "page"
TOKEN = "a token of the tests"
OTTER = "How many fish does the otter eat before noon?"
EATS = "The otter eats 4 fish before noon"
BADGER = "And the badger?"
MONA_LISA = "Who painted the Mona Lisa?"
ENDLESS = "What does the otter do all day, without end?"
LAYOUT = "What does the otter eat, in a table and in code?"
PILOT = 'Who boards each ship at the <i>seventh</i> buoy? <script>document.title = "question"</script>'
PILOT_TITLE = """Harbor rules <img src="x" onerror="document.title='title'"> & more"""
PILOT_TEXT = """The harbor pilot boards each ship at the seventh buoy <script>document.title = "passage"</script>."""
PILOT_ANSWER = "The pilot [1] <img src=x onerror=\"document.title='answer'\"> [read](javascript:alert(1))"
LONG_WORD = "otter" * 40

_CHUNK: dict[str, Any] = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}
_CHUNK |= {"choices": [{"index": 0, "delta": {"content": "and then it swims on, "}, "finish_reason": None}]}
_ANSWERS = {
    ENDLESS: Behavior(endless=f"data: {json.dumps(_CHUNK)}\n\n"),
    LAYOUT: Behavior(
        text=f"It eats **fish** [1].\n\n```python\nfish = ['{LONG_WORD}']\n```\n\n| meal | fish |\n|---|---|\n"
        f"| noon | {LONG_WORD} |\n\n2. first [1], not f(*args, **options)\n   - below\n3. then\n"
    ),
    PILOT: Behavior(text=PILOT_ANSWER),
}


def write_documents(folder: Path) -> None:
    """Notes about animals, and a document whose title and text contain markup and a script."""
    write_notes(folder)
    (folder / "harbor.md").write_text(
        f"# {PILOT_TITLE}\n\n{PILOT_TEXT}\n\n| Fee | Crowns |\n|---|---|\n| night | 40 |\n"
    )


def answering(body: dict[str, Any]) -> Behavior:
    """The model's answer: which one depends on the question. Only rewritings of questions are not streamed."""
    if not body.get("stream"):
        return Behavior(text="How many fish does the badger eat before noon?")
    asked = body["messages"][-1]["content"]
    return next((behavior for text, behavior in _ANSWERS.items() if text in asked), Behavior(text=f"{EATS} [1] [77]."))


@dataclass
class PageServer:
    """The server, which can be killed and started again at the same address.

    Attributes:
        use_case: the file that it serves from.
    """

    bundle: Bundle
    use_case: Path
    port: int = 0
    url: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def ledger(self) -> Path:
        return self.bundle.home / "Volumes" / "spark_catalog" / SCHEMA / "ledger"

    def start(self) -> None:
        """Starts it; returns when it is ready."""
        words = ["ragops", "serve", "-t", "dev", "--schema", SCHEMA, "--usecase", str(self.use_case)]
        words += ["--working-copy", "--model", "gpt", "--port", str(self.port)]
        environment = os.environ | strict_environment(self.bundle.home / "Volumes", strict=True)
        environment |= self.bundle.environment | {"RAGOPS_SERVER_TOKEN": TOKEN, "NO_COLOR": "1", "COLUMNS": "200"}
        self._process = subprocess.Popen(
            self.bundle.command(*words), cwd=self.bundle.root, env=environment, stderr=subprocess.PIPE, text=True
        )
        assert self._process.stderr is not None
        self.url = next(found[0] for line in self._process.stderr if (found := re.search(r"http://\S+", line)))
        self.port = int(self.url.rpartition(":")[2])
        # Its log is not read any more; it must not fill the pipe.
        self._log = subprocess.Popen(["cat"], stdin=self._process.stderr, stdout=subprocess.DEVNULL)
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(base_url=self.url, transport=transport, headers=AUTHORIZED, timeout=60) as client:
            assert client.get("/ready").status_code == 200

    def kill(self) -> None:
        """As a crash or a lost machine ends it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._log.wait()

    def stop(self) -> None:
        """As Ctrl-C ends it."""
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(60) == 0
        self._log.wait()


AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


def write_use_case(bundle: Bundle, double: OpenAIDouble, file: Path) -> Path:
    """The bundle's use case with the double as its model that answers, two examples, and two answers at a time."""
    use_case = yaml.safe_load((bundle.root / "usecase.yml").read_text())
    model = {"name": "gpt", "provider": "openai_compatible", "served_name": "gpt", "base_url": double.url}
    judges = [one for one in use_case["models"]["known"] if one["name"] == use_case["evaluation"]["judge"]]
    use_case["models"] = {
        "answer": {"primary": "gpt", "fallback": ["quotes"], "deadline_s": 120},
        "known": [
            model | {"context_tokens": 8000, "timeout_s": 60},
            {"name": "quotes", "provider": "extractive"},
            *judges,
        ],
        "resilience": {"attempts": 1},
    }
    use_case["serving"] |= {"concurrent_requests": 2, "queue_length": 0, "examples": [OTTER, MONA_LISA]}
    file.write_text(yaml.safe_dump(use_case))
    return file
