"""Metrics and log lines of the calls a service answers.

Metric names are those of the gRPC ecosystem, so that common dashboards fit. Every process has its own registry, handed
around explicitly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from services.errors import InvalidInput, VisrecError
from services.runtime import logs

BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

LEVELS = {
    grpc.StatusCode.UNAVAILABLE: logging.WARNING,
    grpc.StatusCode.DEADLINE_EXCEEDED: logging.WARNING,
    grpc.StatusCode.RESOURCE_EXHAUSTED: logging.WARNING,
    grpc.StatusCode.INTERNAL: logging.ERROR,
}
"""Every other status is the caller's affair and is logged at debug."""


class Telemetry:
    """One per process. A service adds metrics of its own to `registry`, with names that begin with `visrec_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("grpc_service", "grpc_method")
        self._handled = Counter(
            "grpc_server_handled_total", "Calls answered, by status.", (*labels, "grpc_code"), registry=self.registry
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds", "Time to answer.", labels, registry=self.registry, buckets=BUCKETS_S
        )
        self._in_flight = Gauge("grpc_server_in_flight", "Calls being answered.", labels, registry=self.registry)
        self._serving = Gauge("visrec_serving", "1 when the last canary succeeded.", registry=self.registry)
        self._calm = logs.Calm()

    def method(self, path: str) -> MethodTelemetry:
        """The metrics of a method, given as gRPC writes it: "/visrec.v1.IndexerService/Search"."""
        service, _, name = path.strip("/").partition("/")
        handled = partial(self._handled.labels, service, name)
        return MethodTelemetry(
            method=f"{service}/{name}",
            handled=handled,
            ok=handled("OK"),
            seconds=self._seconds.labels(service, name),
            in_flight=self._in_flight.labels(service, name),
            calm=self._calm,
            verbose=logging.getLogger(logs.NAME).isEnabledFor(logging.DEBUG),
        )

    def serving(self, yes: bool) -> None:
        """What health says."""
        self._serving.set(yes)

    def serve(self, host: str, port: int, setting: str) -> None:
        """Answers GET /metrics on a daemon thread. Port 0: no metrics. Raises InvalidInput, naming the `setting` of the
        port, when nobody can listen there."""
        if not port:
            return
        try:
            start_http_server(port, host, self.registry)
        except OSError as problem:
            message = f"no metrics on {host}:{port} ({problem.strerror}); is it in use?"
            raise InvalidInput(setting, message, reason="PORT_IN_USE") from problem


@dataclass(frozen=True)
class MethodTelemetry:
    """One method's metrics, looked up once: a good call costs four additions and no look-up of labels."""

    method: str
    handled: Callable[[str], Counter]
    ok: Counter
    seconds: Histogram
    in_flight: Gauge
    calm: logs.Calm
    verbose: bool

    def began(self) -> None:
        """A call came in. Every call that began ends with `succeeded` or `failed`."""
        self.in_flight.inc()

    def succeeded(self, seconds: float) -> None:
        """The call was answered with OK after `seconds`."""
        self.in_flight.dec()
        self.ok.inc()
        self.seconds.observe(seconds)
        if self.verbose:
            logs.logger().debug("call", method=self.method, code="OK", ms=_milliseconds(seconds))

    def failed(self, code: grpc.StatusCode, seconds: float, fault: VisrecError | None = None) -> None:
        """The call ended with `code`, because of `fault` where the service said so itself."""
        self.in_flight.dec()
        self.handled(code.name).inc()
        self.seconds.observe(seconds)
        level = LEVELS.get(code, logging.DEBUG)
        held_back = self.calm.admit((self.method, code)) if level == logging.WARNING else 0
        if held_back is None:
            return
        told: dict[str, object] = {"reason": fault.reason, "id": fault.metadata.get("id")} if fault else {}
        if code is grpc.StatusCode.INTERNAL and fault is not None and fault.__cause__ is not None:
            told |= {"exception": type(fault.__cause__).__qualname__, "where": logs.where(fault.__cause__)}
        if held_back:
            told["held_back"] = held_back
        logs.logger().log(level, "call", method=self.method, code=code.name, ms=_milliseconds(seconds), **told)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1e3, 3)
