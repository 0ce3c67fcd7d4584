"""How a feed and its publisher fare, in a sentence when something of it changes: never with every heartbeat."""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Literal, NamedTuple, assert_never

from pipeline.service import Diagnosis, DiagState, FeedReport, LaneReport, Pressure, Serving, SessionState, Universe
from pipeline.times import local_text, timeframe_name

Spoken = Diagnosis | FeedReport | Pressure | Universe | Serving

SESSIONS: dict[SessionState, str] = {
    "connecting": "connects",
    "connected": "is connected, no price came yet",
    "silent": "no price comes although the market is open",
    "resubscribing": "subscribes to its prices anew",
    "reconnecting": "has lost its session and connects again",
    "off": "gives no prices, and nothing is tried again before somebody mends it",
}
AMISS: frozenset[SessionState | DiagState] = frozenset(
    ("silent", "resubscribing", "reconnecting", "off", "DISCONNECTED", "RECOVERING")
)
BARS = {"ok": "bars come in time", "delayed": "bars are delayed", "down": "bars stay away"}
PRICES = {"ok": "prices come", "stale": "prices are stale", "down": "prices stay away"}


class Said(NamedTuple):
    level: Literal["info", "warning"]
    text: str
    news: bool = False
    """It is worth a line although nothing is wrong: a beginning, or the end of something that was warned of."""


