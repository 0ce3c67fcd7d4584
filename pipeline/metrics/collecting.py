"""The numbers as Prometheus' own library writes them. Only this module needs it."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pipeline.metrics import names
from pipeline.metrics.hearing import Hearings
from pipeline.telemetry import families
from pipeline.telemetry.readings import Reading
from pipeline.telemetry.sketches import BOUNDS, Spread
from pipeline.times import SECOND

Made = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Readings = Callable[[], Iterable[Reading]]

LE = (*(str(bound / SECOND) for bound in BOUNDS), "+Inf")


class Collecting(Collector):
    """Reads what was heard of feeds whenever somebody asks; between two questions nothing is computed."""

    def __init__(self, heard: Hearings, now: Callable[[], int]) -> None:
        self._heard, self._now = heard, now

    def collect(self) -> Iterable[Metric]:
        made = dict(self._made())
        for node, sample in self._heard.samples(self._now()):
            made[sample.name].add_metric((node, *sample.labels), float(sample.value))
        yield from (family for family in made.values() if family.samples)

    def describe(self) -> Iterator[Metric]:
        """Asked when it is registered: the names do not depend on what was heard."""
        yield from dict(self._made()).values()

    def _made(self) -> Iterator[tuple[str, CounterMetricFamily | GaugeMetricFamily]]:
        for each in names.FAMILIES:
            make = CounterMetricFamily if each.kind == "counter" else GaugeMetricFamily
            yield each.name, make(each.name, each.help, labels=("node", *each.labels))


class Trading(Collector):
    """The flow's own numbers, read likewise."""

    def __init__(self, readings: Readings, *, keys: bool = False) -> None:
        self._readings = readings
        shown = ("always", "keys") if keys else ("always",)
        self._families = {each.name: each for each in families.FAMILIES if each.shown in shown}

    def collect(self) -> Iterable[Metric]:
        made = self._made()
        for reading in self._readings():
            family = made.get(reading.name)
            if family is not None:
                _add(family, reading)
        yield from (family for family in made.values() if family.samples)

    def describe(self) -> Iterator[Metric]:
        yield from self._made().values()

    def _made(self) -> Mapping[str, Made]:
        return {name: MAKE[each.kind](name, each.help, labels=each.labels) for name, each in self._families.items()}


MAKE: Mapping[families.Kind, Callable[..., Made]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


class Page:
    """What `/metrics` answers, from a registry that nobody else has: of feeds, and of the flow where it is read."""

    def __init__(
        self, heard: Hearings, now: Callable[[], int], readings: Readings | None = None, *, keys: bool = False
    ) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Collecting(heard, now))
        if readings is not None:
            self._registry.register(Trading(readings, keys=keys))

    def __call__(self, accept: str) -> tuple[bytes, str]:
        """The page and its kind, in the form that whoever asks can read."""
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind


def _add(family: Made, reading: Reading) -> None:
    value = reading.value
    if isinstance(value, Spread):
        assert isinstance(family, HistogramMetricFamily), "durations are a histogram"
        counts = value.buckets()
        family.add_metric(reading.labels, tuple(zip(LE, map(float, counts), strict=True)), value.total / SECOND)
    else:
        assert not isinstance(family, HistogramMetricFamily), "a number is no histogram"
        family.add_metric(reading.labels, float(value))
