"""Numbers and traces as OpenTelemetry's protocol writes them in JSON (OTLP 1.x over HTTP).

Whole numbers of 64 bits are text, ids are hexadecimal, enumerations are their numbers.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pipeline.telemetry.families import BY_NAME, Family, Shown
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.sketches import BOUNDS, Spread
from pipeline.times import SECOND

SERVICE = "moonlight"
CUMULATIVE, INTERNAL, FAILED = 2, 1, 2
"""AGGREGATION_TEMPORALITY_CUMULATIVE, SPAN_KIND_INTERNAL, STATUS_CODE_ERROR."""
UNITS = {"seconds": "s", "bytes": "By"}
NANOS = 1_000_000

Json = dict[str, Any]


class Span(NamedTuple):
    """A part of a trace; times are real, in ms UTC. `failed` says what went wrong, "" when nothing did."""

    trace: str
    span: str
    parent: str
    name: str
    begun: float
    ended: float
    attributes: Mapping[str, str]
    failed: str = ""


def resource(flow: str, mode: str, version: str) -> Json:
    """Who sends it."""
    return attributed(
        {
            "service.name": SERVICE,
            "service.version": version,
            "service.instance.id": flow,
            "moonlight.flow": flow,
            "moonlight.mode": mode,
        }
    )


def metrics(
    readings: Iterable[Reading], whose: Json, begun: int, now: int, shown: tuple[Shown, ...] = ("always",)
) -> Json:
    """All numbers of one moment; counters and histograms count since `begun` (ms UTC)."""
    since, at = _nanos(begun), _nanos(now)
    made: dict[str, Json] = {}
    for reading in readings:
        family = BY_NAME[reading.name]
        if family.shown in shown:
            metric = made.get(reading.name)
            if metric is None:
                metric = made[reading.name] = _metric(family)
            point = attributed(dict(zip(family.labels, reading.labels, strict=True))) | {"timeUnixNano": at}
            if family.kind != "gauge":
                point["startTimeUnixNano"] = since
            metric[KINDS[family.kind]]["dataPoints"].append(point | _value(reading.value))
    scope = {"scope": {"name": SERVICE}, "metrics": list(made.values())}
    return {"resourceMetrics": [{"resource": whose, "scopeMetrics": [scope]}]}


def traces(spans: Iterable[Span], whose: Json) -> Json:
    scope = {"scope": {"name": SERVICE}, "spans": [_span(each) for each in spans]}
    return {"resourceSpans": [{"resource": whose, "scopeSpans": [scope]}]}


def attributed(values: Mapping[str, str]) -> Json:
    return {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]}


KINDS = {"counter": "sum", "gauge": "gauge", "histogram": "histogram"}


def _metric(family: Family) -> Json:
    """A family without points. Its name has no `_total`: a collector adds that for Prometheus itself."""
    name = family.name.removesuffix("_total")
    shape: Json = {"dataPoints": []}
    if family.kind != "gauge":
        shape["aggregationTemporality"] = CUMULATIVE
    if family.kind == "counter":
        shape["isMonotonic"] = True
    unit = UNITS.get(name.rsplit("_", 1)[1], "1")
    return {"name": name, "description": family.help, "unit": unit, KINDS[family.kind]: shape}


def _value(value: float | Spread) -> Json:
    if not isinstance(value, Spread):
        return {"asDouble": float(value)}
    counts = tuple(value.by_bound)
    return {
        "count": str(sum(counts)),
        "sum": value.total / SECOND,
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": [bound / SECOND for bound in BOUNDS],
    }


def _span(span: Span) -> Json:
    made: Json = {
        "traceId": span.trace,
        "spanId": span.span,
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": _nanos(span.begun),
        "endTimeUnixNano": _nanos(max(span.begun, span.ended)),
        **attributed(span.attributes),
    }
    if span.parent:
        made["parentSpanId"] = span.parent
    if span.failed:
        made["status"] = {"code": FAILED, "message": span.failed}
    return made


def _nanos(millis: float) -> str:
    return str(round(millis * NANOS))