class ServiceRemarks:
    """Remarks on one report after another: each compares with the one before."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._reports: dict[str, FeedReport] = {}
        self._diagnoses: dict[str, Diagnosis] = {}
        self._streamed = set[str]()
        self._full = False
        self._losing = set[tuple[str, str]]()
        """Lanes that dropped something since the report before."""

    def of(self, value: Spoken, known: str = "") -> Said | None:
        """What there is to say; `known` is what was said already of what went wrong."""
        match value:
            case FeedReport():
                before, self._reports[value.whose] = self._reports.get(value.whose), value
                return _joined(value.whose, self._of_report(value, before, known))
            case Diagnosis():
                earlier, self._diagnoses[value.whose] = self._diagnoses.get(value.whose), value
                return _joined(value.whose, self._of_diagnosis(value, earlier, known))
            case Pressure():
                changed, self._full = value.full != self._full, value.full
                return _pressed(value) if changed else None
            case Universe():
                return Said("info", self._chosen(value), news=True)
            case Serving():
                return Said("info", f"{value.whose}: {value.what} at {value.url}", news=True)
            case _:
                assert_never(value)

    def _of_report(self, told: FeedReport, before: FeedReport | None, known: str) -> Iterator[Said]:
        if before is None or told.session != before.session:
            yield self._turned(told, before, known)
            known = told.last_error if told.session in AMISS else known
        yield from _paced(told, before)
        throttled = told.quota is not None and told.quota.throttled
        was_throttled = before is not None and before.quota is not None and before.quota.throttled
        if told.quota is not None and throttled and not was_throttled:
            quota = told.quota
            calls = f"{quota.minute} of {quota.per_minute} a minute, {quota.hour} of {quota.per_hour} an hour"
            why = f" ({quota.reason})" if quota.reason else ""
            yield Said(
                "warning", f"calls for history are put off: {calls}{why}, the next {_soon(quota.next_slot_seconds)}"
            )
        elif was_throttled and not throttled:
            yield Said("info", "calls for history are put off no more", news=True)
        was_ready = before is None or before.history_ready
        if was_ready and not told.history_ready:
            yield Said("warning", "history is not ready; that says nothing of the market")
        elif told.history_ready and not was_ready:
            yield Said("info", "history is ready again", news=True)
        waited = before is not None and before.backoff_seconds > 0
        if told.backoff_seconds > 0 and not waited:
            why = f": {told.last_error}" if told.last_error and told.last_error != known else ""
            yield Said("warning", f"tries again {_soon(told.backoff_seconds)}{why}")

    def _turned(self, told: FeedReport, before: FeedReport | None, known: str) -> Said:
        """The session is another than before. The first time that prices come is news of its own."""
        if told.session == "streaming":
            number = f"subscription {told.subscriptions}" if told.subscriptions else ""
            made = ", ".join(each for each in (number, told.sdk) if each)
            if told.whose in self._streamed:
                return Said("info", f"prices come again{f' ({number})' if number else ''}", news=True)
            self._streamed.add(told.whose)
            return Said("info", f"the stream of prices is active{f' ({made})' if made else ''}", news=True)
        amiss = told.session in AMISS
        why = f": {told.last_error}" if amiss and told.last_error and told.last_error != known else ""
        over = before is not None and before.session in AMISS and not amiss
        return Said("warning" if amiss else "info", f"{SESSIONS[told.session]}{why}", news=over)

    def _of_diagnosis(self, told: Diagnosis, before: Diagnosis | None, known: str) -> Iterator[Said]:
        if before is None or told.state != before.state:
            amiss = before is not None and told.state in AMISS  # before the beginning there was no connection to lose
            was = f", was {before.state}" if before is not None else ""
            over = before is not None and before.state in AMISS and not amiss
            note = f": {told.note}" if told.note and told.note != "ok" else ""
            yield Said("warning" if amiss else "info", f"publishing is {told.state}{was}{note}", news=over)
        if told.market != (before.market if before is not None else "unknown"):
            until = (
                f" until {local_text(told.next_open, self._zone)}" if told.market == "closed" and told.next_open else ""
            )
            yield Said("info", f"the market is {told.market}{until}", news=True)
        if told.market == "open":
            price, ohlcv = ("ok", "ok") if before is None else (before.price, before.ohlcv)
            for word, was, said in ((told.price, price, PRICES), (told.ohlcv, ohlcv, BARS)):
                if word != was:
                    yield Said("info" if word == "ok" else "warning", said[word], news=word == "ok")
        yield from _reached(told, "connected" if before is None else before.redis, known)
        lanes = {lane.name: lane for lane in before.lanes} if before is not None else {}
        for lane in told.lanes:
            yield from self._lost(told.whose, lane, lanes.get(lane.name))
            yield from _carried(lane, lanes.get(lane.name))

    def _lost(self, whose: str, lane: LaneReport, before: LaneReport | None) -> Iterator[Said]:
        """What there was no room for: told when that begins, not with every report while it goes on."""
        lost = lane.dropped - (0 if before is None else before.dropped)
        if lost <= 0:
            self._losing.discard((whose, lane.name))
        elif (whose, lane.name) not in self._losing:
            self._losing.add((whose, lane.name))
            yield Said("warning", f"lane {lane.name} was full: {lost} dropped")

    def _chosen(self, chosen: Universe) -> str:
        """Which bars are published from now on."""
        until = f" until {local_text(chosen.until, self._zone)}" if chosen.until else ""
        why = f": {chosen.reason}" if chosen.reason else ""
        if not chosen.targets:
            return f"all bars are published{why}"
        names = [f"{product} {timeframe_name(tf)}" for product, tf in chosen.targets]
        more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
        return f"only {', '.join(names[:MANY])}{more} published{until}{why}"


MANY = 8
"""So many of the chosen bars are named."""


def _paced(told: FeedReport, before: FeedReport | None) -> Iterator[Said]:
    """How often history is asked for, each time that changes, and why."""
    earlier = before.pace if before is not None else {}
    for timeframe, pace in told.pace.items():
        was = earlier.get(timeframe)
        if was is None or was.seconds != pace.seconds:
            than = f" (was {was.seconds:g} s)" if was is not None else ""
            why = f": {pace.reason}" if pace.reason else ""
            yield Said("info", f"history of {timeframe} is asked for every {pace.seconds:g} s{than}{why}")


def _pressed(told: Pressure) -> Said:
    if told.full:
        return Said("warning", "there is no room for more final bars: sources that can wait do")
    return Said("info", "there is room for final bars again", news=True)


def _reached(told: Diagnosis, was: str, known: str) -> Iterator[Said]:
    """That Redis is lost, and that it is back: once each."""
    if told.redis == was:
        return
    match told.redis:
        case "connected":
            yield Said("info", "Redis is reached again", news=True)
        case "backoff":
            why = "" if known else "Redis is not reached: "
            yield Said("warning", f"{why}final bars wait, it is tried again {_soon(told.redis_backoff_seconds)}")
        case "off":
            yield Said("info", "nothing is published to Redis")


def _carried(lane: LaneReport, before: LaneReport | None) -> Iterator[Said]:
    """What a lane put on disk, when that begins and when it is over."""
    spilled = 0 if before is None else before.spilled
    if lane.spilled and before is None:
        yield Said("info", f"lane {lane.name}: final bars of before wait on disk ({lane.spilled})")
    elif lane.spilled and not spilled:
        yield Said("warning", f"lane {lane.name} is full: final bars wait on disk ({lane.spilled})")
    elif spilled and not lane.spilled:
        yield Said("info", f"lane {lane.name}: all that waited on disk is published", news=True)
    if lane.state == "stopped" and (before is None or before.state != "stopped"):
        yield Said("warning", f"lane {lane.name} has stopped")


def _joined(whose: str, said: Iterator[Said]) -> Said | None:
    """All of it in one line, as grave as the gravest of it."""
    every = list(said)
    if not every:
        return None
    grave = any(each.level == "warning" for each in every)
    text = "; ".join(each.text for each in every)
    return Said("warning" if grave else "info", f"{whose}: {text}", any(each.news for each in every))


def _soon(seconds: float) -> str:
    return "at once" if seconds <= 0 else f"in {max(1, round(seconds)):,} s"
