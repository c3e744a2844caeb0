"""The ASGI application from its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ragops.answers.chain.types import Query
from ragops.errors import RequestError, UserError, explain
from ragops.quality.feedback.rows import REASONS
from ragops.serving.server.answers import Answers
from ragops.serving.server.chains import Chains
from ragops.serving.server.errors import error_response
from ragops.serving.server.feedback import feedback_router
from ragops.serving.server.guard import Guard, Rules
from ragops.serving.server.identity import Identify, Identity
from ragops.serving.server.mcp import http_app, mcp_server
from ragops.serving.server.metrics import Metrics, metrics_router
from ragops.serving.server.pages import Page
from ragops.serving.server.passages import passage_in_document
from ragops.serving.server.review import review_router
from ragops.serving.server.status import status_router
from ragops.serving.server.streaming import AnswerResponse
from ragops.serving.server.traces import Traces
from ragops.serving.server.types import Refused
from ragops.serving.server.wire import Invocations, InvocationsRequest, Responses, ResponsesRequest, conversation
from ragops.usecase import UseCase

_LONGEST_KEY = 200  # characters


@dataclass(frozen=True)
class Parts:
    """What the application is made of.

    Attributes:
        use_case: for the page: what the system is for, and example questions.
        volume: the ledger volume, for feedback.
        indexes: the volume of the index, where the job monitor writes the status page.
        chains: what answers.
        answers: answers in progress.
        traces: of the answers.
        identify: who sends a request.
        rules: what every request must satisfy.
        health: figures about what went wrong, for /health.
        metrics: what is measured, for /metrics.
    """

    use_case: UseCase
    volume: Path
    indexes: Path
    chains: Chains
    answers: Answers
    traces: Traces
    identify: Identify
    rules: Rules
    health: Callable[[], dict[str, Any]]
    metrics: Metrics

    def close(self) -> None:
        """Closes what was started; traces and metrics that still wait are written."""
        self.chains.close()
        self.traces.close()
        self.metrics.telemetry.close()


def _sender(request: Request) -> Identity:
    """Who sends a request. Not async, because the answer may take a request to the workspace."""
    identify: Identify = request.app.state.identify
    return identify(request.headers)


Asker = Annotated[Identity, Depends(_sender)]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=_LONGEST_KEY)]


def create_app(parts: Parts) -> ASGIApp:
    """The application; `parts.chains` is started and closed with it."""
    agents = http_app(mcp_server(parts.use_case, parts.chains, parts.answers, parts.identify))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with agents.router.lifespan_context(agents):
            yield
        parts.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.identify = parts.identify
    for kind in (UserError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer_error)
    app.include_router(_answering(parts))
    app.include_router(_describing(parts))
    app.include_router(feedback_router(parts.volume, parts.identify, parts.metrics.verdict))
    reviewers = parts.use_case.evaluation.reviewers
    app.include_router(review_router(parts.volume, reviewers, parts.chains, parts.identify))
    app.include_router(status_router(parts.indexes, parts.identify, parts.rules.token))
    app.include_router(metrics_router(parts.metrics, parts.identify))
    app.router.routes.extend(agents.routes)
    app.mount("/", Page())
    return Guard(app, parts.rules, parts.metrics.request)


def _answering(parts: Parts) -> APIRouter:
    """The routes that answer questions."""
    router = APIRouter()

    @router.post("/responses")
    async def responses(body: ResponsesRequest, asker: Asker, key: Key = None) -> Response:
        run = parts.answers.start(_query(body, asker), key)
        return AnswerResponse(run, Responses, stream=body.stream)

    @router.post("/invocations")
    async def invocations(body: InvocationsRequest, asker: Asker, key: Key = None) -> Response:
        run = parts.answers.start(_query(body, asker), key)
        return AnswerResponse(run, Invocations, stream=body.stream)

    return router


def _describing(parts: Parts) -> APIRouter:
    """The routes about passages, the server and its state. They are not async: they read files."""
    router = APIRouter()

    @router.get("/passages/{chunk_id}")
    def passage(chunk_id: str, asker: Asker) -> dict[str, Any]:
        with parts.chains.use() as backend:
            return passage_in_document(backend.searcher.live_generation(), chunk_id, asker.groups)

    @router.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", **parts.health()}

    @router.get("/ready")
    def ready() -> dict[str, Any]:
        return {"status": "ready", **_state(parts.chains), "problem": parts.chains.problem or None}

    @router.get("/config")
    def config(asker: Asker) -> dict[str, Any]:
        use_case = parts.use_case
        return {
            "name": use_case.name,
            "problem": use_case.problem.strip(),
            "users": use_case.users,
            "examples": list(use_case.serving.examples),
            "reasons": [{"id": name, "label": label} for name, label in REASONS.items()],
            "user": {"name": asker.name, "groups": list(asker.groups)},
            **_state_or_none(parts.chains),
        }

    return router


def _state(chains: Chains) -> dict[str, Any]:
    """The chain and the index generation that answer. Raises UserError if they cannot."""
    with chains.use() as backend:
        version, generation = backend.version, backend.searcher.live_generation().manifest.name
    return {"chain": {"name": version.name, "version": version.version}, "generation": generation}


def _state_or_none(chains: Chains) -> dict[str, Any]:
    try:
        return _state(chains)
    except UserError:
        return {"chain": None, "generation": None}


def _query(body: ResponsesRequest | InvocationsRequest, asker: Identity) -> Query:
    question, history = conversation(body)
    return Query(question, history, asker.groups, asker.name)


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    """Any error as one line."""
    if isinstance(error, RequestValidationError):
        error = RequestError(f"request: {_explained(error)}")
    elif isinstance(error, HTTPException):
        error = _refused(request, error)
    return error_response(error)


def _refused(request: Request, error: HTTPException) -> Exception:
    """What the framework refuses: an unknown path, or a body that it could not read."""
    if isinstance(error.__cause__, Refused):  # of `guard`, while the body was read
        return error.__cause__
    if error.status_code == 400:
        return RequestError("request: the body is not JSON; correct it")
    what = f"{request.method} {request.url.path}: {error.detail}; see docs/how-to/serve.md for what there is"
    return Refused(error.status_code, "not_found" if error.status_code == 404 else "refused", what)


def _explained(error: RequestValidationError) -> str:
    """The first problem in one line; the value is not repeated, because it may be a question."""
    first = dict(error.errors()[0])
    if first["type"] == "json_invalid":
        return f"the body is not JSON ({first['ctx']['error']}); correct it"
    kind, *path = first["loc"]
    where = {"header": "header "}.get(str(kind), "")
    return f"{where}{explain([first | {'loc': path, 'input': None}], 'the body')}; see docs/how-to/serve.md"
