"""Benchmark of the server: what it adds to the chain, the first streamed piece, and memory under 200 clients.

Run `python -m tests.bench.serve`; it prints the figures and, with `--json FILE`, writes them. The same questions go to
the chain in this process and to `ragops serve` in another one, in turn, with the model `quotes` over the same small
index; what counts is the difference between the least times of each question, so that the machine's load does not.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import psutil
import typer

from ragops.answers.chain.chain import Chain
from ragops.answers.chain.trace_record import TraceRecord
from ragops.answers.chain.types import Query
from ragops.assembly import Locations, open_chain
from ragops.usecase import load_usecase
from tests.support.notes_index import NOTES, ROOT, WORKSPACE, publish_notes
from tests.support.serve_command import Served, serving, status, write_record, write_usecase

REPEATS, CLIENTS, ROUNDS = 15, 200, 5
VERBS = ("eat", "do all day", "hide from", "catch", "sleep under", "hunt", "see at night", "do before noon")
QUESTIONS = [f"What does the {animal} {verb}?" for animal in NOTES for verb in VERBS]
_MIB = 1 << 20


def main(
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
    repeats: Annotated[int, typer.Option(help="How often each question is asked.")] = REPEATS,
) -> dict[str, float]:
    """Milliseconds that the server adds to an answer; the first piece of a stream; clients at once."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["LOCALBUNDLE_HOME"] = folder
        write_record(home)
        publish_notes(home / "work")
        options = write_usecase(home / "usecase.yml", concurrent_requests=8, queue_length=CLIENTS)
        with serving(home, "--working-copy", "--model", "quotes", *options) as server:
            figures = _costs(_chain(), server, repeats) | _crowd(server)
    print(json.dumps(figures, indent=2))
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1))
    return figures


def _chain() -> Chain:
    use_case = load_usecase(ROOT / "usecase.yml")
    chosen = use_case.model_copy(update={"models": use_case.models.with_primary("quotes")})
    return open_chain(chosen, Locations.of(WORKSPACE), record=TraceRecord())


def _costs(chain: Chain, server: Served, repeats: int) -> dict[str, float]:
    """The chain and the server in turn, question by question."""
    direct, whole, first = ([[0.0] * repeats for _ in QUESTIONS] for _ in range(3))
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for repeat in range(repeats):
            for row, question in enumerate(QUESTIONS):
                direct[row][repeat] = _ms(lambda text=question: chain.answer(Query(text)))
                whole[row][repeat] = _ms(lambda text=question: _ask(client, text))
                first[row][repeat] = _ms(lambda text=question: _first_piece(client, text))
    added = np.min(whole, axis=1) - np.min(direct, axis=1)
    return {
        "questions": len(QUESTIONS),
        "chain_p50_ms": float(np.median(np.min(direct, axis=1))),
        "added_p50_ms": float(np.median(added)),
        "added_p95_ms": float(np.percentile(added, 95)),
        "first_piece_p95_ms": float(np.percentile(np.min(first, axis=1), 95)),
    }


def _crowd(server: Served) -> dict[str, float]:
    """All clients at once, several times; the server's memory after the first time and at the end."""
    process, statuses, memory = psutil.Process(server.process.pid), [], []
    with ThreadPoolExecutor(CLIENTS) as pool:
        for turn in range(ROUNDS):
            asked = [f"{QUESTIONS[n % len(QUESTIONS)]} {turn} {n}" for n in range(CLIENTS)]
            statuses += pool.map(partial(status, server.url), asked)
            memory.append(process.memory_info().rss / _MIB)
    return {
        "clients": CLIENTS,
        "answered": statuses.count(200),
        "refused_429": statuses.count(429),
        "failed": len(statuses) - statuses.count(200) - statuses.count(429),
        "memory_growth_mib": memory[-1] - memory[0],
    }


def _ask(client: httpx.Client, question: str) -> None:
    client.post("/responses", json={"input": question}).raise_for_status()


def _first_piece(client: httpx.Client, question: str) -> None:
    body: dict[str, Any] = {"input": question, "stream": True}
    with client.stream("POST", "/responses", json=body) as response:
        next(line for line in response.iter_lines() if "output_text.delta" in line)


def _ms(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    typer.run(main)
