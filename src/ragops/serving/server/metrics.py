"""What the server measures about itself; GET /metrics.

Names follow OpenTelemetry's semantic conventions for HTTP and for generative AI; where they have none, a name begins
with ragops. Attributes have few values: no users, no questions, no paths with ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.metrics import http_metrics
from starlette.types import Scope

from ragops.answers.llms.ledger.calls import cost
from ragops.answers.llms.settings import Models
from ragops.answers.llms.types import Reply
from ragops.corpus.index.generations.manifest import Manifest
from ragops.errors import UserError
from ragops.serving.server.answers import Abandoned, Run
from ragops.serving.server.errors import error_body
from ragops.serving.server.identity import Identify
from ragops.serving.server.status_files import Status
from ragops.serving.server.telemetry import Telemetry
from ragops.serving.server.types import Refused

# The conventions' own; answers of small models on a laptop take a minute.
_HTTP_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_ANSWER_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**n) for n in range(14))
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"}
_KIND = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "ragops"}

Observe = Callable[[CallbackOptions], Iterator[Observation]]


@dataclass(frozen=True)
class Watched:
    """What is looked at whenever somebody reads the metrics. Those that raise UserError are left out.

    Attributes:
        active: answers that are being written.
        waiting: questions that wait for their turn.
        unrecorded: answers given that could not be recorded, since the start.
        missing: traces that could not be written, since the start.
        manifest: of the index generation that answers.
        status: the summary that the job monitor wrote last; None before the first run.
    """

    active: Callable[[], int]
    waiting: Callable[[], int]
    unrecorded: Callable[[], int]
    missing: Callable[[], int]
    manifest: Callable[[], Manifest]
    status: Callable[[], Status | None]


class Metrics:
    """The instruments."""

    def __init__(self, telemetry: Telemetry, models: Models, watched: Watched) -> None:
        """Makes them; `models` has the prices."""
        self._models, self.telemetry = models, telemetry
        meter = telemetry.meter
        self._http = meter.create_histogram(
            http_metrics.HTTP_SERVER_REQUEST_DURATION, "s", "Requests, to the end of their responses.",
            explicit_bucket_boundaries_advisory=_HTTP_S,
        )  # fmt: skip
        self._answers = meter.create_histogram(
            gen_ai_metrics.GEN_AI_SERVER_REQUEST_DURATION, "s", "Answers, from the question's arrival, by outcome.",
            explicit_bucket_boundaries_advisory=_ANSWER_S,
        )  # fmt: skip
        self._first = meter.create_histogram(
            gen_ai_metrics.GEN_AI_SERVER_TIME_TO_FIRST_TOKEN, "s", "From the question's arrival to the first words.",
            explicit_bucket_boundaries_advisory=_ANSWER_S,
        )  # fmt: skip
        self._queued = meter.create_histogram(
            "ragops.queue.duration", "s", "How long questions waited for their turn.",
            explicit_bucket_boundaries_advisory=_ANSWER_S,
        )  # fmt: skip
        self._tokens = meter.create_histogram(
            gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE, "{token}", "Tokens read and written for an answer.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )  # fmt: skip
        self._cost = meter.create_counter("ragops.cost", "1", "Cost of answers, in the currency of the prices.")
        self._abstained = meter.create_counter("ragops.abstentions", "{answer}", "Answers that abstained, by reason.")
        self._fallbacks = meter.create_counter("ragops.fallbacks", "{call}", "Models that failed and were replaced.")
        self._verdicts = meter.create_counter("ragops.feedback", "{verdict}", "Verdicts of people that were saved.")
        for name, unit, what, observe in _gauges(watched):
            meter.create_observable_gauge(name, [observe], unit, what)
        for name, unit, what, count in (
            ("ragops.answers.unrecorded", "{answer}", "Answers given that could not be recorded.", watched.unrecorded),
            ("ragops.traces.missing", "{trace}", "Traces that could not be written.", watched.missing),
        ):
            meter.create_observable_counter(name, [_one(count)], unit, what)

    def request(self, scope: Scope, status: int, seconds: float) -> None:
        """Takes an HTTP request: its route, not its path; `status` is 0 if there was no response."""
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        route = getattr(scope.get("route"), "path", None)  # None for the pages' files and for what does not exist
        known = {"http.route": route} if route else {}
        code = {"http.response.status_code": status} if status else {"error.type": "no_response"}
        self._http.record(seconds, {"http.request.method": method, **known, **code})

    def answer(self, run: Run) -> None:
        """Takes an answer that has ended."""
        outputs = run.answered.outputs if run.answered else {}
        outcome, code = _outcome(run, outputs.get("abstained"))
        model = str(outputs.get("model") or "")
        named = _KIND | ({"gen_ai.response.model": model} if model else {})
        failed = {"error.type": code} if code else {}
        self._answers.record(run.seconds, {**named, **failed, "ragops.outcome": outcome})
        if run.queue_seconds is not None:
            self._queued.record(run.queue_seconds)
        if run.first_s is not None:
            self._first.record(run.first_s, named)
        if reason := outputs.get("abstained"):
            self._abstained.add(1, {"ragops.reason": str(reason)})
        for name in outputs.get("failed") or ():
            self._fallbacks.add(1, {"gen_ai.request.model": str(name)})
        if model:
            self._use(model, named, int(outputs.get("prompt_tokens", 0)), int(outputs.get("completion_tokens", 0)),
                      float(outputs.get("seconds", 0)))  # fmt: skip

    def verdict(self, verdict: str) -> None:
        """Takes a person's verdict that was saved."""
        self._verdicts.add(1, {"ragops.verdict": verdict})

    def _use(self, model: str, named: dict[str, str], read: int, written: int, seconds: float) -> None:
        for kind, count in (("input", read), ("output", written)):
            self._tokens.record(count, {**named, "gen_ai.token.type": kind})
        with suppress(UserError):  # the champion's model may have left usecase.yml
            reply = Reply("", model, "", read, written, seconds, "stop")
            self._cost.add(cost(self._models.named(model), reply), {"gen_ai.response.model": model})


