"""What the server measures about itself, as Prometheus reads it and as a collector gets it."""

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from fastapi.testclient import TestClient
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as wire
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as service
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse

from ragops.answers.chain.types import Query
from ragops.errors import UserError
from ragops.serving.server.answers import Abandoned, Run
from ragops.serving.server.app import create_app
from ragops.serving.server.guard import Rules
from ragops.serving.server.identity import AppIdentity
from ragops.serving.server.status_files import Status, write_status
from ragops.serving.server.telemetry import Telemetry
from ragops.serving.server.types import Answered, Refused
from tests.support.served import Shelved, parts

ASK = {"input": "When does the ferry leave?"}
Sample = tuple[str, dict[str, str]]


def metrics(client: TestClient) -> dict[Sample, float]:
    """Each sample's value by its name and labels."""
    response = client.get("/metrics")
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/plain")
    samples = [one for family in parse(response.text) for one in family.samples]
    return {(one.name, frozenset(one.labels.items())): one.value for one in samples}  # type: ignore[misc]


def value(found: dict[Any, float], name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    return sum(n for (one, known), n in found.items() if one == name and labels.items() <= dict(known).items())


@contextmanager
def running(folder: Path, *given: Any, **more: Any) -> Iterator[TestClient]:
    with TestClient(create_app(parts(folder, *given, **more))) as client:
        yield client


def test_an_answer_is_counted_with_its_times_tokens_and_cost(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        assert client.post("/responses", json=ASK).status_code == 200
        found = metrics(client)
    assert value(found, "gen_ai_server_request_duration_seconds_count", ragops_outcome="answered") == 1
    assert value(found, "gen_ai_server_time_to_first_token_seconds_count") == 1
    assert value(found, "ragops_queue_duration_seconds_count") == 1
    for kind in ("input", "output"):
        assert value(found, "gen_ai_client_token_usage_sum", gen_ai_token_type=kind) > 0
    route = {"http_route": "/responses", "http_response_status_code": "200", "http_request_method": "POST"}
    assert value(found, "http_server_request_duration_seconds_count", **route) == 1
    assert value(found, "ragops_answers_active") == value(found, "ragops_queue_length") == 0
    assert value(found, "ragops_traces_missing_total") == value(found, "ragops_answers_unrecorded_total") == 0


def test_the_index_is_named_with_its_age(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        found = metrics(client)
    assert value(found, "ragops_index_number", ragops_index_generation="g-000001") == 1
    assert 5 * 3600 <= value(found, "ragops_index_age_seconds") < 6 * 3600


def test_without_an_index_and_a_chain_the_rest_is_there(tmp_path: Path) -> None:
    with running(tmp_path, Shelved(error=UserError("no index at /x; run the refresh job first"))) as client:
        assert client.post("/responses", json=ASK).status_code == 503
        found = metrics(client)
    assert value(found, "gen_ai_server_request_duration_seconds_count", ragops_outcome="failed") == 1
    assert value(found, "gen_ai_server_request_duration_seconds_count", error_type="not_ready") == 1
    assert not any(name.startswith("ragops_index") for name, _ in found)


def test_abstentions_and_verdicts_are_counted(tmp_path: Path) -> None:
    with running(tmp_path, Shelved([])) as client:
        answer = client.post("/responses", json=ASK).json()
        verdict = {"verdict_id": "00000000-0000-4000-8000-000000000000", "answer_id": answer["id"], "verdict": "down"}
        assert client.post("/feedback", json=verdict).status_code == 200
        found = metrics(client)
    assert value(found, "gen_ai_server_request_duration_seconds_count", ragops_outcome="abstained") == 1
    assert value(found, "ragops_abstentions_total", ragops_reason="no evidence") == 1
    assert value(found, "ragops_feedback_total", ragops_verdict="down") == 1


def test_what_the_job_monitor_found_is_there_too(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    status = Status(
        state="bad", verdict="2 findings", sentence="", measured_at=now, stale_after=now + timedelta(hours=1), high=1,
        low=3, gpu_hours=2.5,
    )  # fmt: skip
    with running(tmp_path) as client:
        assert not any(name.startswith("ragops_findings") for name, _ in metrics(client))
        write_status(tmp_path / "indexes", status, "")
        found = metrics(client)
    assert value(found, "ragops_findings", ragops_severity="high") == 1
    assert value(found, "ragops_findings", ragops_severity="low") == 3
    assert value(found, "ragops_monitor_age_seconds") < 600
    assert value(found, "ragops_embed_gpu_hours") == 2.5


def test_unknown_paths_share_one_label(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        for path in ("/nowhere", "/elsewhere", "/passages/c1", "/passages/c2"):
            client.get(path)
        found = metrics(client)
    routes = {dict(known).get("http_route") for (name, known) in found if name.startswith("http_server")}
    assert routes == {"", "/passages/{chunk_id}"}


def test_no_label_names_a_user_or_a_question(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        client.post("/responses", json=ASK)
        text = client.get("/metrics").text
    assert "jane" not in text and "ferry" not in text


def test_openmetrics_is_written_for_those_who_ask_for_it(tmp_path: Path) -> None:
    with running(tmp_path) as client:
        client.post("/responses", json=ASK)
        response = client.get("/api/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert {one.name for one in parse_openmetrics(response.text)} >= {"gen_ai_server_request_duration_seconds"}


def test_the_access_is_that_of_the_api(tmp_path: Path) -> None:
    with running(tmp_path, rules=Rules("right", local=False)) as guarded:
        assert guarded.get("/metrics").status_code == guarded.get("/api/metrics").status_code == 401
        assert guarded.get("/metrics", headers={"Authorization": "Bearer right"}).status_code == 200
    with running(tmp_path, rules=Rules()) as local:
        assert local.get("/metrics", headers={"Host": "192.168.0.1:8400"}).status_code == 403
        assert local.get("/metrics", headers={"Host": "127.0.0.1:8400"}).status_code == 200
    with running(tmp_path, identify=AppIdentity(lambda token: ())) as app:
        assert app.get("/metrics").status_code == 401
        assert app.get("/metrics", headers={"X-Forwarded-User": "scraper"}).status_code == 200


class Collector(service.MetricsServiceServicer):
    """A collector of OpenTelemetry."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.resources: dict[str, str] = {}

    def Export(self, request: wire.ExportMetricsServiceRequest, context: object) -> wire.ExportMetricsServiceResponse:
        for resource in request.resource_metrics:
            self.resources |= {one.key: one.value.string_value for one in resource.resource.attributes}
            self.names |= {metric.name for scope in resource.scope_metrics for metric in scope.metrics}
        return wire.ExportMetricsServiceResponse()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found, server = Collector(), grpc.server(futures.ThreadPoolExecutor(2))
    service.add_MetricsServiceServicer_to_server(found, server)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield found
    server.stop(None)


def test_a_collector_gets_everything_at_the_latest_when_the_server_ends(tmp_path: Path, collector: Collector) -> None:
    with running(tmp_path) as client:
        client.post("/responses", json=ASK)
        assert value(metrics(client), "gen_ai_server_request_duration_seconds_count") == 1
    assert {"gen_ai.server.request.duration", "gen_ai.client.token.usage", "ragops.queue.length"} <= collector.names
    assert collector.resources["service.name"] == "ragops"


def test_the_services_name_is_the_environments(monkeypatch: pytest.MonkeyPatch, collector: Collector) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "handbook")
    telemetry = Telemetry()
    telemetry.meter.create_counter("one").add(1)
    telemetry.close()
    assert collector.resources["service.name"] == "handbook"


def test_an_unknown_protocol_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    with pytest.raises(UserError, match="OTEL_EXPORTER_OTLP_PROTOCOL=http/json: not supported; use grpc"):
        Telemetry()


def test_http_is_possible_too_and_a_collector_that_is_down_delays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    telemetry = Telemetry()
    telemetry.meter.create_counter("one").add(1)
    assert b"one_total 1.0" in telemetry.text("")[0]
    telemetry.close()


def test_fallbacks_and_refusals_are_counted(tmp_path: Path) -> None:
    made = parts(tmp_path)
    fell_back, refused, abandoned = (Run(Query("When?")) for _ in range(3))
    fell_back.end(Answered("x", (), {"model": "quotes", "failed": {"big": "down"}, "abstained": None}))
    refused.end(Refused(429, "too_many_requests", "server: full", 3))
    abandoned.end(Abandoned())
    for run in (fell_back, refused, abandoned):
        made.metrics.answer(run)
    text = made.metrics.telemetry.text("")[0].decode()
    made.close()
    assert 'ragops_fallbacks_total{gen_ai_request_model="big"} 1.0' in text
    for outcome, code in (("refused", "too_many_requests"), ("abandoned", "abandoned")):
        assert f'error_type="{code}"' in text and f'ragops_outcome="{outcome}"' in text


def test_an_answer_costs_what_its_model_does(tmp_path: Path) -> None:
    made = parts(tmp_path)
    model = made.use_case.models.known[0].model_copy(update={"price_per_million_output": 1e6, "name": "big"})
    models = made.use_case.models.model_copy(update={"known": (model,)})
    run = Run(Query("When?"))
    run.end(Answered("x", (), {"model": "big", "prompt_tokens": 3, "completion_tokens": 20, "seconds": 0.0}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made.metrics, "_models", models)
        made.metrics.answer(run)
    assert 'ragops_cost_total{gen_ai_response_model="big"} 20.0' in made.metrics.telemetry.text("")[0].decode()
    made.close()


@pytest.mark.parametrize("model", ["gone from usecase.yml", 'quo"tes\n'])
def test_a_model_that_is_not_in_the_use_case_has_no_cost(model: str, tmp_path: Path) -> None:
    made = parts(tmp_path)
    run = Run(Query("When?"))
    run.end(Answered("x", (), {"model": model, "prompt_tokens": 3, "completion_tokens": 1, "seconds": 1.0}))
    made.metrics.answer(run)
    text = made.metrics.telemetry.text("")[0].decode()
    made.close()
    assert "ragops_cost" not in text
    assert model in {one.labels.get("gen_ai_response_model") for family in parse(text) for one in family.samples}
