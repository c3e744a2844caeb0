"""The server's tools for agents, over MCP: search, ask, read_passage. Same users, groups and limits as over HTTP.

What documents say is not instructions: passages and answers are between the delimiters of `answers.prompts.untrusted`,
which no document can forge.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import Field
from starlette.applications import Starlette

from ragops.answers.chain.types import Query
from ragops.answers.prompts.types import PromptRequest, Source
from ragops.answers.prompts.untrusted import delimited_passages, neutral_line, request_code
from ragops.errors import UserError
from ragops.serving.server.answers import Answers
from ragops.serving.server.chains import Chains
from ragops.serving.server.identity import Identify, Identity
from ragops.serving.server.passages import passage_in_document
from ragops.serving.server.types import Answered, Citation
from ragops.usecase import UseCase

PATH = "/mcp"
_MOST_PASSAGES, _MOST_AROUND = 50, 20
_LONGEST_PATH = 300  # characters

_Result = TypeVar("_Result")

Question = Annotated[str, Field(description="In plain words; a whole question finds more than single words.")]
Count = Annotated[int, Field(ge=1, le=_MOST_PASSAGES, description="How many passages.")]
PassageId = Annotated[str, Field(description="From search or ask.")]
Around = Annotated[int, Field(ge=0, le=_MOST_AROUND, description="How many passages of its document before and after.")]


class Tools:
    """The tools over the server's parts."""

    def __init__(self, chains: Chains, answers: Answers, identify: Identify) -> None:
        self._chains, self._answers, self._identify = chains, answers, identify
        self._key = secrets.token_bytes(32)

    async def search(self, question: Question, context: Context, count: Count = 8) -> str:
        """Find passages of the documents that answer a question."""
        asker = await self._asker(context)
        return await _in_thread(partial(self._search, question, count, asker))

    async def ask(self, question: Question, context: Context) -> str:
        """Answer a question from the documents, with citations. Says so if they contain no answer."""
        asker = await self._asker(context)
        with _as_tool_errors():
            run = self._answers.start(Query(question, (), asker.groups, asker.name))
            try:
                answered = await run.result()
            finally:
                run.leave()
        return self._answer(question, run.answer_id, answered)

    async def read_passage(self, passage_id: PassageId, context: Context, around: Around = 2) -> str:
        """Read a passage in its document, with what stands before and after it."""
        asker = await self._asker(context)
        return await _in_thread(partial(self._read, passage_id, around, asker))

    async def _asker(self, context: Context) -> Identity:
        headers: Mapping[str, str] = context.headers or {}  # none over stdio
        return await _in_thread(partial(self._identify, headers))

    def _search(self, question: str, count: int, asker: Identity) -> str:
        with self._chains.use() as backend:
            found = [one.passage for one in backend.searcher.search(question, count, asker.groups)]
        sources = [Source(n, one.title, one.path, one.text) for n, one in enumerate(found, start=1)]
        ids = _lines("Passage ids", (Citation(n, one.chunk_id, one.path) for n, one in enumerate(found, start=1)))
        return "\n\n".join(filter(None, [self._delimited(question, sources), ids]))

    def _read(self, passage_id: str, around: int, asker: Identity) -> str:
        with self._chains.use() as backend:
            found = passage_in_document(backend.searcher.live_generation(), passage_id, asker.groups, around)
        title, path, parts = found["title"], found["path"], found["document"]
        sources = [
            Source(n, " > ".join([title, *part["headings"]]), path, part["text"])
            for n, part in enumerate(parts, start=1)
        ]
        ids = _lines("Passage ids", (Citation(n, part["id"], path) for n, part in enumerate(parts, start=1)))
        return "\n\n".join([self._delimited(passage_id, sources), ids])

    def _answer(self, question: str, answer_id: str, answered: Answered) -> str:
        outputs = answered.outputs
        source = Source(1, "Answer", f"written from documents by {outputs['model'] or 'no model'}", answered.text)
        facts = f"Answer id: {answer_id}; index {outputs['generation']}"
        cited = _lines("Passages cited as [n], with their ids", answered.citations)
        return "\n\n".join(filter(None, [self._delimited(question, [source]), cited, facts]))

    def _delimited(self, question: str, sources: Sequence[Source]) -> str:
        code = request_code(PromptRequest(question, list(sources)), self._key)
        return delimited_passages(sources, code)


def mcp_server(use_case: UseCase, chains: Chains, answers: Answers, identify: Identify) -> MCPServer[Any]:
    """The MCP server with its tools."""
    about = f"Search and ask the documents of {use_case.name}. {use_case.problem.strip()} Users: {use_case.users}"
    server: MCPServer[Any] = MCPServer(use_case.name, instructions=about, log_level="WARNING")
    tools = Tools(chains, answers, identify)
    for tool in (tools.search, tools.ask, tools.read_passage):
        server.add_tool(tool, structured_output=False)  # structured output would repeat the texts without delimiters
    return server


def http_app(server: MCPServer[Any]) -> Starlette:
    """The application for streamable HTTP. Without sessions: nothing is kept between two requests."""
    own_checks = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # `guard` makes them
    return server.streamable_http_app(streamable_http_path=PATH, stateless_http=True, transport_security=own_checks)


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    with _as_tool_errors():
        return await to_thread.run_sync(work)


@contextmanager
def _as_tool_errors() -> Iterator[None]:
    """One line for the agent, which can correct its request or tell its user."""
    try:
        yield
    except UserError as error:
        raise ToolError(str(error)) from error


def _lines(heading: str, citations: Iterable[Citation]) -> str:
    """A line for each citation: paths come from documents' names, so they are neutralized."""
    rows = [f"[{one.number}] {one.chunk_id}: {neutral_line(one.path, _LONGEST_PATH)}" for one in citations]
    return "\n".join([f"{heading}:", *rows]) if rows else ""
