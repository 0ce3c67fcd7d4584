"""Drives one part on an agenda of its own: what it takes in, moment by moment, and what it gives."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from reactivex import Observable

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.candles import from_columns
from pipeline.parts import part_of
from pipeline.steps import Tube
from pipeline.times import MINUTE
from pipeline.values import Bars, Columns
from tests.support import MONDAY

Given = list[tuple[int, Any]]


def driven(part: Any, entries: Iterable[tuple[int, Any]], until: int, host: object = None) -> Given:
    """What a part gives, and when, if these items come at these moments: each to the inlet that takes its type."""
    takes = part_of(part).takes
    tubes = {parameter: Tube[Any]() for parameter in takes}
    stream = part(*tubes.values()) if host is None else part(host, *tubes.values())

    def give(item: Any) -> None:
        for parameter, kinds in takes.items():
            if type(item) in kinds:
                tubes[parameter].give(item)

    return played(stream, give, entries, until)


def played(
    stream: Observable[Any], give: Callable[[Any], object], entries: Iterable[tuple[int, Any]], until: int
) -> Given:
    """What a stream gives while `give` is called with each item at its moment, before what is planned for it."""
    agenda, given = Agenda(0), Given()
    stream.subscribe(lambda item: given.append((agenda.now, item)), scheduler=AgendaScheduler(agenda))
    for at, item in sorted(entries, key=lambda entry: entry[0]):
        agenda.advance_before(at)
        give(item)
    agenda.advance_to(until)
    return given


def bars_of(
    closes: Iterable[float], *, product: str = "BTCUSD", tf: int = MINUTE, begin: int = MONDAY, fresh: int | None = None
) -> Bars:
    """Bars one after another, a little wider than their closes."""
    close = np.array(list(closes), np.float64)
    rows = len(close)
    open_ts = begin + tf * np.arange(rows, dtype=np.int64)
    opens = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(opens, close) * 1.0001, np.minimum(opens, close) * 0.9999
    made = from_columns(product, tf, open_ts, opens, high, low, close, np.full(rows, 10.0))
    return made if fresh is None else made.rows(0, rows, fresh)


def walk(seed: int, rows: int) -> list[float]:
    """Prices that wander."""
    steps = np.random.default_rng(seed).normal(0, 4e-4, rows)
    return [float(price) for price in 1.1 * np.exp(np.cumsum(steps))]


def columns_of(**values: Iterable[float]) -> Columns:
    """Columns of one price or feature each; `close` is 1 where it is not given."""
    made = {name: np.array(list(column), np.float64) for name, column in values.items()}
    rows = len(next(iter(made.values())))
    open_ts = MONDAY + MINUTE * np.arange(rows, dtype=np.int64)
    return Columns(
        product="EURUSD",
        tf=MINUTE,
        open_ts=open_ts,
        final_at=open_ts + MINUTE,
        ready=np.ones(rows, np.bool_),
        values={"close": np.ones(rows)} | made,
        fresh=rows,
    )
