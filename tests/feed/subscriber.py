"""Somebody who hears all that is published, with when it came, and judges form, order, cadence and what it adds up to.

It knows the contract and nothing of the publisher. Time on the publisher's clock is learnt from its own messages: they
say when they were made, so a clock that goes sixty times as fast is no matter. A publisher that was started again is
another life, whose clock may begin elsewhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple, cast

from tests.feed.consumer import Consumer
from tests.feed.form import LENGTHS, NotJson, faults, parsed

Span = tuple[float, float]


class Heard(NamedTuple):
    channel: str
    """Without its prefix: `ohlcv`."""
    raw: bytes
    at: float
    """When it came, in seconds on this side's own clock."""
    life: int = 0
    """Of which of the publisher's lives it is."""


class Final(NamedTuple):
    """A final bar as it came, `at` seconds on the publisher's clock."""

    symbol: str
    tf: str
    opens: int
    at: float
    life: int
    message: int
    """The how manieth message brought it."""

    @property
    def lag(self) -> float:
        return self.at - (self.opens + LENGTHS[self.tf]) / 1000


@dataclass(frozen=True)
class Terms:
    """What is expected. Times are seconds on the publisher's clock."""

    speed: float = 1.0
    secret: str = ""
    snapshot: float = 3.0
    heartbeat: float = 5.0
    status: float = 30.0
    lost: float = 60.0
    """A tick older than this is not repeated."""
    slack: float = 1.0
    """How much later than its cadence something may come."""
    troubles: tuple[Span, ...] = ()
    """When nothing could come: Redis was away, or nobody published."""
    again: bool = False
    """Whether finals may come once more: somebody asked for the past."""


@dataclass
class Verdict:
    findings: list[str] = field(default_factory=list[str])
    finals: list[Final] = field(default_factory=list[Final])
    live: int = 0
    ticks: list[Span] = field(default_factory=list[Span])
    """When each snapshot was taken by its own stamp, and when it came by this side's clock."""
    consumer: Consumer = field(default_factory=Consumer)
    counts: dict[str, int] = field(default_factory=dict[str, int])
    states: list[str] = field(default_factory=list[str])
    """What heartbeats said of the publisher's state, in order, each once while it lasts."""
    wires: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """What statuses said of market, price and bars likewise."""
    last_heartbeat: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def find(self, *sentences: str) -> None:
        self.findings += sentences


def judged(heard: Sequence[Heard], terms: Terms | None = None) -> Verdict:
    """What there is to say of all that was heard, in the order in which it came."""
    terms = terms or Terms()
    verdict = Verdict(consumer=Consumer(terms.secret))
    messages = list(_formed(heard, terms, verdict))
    clock = _Clock(messages, terms.speed)
    _bars(messages, clock, terms, verdict)
    _gated(messages, verdict)
    _cadences(messages, clock, terms, verdict)
    _standing(messages, verdict)
    return verdict


class _Message(NamedTuple):
    heard: Heard
    body: Mapping[str, Any]


def _formed(heard: Iterable[Heard], terms: Terms, verdict: Verdict) -> Iterable[_Message]:
    for each in heard:
        verdict.counts[each.channel] = verdict.counts.get(each.channel, 0) + 1
        try:
            body = parsed(each.raw)
        except NotJson as error:
            verdict.find(f"{each.channel}: {error}")
            continue
        wrong = faults(each.channel, body, terms.secret)
        verdict.find(*(f"{each.channel}: {sentence}: {each.raw[:300]!r}" for sentence in wrong))
        if not wrong:
            yield _Message(each, body)


class _Clock:
    """When something came, on the clock of who published it.

    What says when it was made was made before it came; whichever came with the least delay tells how the clocks stand.
    """

    def __init__(self, messages: Iterable[_Message], speed: float) -> None:
        self._speed = speed
        self._ahead: dict[int, float] = {}
        for message in messages:
            if (made := stamped(message)) is not None:
                ahead, life = made - message.heard.at * speed, message.heard.life
                self._ahead[life] = max(ahead, self._ahead.get(life, ahead))

    def __call__(self, heard: Heard) -> float | None:
        """None: nothing in that life said when it was made."""
        ahead = self._ahead.get(heard.life)
        return None if ahead is None else ahead + heard.at * self._speed


