"""Why a bar was traded or not, and what was known when it was decided: for programs that step through time."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from pipeline.aside import Asking
from pipeline.control.asking import millis
from pipeline.control.errors import Refused
from pipeline.control.routing import Route
from pipeline.control.trades import decision_row, order_row
from pipeline.explaining import Explained, explained
from pipeline.judged import PRICES, Judged, Vote
from pipeline.ledger.then import Open, Then
from pipeline.plan import Plan
from pipeline.tables import nearest
from pipeline.times import local_text, slot_of, timeframe_name
from pipeline.told.orders import DecisionRow
from pipeline.told.reasons import BarTold, OpenTold, QuoteTold, StopTold, VoteTold, Why
from pipeline.told.words import Moment, Name, Timeframe
from pipeline.values import Key, Latch, LifeState, Stream


class WhyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which decision: that of an order, or of a key's bar; what is left out means the last there is."""

    account: Name = ""
    product: Name = ""
    tf: Timeframe = ""
    bar_ms: Moment = 0
    """Any moment within the bar; with an account, a product and a tf."""
    order: Annotated[str, Meta(max_length=300)] = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a ledger has on a decision, and what it knew then."""

    told: Explained
    decision: DecisionRow
    key: Key
    stops: tuple[StopTold, ...]
    life: LifeState | None
    armed_until: int
    open: tuple[OpenTold, ...]
    beside: tuple[int, int]


Remembers = Callable[[Stream, int], Judged | None]
"""What the running engine still knows of a bar."""


class Reasons:
    """Reads the ledger beside the flow, and asks the engine what it still remembers."""

    def __init__(self, path: Path, plan: Callable[[], Plan], remembers: Remembers, ask: Asking) -> None:
        self._path, self._plan, self._remembers, self._ask = path, plan, remembers, ask

    async def why(self, asked: WhyAsked, _: None) -> Why:
        plan = self._plan()
        found = await asyncio.to_thread(self._found, asked, plan)
        key, bar = found.key, found.decision.bar
        judged = await self._ask(lambda: self._remembers(Stream(key.product, key.tf), bar))
        return _why(found, judged, ZoneInfo(plan.settings.display_timezone))

    def _found(self, asked: WhyAsked, plan: Plan) -> Found:
        then = Then(self._path)
        try:
            then.at_one_moment()
            row = _row(then, asked, ZoneInfo(plan.settings.display_timezone))
            key, at = Key(row["account"], row["product"], row["tf"]), row["at"]
            life, arming = then.life(key, at), then.arming(key.account, at)
            decision = decision_row(row)
            killed = next((gate for gate in decision.gates if gate.gate == "killed" and gate.verdict == "no"), None)
            return Found(
                told=explained(row, then, plan),
                decision=decision,
                key=key,
                stops=tuple(map(_stop, then.latches(key.account, at, killed and killed.word))),
                life=None if life is None else life.state,
                armed_until=0 if arming is None else arming.until,
                open=tuple(_open(each) for each in then.open(key.account, at) if each.order.order != row["order"]),
                beside=then.beside(key, row["bar"]),
            )
        finally:
            then.close()


def _row(then: Then, asked: WhyAsked, zone: ZoneInfo) -> sqlite3.Row:
    """The decision that is asked for."""
    if asked.order:
        return _of_order(then, asked.order)
    if not asked.bar_ms:
        return _last(then, asked)
    if not (asked.account and asked.product and asked.tf):
        raise Refused("VALIDATION", "bar_ms is of one key: say its account, product and tf too")
    key = _key(then, asked)
    bar = slot_of(asked.bar_ms, key.tf)
    row = then.decision(key, bar)
    if row is None:
        first, last = (_opened(each, zone) for each in then.first_and_last(key))
        at = _opened(bar, zone)
        whom = f"{key.account} {key.product} {asked.tf}"
        has = f"the ledger has {first} to {last}, and no row where the market was silent"
        raise Refused("NOT_FOUND", f"no decision of {whom} at {at} ({zone.key}): {has}")
    return row


def _opened(bar: int, zone: ZoneInfo) -> str:
    """When a bar opened; one that somebody asks for may be of no calendar."""
    try:
        return local_text(bar, zone, "%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return f"{bar} ms"


def _of_order(then: Then, name: str) -> sqlite3.Row:
    order = then.order(name)
    if order is None:
        raise Refused("NOT_FOUND", f"the ledger has no order {name!r}; GET /orders lists them")
    row = then.decision(order.key, order.bar)
    if row is None or row["order"] != name:
        raise Refused(
            "NOT_FOUND", f"the ledger has no decision that order {name!r} came from; GET /orders/… has the rest"
        )
    return row


def _last(then: Then, asked: WhyAsked) -> sqlite3.Row:
    tf = millis(asked.tf)
    rows = [
        row
        for key, row in then.last_decisions().items()
        if asked.account in ("", key.account) and asked.product in ("", key.product) and tf in (0, key.tf)
    ]
    if not rows:
        if then.traded():
            _key(then, asked)
        raise Refused("NOT_FOUND", "the ledger holds no decision yet; wait until a bar is final")
    return max(rows, key=lambda row: (row["at"], row["bar"]))


def _key(then: Then, asked: WhyAsked) -> Key:
    """The key that is meant; a refusal that says which there are."""
    known, tf = then.traded(), millis(asked.tf)
    for name, word, words in (
        ("account", asked.account, {key.account for key in known}),
        ("product", asked.product, {key.product for key in known}),
        ("tf", asked.tf, {timeframe_name(key.tf) for key in known}),
    ):
        if word and word not in words:
            raise Refused("NOT_FOUND", f"the ledger has no decision of {name} {word!r}; {nearest(word, sorted(words))}")
    key = Key(asked.account, asked.product, tf)
    if key not in known:
        whom = " ".join(filter(None, (asked.account, asked.product, asked.tf)))
        raise Refused("NOT_FOUND", f"the ledger has no decision of {whom}; GET /workers lists the keys")
    return key


def _stop(latch: Latch) -> StopTold:
    return StopTold(latch.scope, latch.at, latch.reason, latch.by)


def _open(each: Open) -> OpenTold:
    order = each.order
    tf = timeframe_name(order.tf)
    return OpenTold(order.order, order.product, tf, order.bar, order.direction, str(order.stake), each.state)


def _why(found: Found, judged: Judged | None, zone: ZoneInfo) -> Why:
    told, decision = found.told, found.decision
    columns: Mapping[str, float] = {} if judged is None else judged.columns
    features = told.features or {name: value for name, value in columns.items() if name not in PRICES}
    quote = None if judged is None else judged.quote
    before, after = found.beside
    return Why(
        account=decision.account,
        product=decision.product,
        timeframe=decision.timeframe,
        bar_ms=decision.bar,
        decided_ms=decision.at,
        verdict=decision.verdict,
        direction=decision.direction,
        score=decision.score,
        payout=decision.payout,
        gates=decision.gates,
        features={name: _number(value) for name, value in features.items()},
        votes=() if judged is None else tuple(map(_vote, judged.votes)),
        bar=_bar(columns),
        quote=None if quote is None else QuoteTold(quote.bid, quote.ask, quote.ts, decision.at - quote.ts),
        stops=found.stops,
        life=found.life,
        armed_until=found.armed_until,
        open=found.open,
        order=None if told.order is None else order_row(told.order, told.order.wanted_at or told.order.at),
        would_have=told.would_have,
        what_if=told.what_if,
        lines=tuple(told.text(zone)),
        before_ms=before,
        after_ms=after,
    )


def _vote(vote: Vote) -> VoteTold:
    score = _number(vote.score)
    direction = 0 if score is None else (score > 0) - (score < 0)
    strength = None if score is None else abs(score)
    return VoteTold(vote.ensemble, vote.provider, direction, strength, vote.fault)


def _bar(columns: Mapping[str, float]) -> BarTold | None:
    return BarTold(*(columns[name] for name in PRICES)) if columns else None


def _number(value: float) -> float | None:
    return value if value == value else None


ROUTES = (
    Route(
        method="GET",
        path="/why",
        name="why",
        does="Why a bar was traded or not, and what was known when it was decided; the last one when none is named.",
        call=Reasons.why,
        query=WhyAsked,
        answer=Why,
        refusals=("NOT_FOUND", "STORAGE"),
    ),
)
