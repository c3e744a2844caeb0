"""Kills a refresh with SIGKILL and sees that the next one fixes everything, while the old index serves."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from localbundle.workspace.server import Server

from ragops.corpus.index.reading.reader import IndexReader
from tests.e2e.bundles import ANIMALS, Bundle


@dataclass(frozen=True)
class Kill:
    """What is killed (the runner, a notebook's kernel, Spark), and after which line of output or how many seconds."""

    victim: str
    after: str | float


def edit_some(landing: Path, chance: random.Random) -> None:
    """A document changes, one goes, one comes: every stage has something to do."""
    changed, gone = chance.sample(sorted(landing.glob("*.md")), 2)
    changed.write_text(changed.read_text() + f"\nSeen again near milestone {chance.randrange(10**6)}.\n")
    gone.unlink()
    name = f"{chance.choice(ANIMALS)}-{chance.randrange(10**6)}"
    (landing / f"{name}.md").write_text(f"# {name}\n\nA {name} was counted {chance.randrange(10**6)} times.\n")


def kill_a_refresh(bundle: Bundle, landing: Path, schema: str, kill: Kill) -> None:
    """Starts a refresh, kills its victim, and checks that the old index keeps answering."""
    reader = IndexReader(bundle.index(schema))
    command = bundle.command(
        "localbundle", "run", "refresh", "-t", "dev", "--params", f"landing={landing},schema={schema}"
    )
    run = subprocess.Popen(
        command, cwd=bundle.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        _wait(run, kill.after)
        _kill(bundle, run, kill.victim)
        run.communicate(timeout=120)
        assert reader.lexical("fish bridge counted", 3), "the old index stopped serving"
    finally:
        reader.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)


def _wait(run: "subprocess.Popen[str]", until: str | float) -> None:
    if isinstance(until, float):
        time.sleep(until)
        return
    assert run.stdout is not None
    for line in run.stdout:
        if until in line:
            return


def _kill(bundle: Bundle, run: "subprocess.Popen[str]", victim: str) -> None:
    victims: dict[str, Callable[[], list[psutil.Process]]] = {
        "runner": lambda: [psutil.Process(run.pid)],
        "kernel": lambda: [p for p in psutil.Process(run.pid).children(recursive=True) if "ipykernel" in _line(p)],
        "spark": lambda: [p for p in psutil.process_iter() if str(bundle.home / "conf") in _line(p)],
    }
    with contextlib.suppress(psutil.NoSuchProcess):  # a short run may be over already
        for process in victims[victim]():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _line(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def converges(bundle: Bundle, landing: Path, schema: str) -> None:
    """The next refresh succeeds, the index equals the tables, and nothing half-built is left."""
    if Server(bundle.home).state() is None:  # it was killed, and a cold one is slow
        bundle.run("localbundle", "up", "-t", "dev")
    bundle.refresh(landing=str(landing), schema=schema)
    assert bundle.run("ragops", "index", "verify", "--schema", schema).returncode == 0
    assert list((bundle.index(schema) / "generations").glob(".*")) == []
    found = {passage["path"] for passage in bundle.search("fish bridge counted", schema, 100)}
    assert found == {path.name for path in landing.glob("*.md")}
