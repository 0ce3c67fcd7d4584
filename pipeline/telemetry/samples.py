"""The same numbers as messages: whose (`scope`), which (`key`), when, how much."""

import math
from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from pipeline.telemetry.families import BY_NAME, Family
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.sketches import Spread

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Sample(Struct, frozen=True):
    """One number as it is told to whoever listens. Times are ms UTC on the flow's clock, durations milliseconds."""

    ts_ms: int
    """Since when it is known to have this value."""
    scope: str
    """`global`, `acc:…`, `prod:…`, `tf:…`, `key:account/product/timeframe`, `node:…`, `edge:source>target.input` or
    `queue:…`."""
    key: str
    value: float
    topic: Literal["metrics"] = "metrics"


class Channel:
    """Numbers as they are told, each with the moment at which it was first seen to be what it is."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Sample] = {}
        self._names: dict[tuple[str, tuple[str, ...]], tuple[str, str]] = {}
        self._at = 0

    def samples(self, readings: Iterable[Reading], now: int, since: int = 0) -> list[Sample]:
        """Those that are others than they were at `since`; 0: all. No two times of asking have one moment."""
        self._at = max(now, self._at + 1)
        told: list[Sample] = []
        for scope, key, value in self._values(readings):
            known = self._known.get((scope, key))
            if known is None or known.value != value:
                known = self._known[scope, key] = Sample(self._at, scope, key, value)
            if known.ts_ms > since:
                told.append(known)
        return told

    def _values(self, readings: Iterable[Reading]) -> Iterator[tuple[str, str, float]]:
        """Scope, key and value of each number; what is no number is left out."""
        for name, labels, value in readings:
            names = self._names.get((name, labels))
            if names is None:
                names = self._names[name, labels] = _names(BY_NAME[name], labels)
            scope, key = names
            if isinstance(value, Spread):
                for quantile, millis in zip(QUANTILES, value.quantiles(*QUANTILES.values()), strict=False):
                    yield scope, f"{key}_{quantile}_ms", round(millis, 3)
                yield scope, f"{key}_n", value.recent
            elif math.isfinite(value):
                yield scope, key, value * 1000 if key.endswith("_ms") else float(value)


def _names(family: Family, values: tuple[str, ...]) -> tuple[str, str]:
    """Whose a number is, and which."""
    labels = dict(zip(family.labels, values, strict=True))
    return _scope(family, labels), family.key.format(**labels).lower().replace(" ", "_")


def _scope(family: Family, labels: dict[str, str]) -> str:
    """What is of no account in particular is of all."""
    return "global" if labels.get("account") == "" else family.scope.format(**labels)
