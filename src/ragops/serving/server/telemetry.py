"""Where the server's metrics go: read at /metrics as Prometheus text, and sent by OTLP where a collector is configured.

OpenTelemetry's SDK feeds both from the same instruments. prometheus-client alone has no OTLP, which is the only way out
of a Databricks App without a scraper; it still writes the text here, below OpenTelemetry's reader.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ragops.errors import UserError

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_CLOSE_MS = 1_500  # an App is killed soon after SIGTERM; see `run.SHUTDOWN_S`


class Telemetry:
    """The metrics of one server. Thread-safe."""

    def __init__(self) -> None:
        """Starts sending, if the environment names a collector as OpenTelemetry specifies.

        Raises:
            UserError: it names a protocol that is not supported.
        """
        self._registry = CollectorRegistry()
        readers: list[MetricReader] = [PrometheusMetricReader(registry=self._registry, scope_info_enabled=False)]
        if any(os.environ.get(name) for name in _ENDPOINTS):
            readers.append(PeriodicExportingMetricReader(_exporter(), export_timeout_millis=_CLOSE_MS))
        name = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "ragops"}
        resource = Resource.create({**name, "service.version": _version()})
        self._provider = MeterProvider(readers, resource, shutdown_on_exit=False)

    @property
    def meter(self) -> Meter:
        """Makes instruments."""
        return self._provider.get_meter("ragops")

    def text(self, accept: str) -> tuple[bytes, str]:
        """Everything measured so far, and its content type: OpenMetrics if `accept` asks for it, else Prometheus."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def close(self) -> None:
        """Sends what was not sent yet, for a short time."""
        self._provider.shutdown(_CLOSE_MS)


def _exporter() -> MetricExporter:
    protocol = next(filter(None, map(os.environ.get, _PROTOCOLS)), "grpc")
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

        return OTLPMetricExporter()
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter

        return HttpExporter()
    raise UserError(f"{_PROTOCOLS[1]}={protocol}: not supported; use grpc or http/protobuf")


def _version() -> str:
    """The library's; an App runs it from its source, where it is not installed."""
    try:
        return version("ragops")
    except PackageNotFoundError:
        return "source"
