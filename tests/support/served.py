"""The server over given passages with a scripted model: everything except search and traces is real."""

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import uvicorn

from ragops.answers.chain.trace_record import TraceRecord
from ragops.answers.llms.ledger.sinks import MemorySink
from ragops.answers.llms.types import LanguageModel
from ragops.answers.retrieval.pipeline import Found
from ragops.corpus.index.access import visible
from ragops.corpus.index.passages import Passage
from ragops.serving.model.registered import ChainVersion
from ragops.serving.server.app import Parts, create_app
from ragops.serving.server.assemble import assemble
from ragops.serving.server.chains import OpenedChain, Source
from ragops.serving.server.guard import Rules
from ragops.serving.server.identity import Identify, Identity, always
from ragops.serving.server.run import configuration
from ragops.serving.server.traces import Traces
from ragops.serving.server.types import Backend
from ragops.usecase import UseCase, load_usecase
from tests.support.chains import ROOT, FakeSearcher, chain, passage, recorded, scripted_gateway

FERRY = "The ferry leaves for the lighthouse island at twenty to eight."
REPLY = "At twenty to eight [1]."
BUILT_AT = datetime.now(UTC) - timedelta(hours=5)
ME = Identity("jane", ("staff",))


@dataclass
class Shelf:
    """A generation of given passages."""

    rows: Sequence[Passage]
    manifest: Any = field(
        default_factory=lambda: SimpleNamespace(name=FakeSearcher.generation, number=1, built_at=BUILT_AT)
    )

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        known = {one.chunk_id: one for one in self.rows}
        return [known[i] for i in ids if i in known]

    def neighbors(self, passage: Passage, ordinals: Collection[int]) -> list[Passage]:
        near = [one for one in self.rows if one.doc_id == passage.doc_id and one.groups == passage.groups]
        return sorted((one for one in near if one.ordinal in ordinals), key=lambda one: one.ordinal)


class ShelfSearcher(FakeSearcher):
    """Finds the shelf's passages, those that the groups may see."""

    def __init__(self, rows: Sequence[Passage]) -> None:
        super().__init__([one.text for one in rows])
        self.rows = rows
        self.closed = False
        self.error: Exception | None = None

    def live_generation(self) -> Shelf:
        if self.error:
            raise self.error
        return Shelf(self.rows)

    def search(self, question: str, k: int | None = None, groups: Collection[str] = ()) -> list[Found]:
        self.asked.append((question, tuple(groups)))
        seen = [one for one in self.rows if visible(one.groups, groups)]
        return [Found(one, 1 / n, n, None, 0.6) for n, one in enumerate(seen[:k], start=1)]

    def close(self) -> None:
        self.closed = True


@dataclass
class Shelved:
    """A source of chains over a shelf; `version` is the one that should serve."""

    rows: Sequence[Passage] = field(default_factory=lambda: [passage(1, FERRY)])
    model: LanguageModel | None = None
    replies: Sequence[str] = (REPLY,)
    version: str = "1"
    error: Exception | None = None
    calls: MemorySink = field(default_factory=MemorySink)
    opened: list[OpenedChain] = field(default_factory=list)

    def wanted(self) -> ChainVersion:
        if self.error:
            raise self.error
        return ChainVersion("main.rag.chain", self.version)

    def open(self, version: ChainVersion) -> Backend:
        made = chain(ShelfSearcher(self.rows), scripted_gateway(self.replies, self.calls, self.model))
        self.opened.append(OpenedChain(recorded(made, lambda **inputs: TraceRecord().open(**inputs)), version))
        return self.opened[-1]

    @property
    def searcher(self) -> ShelfSearcher:
        found = self.opened[-1].searcher
        assert isinstance(found, ShelfSearcher)
        return found


class NoTraces:
    """Traces that nobody writes."""

    missing, problem = 0, ""

    def close(self) -> None:
        """Nothing is open."""


def use_case(**serving: Any) -> UseCase:
    found = load_usecase(ROOT / "usecase.yml")
    return found.model_copy(update={"serving": found.serving.model_copy(update=serving)})


def parts(
    folder: Path,
    source: Source | None = None,
    identify: Identify | None = None,
    rules: Rules | None = None,
    deadline_s: float = 60,
    **serving: Any,
) -> Parts:
    """The server's parts, with the ledger volume in a folder; the chain is open."""
    case = use_case(**serving)
    answer = case.models.answer.model_copy(update={"deadline_s": deadline_s})
    case = case.model_copy(update={"models": case.models.model_copy(update={"answer": answer})})
    made = assemble(
        case,
        folder,
        folder / "indexes",
        source or Shelved(),
        cast(Traces, NoTraces()),
        identify or always(ME),
        rules or Rules(local=False),
    )
    made.chains.look()
    return made


@contextmanager
def listening(made: Parts) -> Iterator[str]:
    """The address of a real server in a thread of this process."""
    server = uvicorn.Server(configuration(create_app(made)))
    server.config.port = 0
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    (bound,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
