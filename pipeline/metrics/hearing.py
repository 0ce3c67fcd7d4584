"""The latest that each node said of itself, and what only hearing all of it tells: errors, waits, changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipeline.evidence import Trouble
from pipeline.metrics.samples import Sample, of_diagnosis, of_report, waits_of
from pipeline.service import Diagnosis, FeedReport


@dataclass
class Hearing:
    """What was heard of one node."""

    latest: Diagnosis | FeedReport | None = None
    troubles: Counter[str] = field(default_factory=Counter[str])
    waits: int = 0
    changes: int = 0
    """Of what is published."""

    def take(self, told: Diagnosis | FeedReport | Trouble) -> None:
        if isinstance(told, Trouble):
            self.troubles[told.kind] += 1
            return
        before, self.latest = self.latest, told
        until = waits_of(told)[1]
        # A report while the same wait goes on tells of it again; one that ends later is another.
        if until > max(told.at, 0 if before is None else waits_of(before)[1]):
            self.waits += 1
        if isinstance(told, Diagnosis):
            universe = before.universe if isinstance(before, Diagnosis) else ()
            self.changes += told.universe != universe

    def samples(self, now: int) -> Iterator[Sample]:
        told = self.latest
        errors = dict(self.troubles)
        match told:
            case Diagnosis():
                yield from of_diagnosis(told, now)
                yield Sample("fxcm_universe_changes_total", (), self.changes)
                errors |= told.errors
            case FeedReport():
                yield from of_report(told, now)
                errors |= {"history": told.history_failures, "tick": told.tick_errors}
            case None:
                pass
        if told is not None:
            yield Sample("fxcm_backoff_events_total", (waits_of(told)[0],), self.waits)
        for kind, count in sorted(errors.items()):
            yield Sample("fxcm_connector_errors_total", (kind,), count)


class Hearings:
    """All nodes that said something."""

    def __init__(self) -> None:
        self._nodes: dict[str, Hearing] = {}

    def take(self, told: Diagnosis | FeedReport | Trouble) -> None:
        self._nodes.setdefault(told.whose, Hearing()).take(told)

    def samples(self, now: int) -> Iterator[tuple[str, Sample]]:
        """Each sample with its node."""
        for node, heard in tuple(self._nodes.items()):  # more may be heard meanwhile: this is asked in another thread
            for sample in heard.samples(now):
                yield node, sample