def parsed_time(heard: Heard) -> float | None:
    """When something was made, by itself, in seconds."""
    return stamped(_Message(heard, parsed(heard.raw)))


def stamped(message: _Message) -> float | None:
    match message.heard.channel:
        case "price_tik":
            return float(message.body["snap_ts"])
        case "status":
            return float(message.body["ts"])
        case "heartbeat" | "market_status":
            return datetime.fromisoformat(message.body["ts"]).timestamp()
        case _:
            return None


# --- bars ------------------------------------------------------------------------------------------------------------


def _bars(messages: Iterable[_Message], clock: _Clock, terms: Terms, verdict: Verdict) -> None:
    out = defaultdict[tuple[str, str], set[int]](set)
    first: dict[tuple[int, str, str], int] = {}
    forming: dict[tuple[str, str], int] = {}
    counted = defaultdict[tuple[str, str, int], int](int)
    for number, (heard, body) in enumerate(messages):
        if heard.channel != "ohlcv":
            continue
        pair = body["symbol"], body["tf"]
        at = clock(heard)
        for bar in cast("list[dict[str, Any]]", body["bars"]):
            opens: int = bar["open_time"]
            name = f"{pair[0]} {pair[1]} {opens}"
            if at is None:
                verdict.find(f"{name}: came before anything that says when")
            elif bar["complete"]:
                final = Final(*pair, opens, at, heard.life, number)
                begun = first.setdefault((heard.life, *pair), opens)
                verdict.find(*_final(name, final, out[pair], begun, terms))
                out[pair].add(opens)
                verdict.finals.append(final)
            else:
                verdict.live += 1
                counted[*pair, opens] += 1
                verdict.find(*_live(name, opens, at, out[pair], forming.get(pair)))
                if at > (ends := opens / 1000 + 2 * LENGTHS[pair[1]] / 1000) and not _excused(ends, at, terms):
                    verdict.find(f"{name}: live long after it ended")
                forming[pair] = opens
    for (symbol, tf, opens), count in counted.items():
        if count > LENGTHS[tf] / 250 + 4:
            verdict.find(f"{symbol} {tf} {opens}: {count} live bars")


def _final(name: str, final: Final, out: set[int], begun: int, terms: Terms) -> Iterable[str]:
    """Older bars than the first of this life may come late: who listens puts them in their place."""
    if final.lag < 0:
        yield f"{name}: final {-final.lag:.3f} s before its close"
    if terms.again:
        return
    if final.opens in out:
        yield f"{name}: final twice"
    elif out and begun < final.opens < max(out) and not _excused(final.opens / 1000, final.at, terms):
        yield f"{name}: final after a later one"


def _live(name: str, opens: int, at: float, out: set[int], before: int | None) -> Iterable[str]:
    if out and opens <= max(out):
        yield f"{name}: live after the final one"
    if before is not None and opens < before:
        yield f"{name}: live after a later one"
    if before is not None and opens > before and before not in out:
        yield f"{name}: live before the final one of {before}"
    if at < opens / 1000:
        yield f"{name}: live before it began"


def _gated(messages: Iterable[_Message], verdict: Verdict) -> None:
    """What a consumer makes of it; no bar may meet a shut gate, and none may come before the first status."""
    consumer, told = verdict.consumer, False
    for heard, _ in messages:
        told |= heard.channel == "status"
        if heard.channel == "ohlcv" and not told:
            verdict.find("ohlcv: bars before the first status")
            told = True
        shut, lost, unseen = consumer.shut(), len(consumer.lost), len(consumer.unseen)
        consumer.hear(heard.channel, heard.raw)
        verdict.find(*(f"{each}: final while the status says {shut}" for each in consumer.lost[lost:]))
        verdict.find(*(f"{each}: live while the status says {shut}" for each in consumer.unseen[unseen:]))
    verdict.find(*(f"{key}: the consumer made it of a live bar" for key, bar in consumer.bars.items() if bar.own))