def metrics_router(metrics: Metrics, identify: Identify) -> APIRouter:
    """GET /metrics, and the same below /api, where a Databricks App admits programs with a token.

    The access is that of the API. The figures name neither users nor questions, but they tell how much a system is
    used and what it costs, so they are not open like /health.

    Raises:
        Refused: (the route) 401, the platform names nobody.
    """
    router = APIRouter()

    @router.get("/metrics")
    @router.get("/api/metrics")
    def read(request: Request) -> Response:  # a thread's: it may read the volume
        identify(request.headers)
        body, content_type = metrics.telemetry.text(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    return router


def _outcome(run: Run, abstained: object) -> tuple[str, str]:
    """How an answer ended, and the code of its error; "" without one."""
    error = run.error
    if error is None:
        return ("abstained" if abstained else "answered"), ""
    if isinstance(error, Abandoned):
        return "abandoned", "abandoned"
    refused = isinstance(error, Refused) and error.status == 429
    return ("refused" if refused else "failed"), str(error_body(error)["error"]["code"])


def _gauges(watched: Watched) -> Iterator[tuple[str, str, str, Observe]]:
    def generation(options: CallbackOptions) -> Iterator[Observation]:
        with suppress(UserError):
            manifest = watched.manifest()
            yield Observation(manifest.number, {"ragops.index.generation": manifest.name})

    def age(options: CallbackOptions) -> Iterator[Observation]:
        with suppress(UserError):
            yield Observation(_passed(watched.manifest().built_at))

    def findings(options: CallbackOptions) -> Iterator[Observation]:
        with suppress(UserError):
            if status := watched.status():
                yield Observation(status.high, {"ragops.severity": "high"})
                yield Observation(status.low, {"ragops.severity": "low"})

    def monitored(options: CallbackOptions) -> Iterator[Observation]:
        with suppress(UserError):
            if status := watched.status():
                yield Observation(_passed(status.measured_at))

    def gpu_hours(options: CallbackOptions) -> Iterator[Observation]:
        with suppress(UserError):
            if (status := watched.status()) and status.gpu_hours is not None:
                yield Observation(status.gpu_hours)

    yield "ragops.answers.active", "{answer}", "Answers that are being written.", _one(watched.active)
    yield "ragops.queue.length", "{question}", "Questions that wait for their turn.", _one(watched.waiting)
    yield "ragops.index.number", "1", "Number of the index generation that answers.", generation
    yield "ragops.index.age", "s", "Time since that generation was built.", age
    yield "ragops.findings", "{finding}", "Open findings of the job monitor, by severity.", findings
    yield "ragops.embed.gpu", "h", "GPU hours of the task embed in the job monitor's recent window.", gpu_hours
    yield "ragops.monitor.age", "s", "Time since the job monitor looked.", monitored


def _one(count: Callable[[], int]) -> Observe:
    def observe(options: CallbackOptions) -> Iterator[Observation]:
        yield Observation(count())

    return observe


def _passed(since: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - since).total_seconds())
