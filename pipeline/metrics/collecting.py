"""The numbers as Prometheus' own library writes them. Only this module needs it."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pipeline.metrics.hearing import Hearings
from pipeline.metrics.names import FAMILIES


class Collecting(Collector):
    """Reads what was heard whenever somebody asks; between two questions nothing is computed."""

    def __init__(self, heard: Hearings, now: Callable[[], int]) -> None:
        self._heard, self._now = heard, now

    def collect(self) -> Iterable[Metric]:
        made = {each.name: _family(each.name, each.kind, each.help, ("node", *each.labels)) for each in FAMILIES}
        for node, sample in self._heard.samples(self._now()):
            made[sample.name].add_metric((node, *sample.labels), float(sample.value))
        yield from (family for family in made.values() if family.samples)

    def describe(self) -> Iterator[Metric]:
        """Asked when it is registered: the names do not depend on what was heard."""
        for each in FAMILIES:
            yield _family(each.name, each.kind, each.help, ("node", *each.labels))


class Page:
    """What `/metrics` answers, from a registry that nobody else has."""

    def __init__(self, heard: Hearings, now: Callable[[], int]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Collecting(heard, now))

    def __call__(self, accept: str) -> tuple[bytes, str]:
        """The page and its kind, in the form that whoever asks can read."""
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind


def _family(name: str, kind: str, text: str, labels: tuple[str, ...]) -> CounterMetricFamily | GaugeMetricFamily:
    make = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
    return make(name, text, labels=labels)
