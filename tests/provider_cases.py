"""Every registered strategy as a flow would declare it, and columns of a market for them."""

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import chain

import numpy as np

import operators
import sources
from pipeline.candles import from_columns
from pipeline.checking import load_text
from pipeline.parts import Provider, registered
from pipeline.plan import Plan
from pipeline.times import MINUTE
from pipeline.tipping import hears
from pipeline.values import Bars, Columns, Floats
from tests.driven import columns_of
from tests.support import ROOT

REGISTERED = (operators, sources)
MIDNIGHT = 1_767_571_200_000
"""2026-01-05, a Monday, at 00:00 UTC."""
MIDDLE = 1024.0
"""The price that markets wander about."""
ROWS = 8 * 24 * 60

FLOW = """
[sources.market]
use = "synthetic"
products = ["BTCUSD"]
start = "2026-01-05T10:00:00Z"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

{providers}
[ensembles.main]
use = "weighted"
from = [{names}]
"""


def plan_with(uses: Mapping[str, str | int], keys: str = "") -> Plan:
    """A flow with these strategies, of whose tables there is nothing but `use`, or besides it these keys."""
    tables = "".join(f"[providers.{name}]\nuse = {use!r}\n{keys}\n\n" for name, use in uses.items())
    names = ", ".join(f'"providers.{name}"' for name in uses)
    return load_text(FLOW.format(providers=tables, names=names), "flows.toml", ROOT)


PARTS = tuple(
    sorted(
        name
        for name, part in registered("provider").items()
        if part.cls.__module__.startswith("operators.") and not hears(part.cls)
    )
)
"""Ours, and of these the ones that see columns alone; who hears tips besides is tried with the tips."""
NUMBERS = tuple(sorted(number for name in PARTS for number in registered("provider")[name].catalogue))
USES: Mapping[str, str | int] = {name: name for name in PARTS} | {f"no_{number}": number for number in NUMBERS}


@cache
def whole() -> Plan:
    """A flow with every part, and with every number."""
    return plan_with(USES)


def instances() -> Mapping[str, Provider]:
    """The strategies of that flow, whose keys hold the names of its columns."""
    return {node.id.removeprefix("providers."): node.instance for node in whole().of("provider")}


def market(seed: int, rows: int = ROWS) -> Bars:
    """Bars of minutes that wander by little, on calm and on lively days, on a grid that mirrors exactly."""
    random = np.random.default_rng(seed)
    minute = np.arange(rows)
    lively = np.exp(0.6 * np.sin(minute / 300) + 0.3 * random.normal(0, 1, rows)) * (1 + 2 * (minute // 1440 % 2))
    steps = np.cumsum(random.normal(0, 0.005, (rows, 5)) * lively[:, None], axis=1)
    close = np.cumsum(steps[:, -1])
    opened = np.concatenate(([0.0], close[:-1]))
    path = opened[:, None] + steps
    # Every bar has wicks, however short: no close is an extreme of its bar.
    wicks = random.uniform(0.0005, 0.004, (2, rows)) * (1 + 15 * (random.uniform(size=(2, rows)) < 0.01))
    high, low = np.maximum(opened, path.max(axis=1)) + wicks[0], np.minimum(opened, path.min(axis=1)) - wicks[1]
    opened, high, low, close = (MIDDLE + np.round(each * 2**20) / 2**20 for each in (opened, high, low, close))
    volume = np.round(random.uniform(1, 100, rows) * lively)
    return from_columns(
        "BTCUSD", MINUTE, MIDNIGHT + MINUTE * np.arange(rows, dtype=np.int64), opened, high, low, close, volume
    )


def mirrored(bars: Bars) -> Bars:
    """The same market with up for down."""
    opened, high, low, close = (2 * MIDDLE - each for each in (bars.open, bars.low, bars.high, bars.close))
    return from_columns(bars.product, bars.tf, bars.open_ts, opened, high, low, close, bars.volume)


@cache
def seen() -> Columns:
    """What the strategies see of a market."""
    return frozen(whole().anchoring.columns(market(5)))


@cache
def seen_mirrored() -> Columns:
    return frozen(whole().anchoring.columns(mirrored(market(5))))


def frozen(columns: Columns) -> Columns:
    """The same columns; whoever writes to one fails."""
    for column in columns.values.values():
        column.flags.writeable = False
    return columns


def part_of_rows(columns: Columns, begin: int, end: int) -> Columns:
    cut = slice(begin, end)
    values = {name: column[cut] for name, column in columns.values.items()}
    stamps = columns.open_ts[cut], columns.final_at[cut]
    return Columns(columns.product, columns.tf, *stamps, columns.ready[cut], values, min(columns.fresh, end - begin))


def said(scores: Iterable[float]) -> list[float | None]:
    """Scores with None for nothing to say."""
    return [None if np.isnan(score) else round(float(score), 6) for score in scores]


def says(provider: Provider, expected: list[float | None], **columns: Iterable[float]) -> None:
    """Claim what a strategy says of columns, the mirror of that of the mirrored ones, and the same at another price.

    Where it is not said, the average true range is 1. Prices are mirrored about 0, which is a price like any other.
    """
    given = {name: list(column) for name, column in columns.items()}
    given.setdefault("atr", [1.0] * len(expected))
    assert said(provider(columns_of(**given))) == expected
    there = {OPPOSITE.get(name, name): [_mirrored(name, value) for value in column] for name, column in given.items()}
    assert said(provider(columns_of(**there))) == [None if score is None else -score for score in expected]
    given.setdefault("close", [1.0] * len(expected))
    higher = {name: [value + 4 * (name in PRICED) for value in column] for name, column in given.items()}
    assert said(provider(columns_of(**higher))) == expected


PAIRS = (
    ("high", "low"),
    ("upper", "lower"),
    ("channel_upper", "channel_lower"),
    ("plus", "minus"),
    ("up", "down"),
    ("resistance", "support"),
)
LINES = ("fast", "medium", "slow", "average", "stop", "line", "vwap", "span_a", "span_b", "longer", "base")
PRICED = {"open", "close", "o", "c", *LINES, *chain(*PAIRS[:3], PAIRS[-1])}
OPPOSITE = {name: other for pair in PAIRS for name, other in (pair, pair[::-1])}
NEITHER_WAY = {"atr", "tr", "adx", "rvol", "percentile", "natr", "volume", "plus", "minus", "up", "down"}
MIDDLES = {"rsi": 50.0, "k": 50.0, "d": 50.0, "mfi": 50.0, "willr": -50.0}


def _mirrored(name: str, value: float) -> float:
    return value if name in NEITHER_WAY else 2 * MIDDLES.get(name, 0.0) - value


def candles(*bars: tuple[float, float, float, float]) -> dict[str, list[float]]:
    """Bars by their open, high, low and close."""
    return {name: [bar[place] for bar in bars] for place, name in enumerate(("open", "high", "low", "close"))}


def spoken(column: Floats) -> Floats:
    return column[np.isfinite(column)]