# --- cadences --------------------------------------------------------------------------------------------------------


def _cadences(messages: Sequence[_Message], clock: _Clock, terms: Terms, verdict: Verdict) -> None:
    by_symbol = defaultdict[tuple[int, str], list[_Message]](list)
    verdict.ticks += [(each.body["snap_ts"], each.heard.at) for each in messages if each.heard.channel == "price_tik"]
    for message in messages:
        if message.heard.channel == "price_tik":
            by_symbol[message.heard.life, message.body["symbol"]].append(message)
    for (_, symbol), each in by_symbol.items():
        verdict.find(*_snapshots(symbol, each, terms))
    for channel, every in (("status", terms.status), ("heartbeat", terms.heartbeat), ("market_status", terms.status)):
        lives = defaultdict[int, list[float]](list)
        for message in messages:
            if message.heard.channel == channel and (at := clock(message.heard)) is not None:
                lives[message.heard.life].append(at)
        for life, moments in lives.items():
            ends = max(at for each in messages if each.heard.life == life and (at := clock(each.heard)) is not None)
            for earlier, later in pairwise([*moments, ends]):
                if later - earlier > every + terms.slack and not _excused(earlier, later, terms):
                    verdict.find(f"{channel}: nothing for {later - earlier:.1f} s at {earlier:.3f}")
        stamps = [(each.heard.life, stamped(each)) for each in messages if each.heard.channel == channel]
        if any(one[0] == two[0] and cast("float", two[1]) < cast("float", one[1]) for one, two in pairwise(stamps)):
            verdict.find(f"{channel}: an older one after a newer one")


def _snapshots(symbol: str, ticks: Sequence[_Message], terms: Terms) -> Iterable[str]:
    for one, two in pairwise(ticks):
        taken, next_taken = one.body["snap_ts"], two.body["snap_ts"]
        apart = next_taken - taken
        if apart < terms.snapshot * 0.8 - terms.slack and not _excused(taken, next_taken, terms):
            yield f"{symbol}: snapshots {apart:.3f} s apart at {taken}"
        if two.body["tick_ts"] < one.body["tick_ts"]:
            yield f"{symbol}: an older tick after a newer one at {next_taken}"
        if next_taken - two.body["tick_ts"] > terms.lost + terms.slack:
            yield f"{symbol}: a tick of {next_taken - two.body['tick_ts']:.1f} s ago at {next_taken}"
        alive = taken + terms.snapshot - one.body["tick_ts"] <= terms.lost - terms.slack
        known = next_taken - two.body["tick_ts"] > terms.snapshot + terms.slack
        if apart > terms.snapshot + terms.slack and (alive or known) and not _excused(taken, next_taken, terms):
            yield f"{symbol}: no snapshot for {apart:.1f} s at {taken}"


def _excused(since: float, until: float, terms: Terms) -> bool:
    return any(begin <= until and since <= end for begin, end in terms.troubles)


def _standing(messages: Iterable[_Message], verdict: Verdict) -> None:
    bars = defaultdict[int, int](int)
    for heard, body in messages:
        if heard.channel == "heartbeat":
            verdict.last_heartbeat = body
            context = body["context"]
            if verdict.states[-1:] != [context["diag_state"]]:
                verdict.states.append(context["diag_state"])
            published = context.get("bars_published", 0)
            if published < bars[heard.life]:
                verdict.find(f"heartbeat: {published} bars published after {bars[heard.life]}")
            bars[heard.life] = published
        elif heard.channel == "status":
            said = body["market"], body["price"], body["ohlcv"]
            if verdict.wires[-1:] != [said]:
                verdict.wires.append(said)
