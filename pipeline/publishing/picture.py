"""What stands in a status, as it follows from facts of one moment: each word by a rule that can be read here."""

from dataclasses import dataclass
from typing import NamedTuple

from pipeline.publishing.states import NOT_REACHED, Turn
from pipeline.publishing.thresholds import Thresholds
from pipeline.publishing.trading import Doing, Hours
from pipeline.service import BarState, FeedReport, MarketState, PriceState, ProcessState
from pipeline.times import SECOND

ONLY_LIVE = "only_live_bars_no_complete"
"""What is said when bars form and none becomes final: a word that listeners know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known at a moment. Spans are ms."""

    at: int
    turn: Turn
    hours: Hours
    market: MarketState
    ticks_alive: bool
    silence: int | None
    """Of the product that spoke last; None before the first price."""
    bars_silence: int | None
    """Since the last new bar came."""
    shortest: int
    """The shortest timeframe."""
    quiet: tuple[str, ...]
    lag: int
    """By how much the bar that should have come first is late."""
    report: FeedReport | None
    """Of the source that fares worst."""
    failed: str
    """What failed, while it does."""
    fresh: int
    live: int
    """Bars published in this life: new final ones, and those that form."""


class Note(NamedTuple):
    """A sentence for a person, and what it is about: without the numbers in it, so that they alone change nothing."""

    text: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How publishing fares at a moment, in the words of the wire."""

    facts: Facts
    doing: Doing
    process: ProcessState
    price: PriceState
    ohlcv: BarState
    note: Note

    @property
    def at(self) -> int:
        return self.facts.at

    @property
    def market(self) -> MarketState:
        return self.facts.market

    @property
    def welcome(self) -> bool:
        """Whether who listens takes final bars now: they drop them in closed market, and while prices are not well."""
        return self.market == "unknown" or (self.market == "open" and self.price == "ok")

    @property
    def next_open(self) -> int:
        """0: the market is open, or never opens."""
        return 0 if self.market == "open" else self.facts.hours.next_open or 0

    @property
    def tick_silence_seconds(self) -> float | None:
        return None if self.facts.silence is None else self.facts.silence / SECOND


def pictured(facts: Facts, limits: Thresholds) -> Picture:
    return Picture(
        facts=facts,
        doing="open" if facts.market == "open" else facts.hours.doing(limits.preopen),
        process=_process(facts, limits),
        price=_price(facts, limits),
        ohlcv="down" if facts.lag >= limits.bars_down else "delayed" if facts.lag >= limits.bars_delayed else "ok",
        note=_note(facts, limits),
    )


def backoff_left(report: FeedReport | None, at: int) -> float:
    """For how many seconds a source waits before it tries again."""
    if report is None or report.backoff_seconds <= 0:
        return 0.0
    return max(0, report.backoff_until - at) / SECOND


def source_name(whose: str) -> str:
    """`FXCM` of the node `sources.fxcm`."""
    return whose.rpartition(".")[2].upper()


def _process(facts: Facts, limits: Thresholds) -> ProcessState:
    report = facts.report
    if report is not None and report.session == "off" and facts.turn.state == "DISCONNECTED":
        return "error"
    if facts.market == "closed" or facts.turn.state == "IDLE":
        return "idle"
    if facts.turn.state == "DISCONNECTED":
        if backoff_left(report, facts.at):
            return "sleep"
        return "error" if facts.failed else "idle"
    silent = facts.silence is not None and facts.silence >= limits.idle_after
    return "idle" if silent or facts.turn.state == "RECOVERING" else "stream"


def _price(facts: Facts, limits: Thresholds) -> PriceState:
    """By the product that spoke last; where there are bars and no prices, by the last new bar.

    While nobody speaks in a quiet market, a new bar of the venue's own is word of a price too, until prices are lost:
    else whoever listens would drop that bar.
    """
    if facts.silence is None:
        known = facts.bars_silence is not None and facts.bars_silence < facts.shortest + limits.quotes_lost
        return "ok" if known else "down"
    if facts.silence >= limits.quotes_lost:
        return "down"
    told = facts.bars_silence is not None and facts.bars_silence < limits.tick_stale
    return "ok" if told or facts.silence < limits.tick_stale else "stale"


def _note(facts: Facts, limits: Thresholds) -> Note:
    report, silence = facts.report, facts.silence or 0
    left = backoff_left(report, facts.at)
    if report is not None and report.session == "off":
        return Note(f"{source_name(report.whose)} off: {report.last_error or 'it needs a person'}", "off")
    if facts.market == "closed":
        return Note(facts.hours.note, facts.hours.reason or "closed")
    unready = report is not None and not report.history_ready and report.session not in NOT_REACHED
    if report is not None and left and not unready:
        return Note(f"backoff {source_name(report.whose)} {left:.0f}s", "backoff")
    if facts.turn.state == "DISCONNECTED":
        return Note(facts.failed or facts.turn.reason, "disconnected")
    if silence >= min(limits.idle_after, limits.tick_stale):
        return Note(f"no ticks {silence // SECOND}s", "no ticks")
    if facts.turn.state == "RECOVERING":
        return Note(facts.turn.reason, "recovering")
    if facts.lag >= limits.bars_delayed:
        if facts.live and not facts.fresh:
            return Note(ONLY_LIVE, ONLY_LIVE)
        return Note(f"lag {facts.lag // SECOND}s", "lag")
    if unready:
        return Note("history not ready", "history")
    return Note("ok" if facts.fresh or facts.live else "no bar yet", "ok" if facts.fresh or facts.live else "no bar")
