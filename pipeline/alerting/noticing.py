"""What a flow gives, read as signs: that something is so that somebody should hear of, or is not so any more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.alerting.edges import Sign
from pipeline.alerting.losses import Losses
from pipeline.alerting.settings import Alerting
from pipeline.alerting.silences import Silences
from pipeline.arming import Armings
from pipeline.changes.notices import Notice, changed_text
from pipeline.changes.proposal import Changed
from pipeline.evidence import Audited, Dispute, Standing
from pipeline.hogging.pauses import Resting
from pipeline.lives import STOPPED_FOR
from pipeline.plan import Plan
from pipeline.remarks import remark
from pipeline.service import Diagnosis, FeedReport
from pipeline.states import UNSURE
from pipeline.telemetry.conserving import CONSERVATION
from pipeline.times import duration, local_text, timeframe_name
from pipeline.values import (
    Arming,
    Certificate,
    Decisions,
    Fault,
    GateRow,
    Health,
    Latch,
    Life,
    Link,
    Order,
    Past,
    Slept,
    Stalled,
    Votes,
)

LIMITS = frozenset(("daily_loss", "loss", "drawdown", "streak", "target", "trades"))
"""Gates that keep an account, or a key of it, from trading until a day or a span has passed."""
BREAKER = "breaker"
OF_KEYS = ", key"
"""How the word of a limit ends that is of each key by itself."""
STOPS = ("KILL_SWITCH", "LATCH", "CRASH_LOOP")


class Noticing:
    """A fold of values. Where the flow's time is asked for it is given: nothing here waits."""

    def __init__(self, plan: Plan, settings: Alerting) -> None:
        self._zone = ZoneInfo(plan.settings.display_timezone)
        self._losses = Losses(plan, settings.daily_loss_near)
        self._silences = Silences(plan, duration(settings.silence))
        self._armings = Armings()
        self._faulty = set[str]()
        """Strategies that failed when they were asked last."""
        self._gone = set[str]()
        """Those of them that a change of the flow took away: no vote of theirs will say that it is over."""
        self._shut: dict[tuple[str, str], Sign] = {}
        """Gates that say no because of what happened before, by account (or key) and name."""
        self._dropped: dict[tuple[str, str], int] = {}
        self.hears: Mapping[type[Any], Callable[[str, Any], Iterable[Sign]]] = {
            Arming: self._armed,
            Audited: self._audited,
            Certificate: self._certified,
            Changed: self._changed,
            Decisions: self._decided,
            Diagnosis: self._published,
            Dispute: self._disputed,
            Fault: self._failed,
            FeedReport: self._fed,
            Health: self._fed,
            Latch: self._latched,
            Life: self._lived,
            Link: self._fed,
            Notice: self._noticed,
            Order: self._ordered,
            Past: self._began,
            Resting: self._rested,
            Slept: self._stood_still,
            Stalled: self._stood_still,
            Standing: self._stood,
            Votes: self._voted,
        }

    def of(self, node: str, value: Any) -> Iterable[Sign]:
        """The signs in something a node gave, of a type that it hears."""
        return self.hears[type(value)](node, value)

    def quoted(self, product: str) -> None:
        """A source gave a quote; there are too many of these to look at each."""
        self._silences.quoted(product)

    def changed(self, plan: Plan, settings: Alerting) -> None:
        """The flow goes on by another plan; what was seen stays seen."""
        self._losses.changed(plan, settings.daily_loss_near)
        self._silences.changed(plan, duration(settings.silence))
        self._gone.update(self._faulty - plan.by_id.keys())

    def look(self, at: int) -> Iterator[Sign]:
        """The signs in that time has passed."""
        yield from self._losses.look(at)
        yield from self._silences.look(at)
        gone, self._gone = self._gone, set[str]()
        for strategy in gone & self._faulty:
            self._faulty.discard(strategy)
            yield Sign("STRATEGY_FAULT", strategy, on=False)
        for over in self._armings.expired(at):
            yield Sign("ARMED", over.account, on=False)

    def quiet(self, at: int) -> bool:
        """Whether no product gives a quote although one of them should."""
        return self._silences.quiet(at)

    # --- what stops trading ------------------------------------------------------------------------------------------

    def _latched(self, _: str, latch: Latch) -> Iterator[Sign]:
        if latch.on:
            yield Sign(_code_of(latch), latch.scope, on=True, text=self._said(latch))
        else:
            yield from (Sign(code, latch.scope, on=False) for code in STOPS)

    def _decided(self, _: str, decisions: Decisions) -> Iterator[Sign]:
        """By the newest bar alone; of a block of many the gates of the moment were not all asked."""
        if not len(decisions):
            return
        for row in decisions.explained.get(len(decisions) - 1, ()):
            if (row.verdict == "no" or self._shut) and (row.gate == BREAKER or row.gate in LIMITS):
                yield from self._asked(decisions, row)

    def _asked(self, decisions: Decisions, row: GateRow) -> Iterator[Sign]:
        account, product, tf = decisions.key
        of_key = row.word.endswith(OF_KEYS)
        subject = f"{account} {product} {timeframe_name(tf)}" if of_key else account
        if row.verdict == "no" and (subject, row.gate) not in self._shut:
            code = "CIRCUIT_BREAKER_TRIP" if row.gate == BREAKER else "LIMIT_REACHED"
            against = f"{row.value:,.2f} against {row.threshold:,.2f}"
            rests = f"{subject} rests for {row.value:,.0f} s after a storm of errors"
            said = rests if row.gate == BREAKER else f"{subject} is not traded: the limit {row.gate} says no, {against}"
            sign = self._shut[subject, row.gate] = Sign(code, subject, on=True, text=said, cause=row.gate)
            yield sign
        elif row.verdict == "yes":  # then neither of the key nor of its account any limit says no
            for whose in (account, f"{account} {product} {timeframe_name(tf)}"):
                known = self._shut.pop((whose, row.gate), None)
                if known is not None:
                    yield known._replace(on=False)

    def _lived(self, _: str, life: Life) -> Iterator[Sign]:
        key = f"{life.account} {life.product} {timeframe_name(life.tf)}"
        if life.state == "PAUSED":
            why = f": {life.why}" if life.why else ""
            until = f", until {local_text(life.until, self._zone)}" if life.until else ""
            yield Sign("KEY_PAUSED", key, on=True, text=f"{key} is paused{until}{why}")
        else:
            yield Sign("KEY_PAUSED", key, on=False)

    def _armed(self, _: str, arming: Arming) -> Iterator[Sign]:
        self._armings.take(arming)
        on = arming.until > arming.at
        yield Sign("ARMED", arming.account, on=on, text=self._said(arming) if on else "")

    # --- accounts ----------------------------------------------------------------------------------------------------

    def _ordered(self, _: str, order: Order) -> Iterator[Sign]:
        yield from self._losses.take(order)
        key = f"{order.account} {order.product} {timeframe_name(order.tf)}"
        if order.state in UNSURE:
            why = f": {order.reason}" if order.reason else ""
            said = f"order {order.order} ({order.direction} {order.stake}) is {order.state}{why}"
            yield Sign("ORDER_UNKNOWN", key, on=True, text=said, cause=order.order)
        else:
            yield Sign("ORDER_UNKNOWN", key, on=False, cause=order.order)

    def _stood(self, _: str, standing: Standing) -> Iterator[Sign]:
        there = standing.state == "CONNECTED"
        yield Sign("CONNECTION", standing.account, on=not there, text="" if there else self._said(standing))
        if there or standing.state == "REFUSED":
            said = "" if there else self._said(standing)
            yield Sign("LOGIN_REFUSED", standing.account, on=not there, text=said)

    def _certified(self, _: str, certificate: Certificate) -> Iterator[Sign]:
        sound = certificate.sound
        yield Sign("UNRECONCILED", certificate.account, on=not sound, text="" if sound else self._said(certificate))

    def _disputed(self, _: str, dispute: Dispute) -> Iterator[Sign]:
        yield Sign("DISPUTE", dispute.account, on=True, text=self._said(dispute), cause=dispute.order)

    def _audited(self, _: str, audited: Audited) -> Iterator[Sign]:
        if audited.verdict == "unexplained":
            yield Sign("UNEXPLAINED", audited.account, on=True, text=self._said(audited))

    def _began(self, _: str, past: Past) -> Iterator[Sign]:
        """What held before this start holds still."""
        for order in past.orders:
            yield from (sign for sign in self._ordered("", order) if sign.on or sign.code != "ORDER_UNKNOWN")
        for latch in past.latches:
            yield from self._latched("", latch)
        for arming in past.armings:
            yield from self._armed("", arming)
        for certificate in past.certificates:
            yield from self._certified("", certificate)

    # --- the flow itself ---------------------------------------------------------------------------------------------

    def _failed(self, _: str, fault: Fault) -> Iterator[Sign]:
        if fault.node.startswith("providers."):
            self._faulty.add(fault.node)
            yield Sign("STRATEGY_FAULT", fault.node, on=True, text=f"{fault.node} failed: {fault.what}")
        elif fault.node != CONSERVATION and not fault.node.startswith("alerts."):  # these are told of as such
            yield Sign("NODE_FAULT", fault.node, on=True, text=f"{fault.node}: {fault.what}")

    def _voted(self, node: str, votes: Votes) -> Iterable[Sign]:
        if node in self._faulty and not votes.fault:
            self._faulty.discard(node)
            return (Sign("STRATEGY_FAULT", node, on=False),)
        return ()

    def _rested(self, _: str, resting: Resting) -> Iterator[Sign]:
        until = local_text(resting.until, self._zone) if resting.until else ""
        said = f"{resting.node} is not asked until {until}: {resting.why}" if until else ""
        yield Sign("STRATEGY_HOG", resting.node, on=bool(until), text=said)

    def _stood_still(self, _: str, value: Slept | Stalled) -> Iterator[Sign]:
        yield Sign("CLOCK_STEP" if value.cause == "stepped" else "ENGINE_STALLED", "", on=True, text=self._said(value))

    def _changed(self, _: str, changed: Changed) -> Iterator[Sign]:
        yield Sign("CONFIG_CHANGED", "", on=True, text=changed_text(changed))

    def _noticed(self, _: str, notice: Notice) -> Iterable[Sign]:
        return (Sign("CONFIG_REFUSED", "", on=True, text=notice.text),) if notice.level == "error" else ()

    # --- prices in and out -------------------------------------------------------------------------------------------

    def _fed(self, _: str, value: Health | Link | FeedReport) -> Iterator[Sign]:
        yield from self._silences.take(value)

    def _published(self, _: str, told: Diagnosis) -> Iterator[Sign]:
        amiss = tuple(self._unpublished(told))
        yield Sign("PUBLISHER", told.whose, on=bool(amiss), text=f"{told.whose}: {'; '.join(amiss)}")

    def _unpublished(self, told: Diagnosis) -> Iterator[str]:
        if told.state in ("DISCONNECTED", "RECOVERING"):
            yield f"publishing is {told.state} ({told.note})"
        if told.redis == "backoff":
            yield "Redis is not reached, and final bars wait"
        for lane in told.lanes:
            before = self._dropped.get((told.whose, lane.name), 0)
            self._dropped[told.whose, lane.name] = lane.dropped
            if lane.dropped > before:
                yield f"lane {lane.name} was full, {lane.dropped - before} dropped"
            if lane.state == "stopped" and not told.ended:
                yield f"lane {lane.name} has stopped"

    def _said(self, value: Any) -> str:
        """The sentence that people read elsewhere, too."""
        said = remark(value, self._zone)
        return "" if said is None else said[1]


def _code_of(latch: Latch) -> str:
    if latch.reason.startswith(STOPPED_FOR):
        return "CRASH_LOOP"
    return "LATCH" if latch.by in LIMITS else "KILL_SWITCH"
