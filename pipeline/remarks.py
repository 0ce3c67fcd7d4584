"""What is told of a market beside its prices, in a sentence for people: the log, the console, the status lines."""

from datetime import tzinfo
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace

from pipeline.changes.notices import Notice, changed_text
from pipeline.changes.proposal import Changed
from pipeline.evidence import Audited, Cash, Dispute, Standing, Struck, Trouble, Unclosed
from pipeline.life_remarks import LifeRemarks, switched_said
from pipeline.service import Diagnosis, FeedReport, Pressure, Serving, Universe
from pipeline.service_remarks import ServiceRemarks
from pipeline.times import SECOND, local_text, timeframe_name
from pipeline.values import (
    HEALTH,
    Arming,
    Certificate,
    Gap,
    Health,
    Latch,
    Life,
    Link,
    Noticed,
    Past,
    Repaint,
    Slept,
    Stalled,
    Switched,
    Tips,
)

Level = Literal["info", "warning"]
STOOD_STILL = {
    "slept": "the machine slept, or the program was stopped, for {}",
    "stepped": "the machine's clock was set by {}",
    "blocked": "the program was busy with one thing for {}",
    "changed": "the flow was changed, and its prices were away for {}",
}
DUMPED = 10 * SECOND
"""A program that was busy for so long has written down with what."""
QUIET_STATES = frozenset(("live", "quiet", "closed"))


class Told(NamedTuple):
    level: Level
    text: str
    over: bool = False
    """It is the end of something that was warned of, or a beginning that is worth a line."""


class Remarks:
    """Remarks on one value after another: why a connection broke is said once, and that it is back is news."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._troubles: dict[str, str] = {}
        self._away = set[str]()
        self._silent = set[str]()
        self._amiss: dict[str, frozenset[str]] = {}
        """What was told not to add up, by account: it is said again when it is another thing."""
        self._service = ServiceRemarks(zone)
        self._lives = LifeRemarks(zone)

    def of(self, value: Any) -> Told | None:
        match value:
            case Trouble():
                self._troubles[value.whose] = value.what
            case Standing(state="CONNECTED") if value.account in self._away:
                self._away.remove(value.account)
                return Told("info", f"{value.account} is CONNECTED again", over=True)
            case Standing(state="RECONNECT" | "REAUTH" | "READ_ONLY" | "REFUSED"):
                self._away.add(value.account)
                if value.reason == self._troubles.pop(value.account, ""):
                    value = replace(value, reason="")
            case Link() | Changed() | Notice():
                return self._linked(value) if isinstance(value, Link) else _of_change(value)
            case Certificate(sound=True):
                over = self._amiss.pop(value.account, None) is not None
                said = remark(value, self._zone)
                return None if said is None else Told(*said, over=over)
            case Certificate():
                amiss = frozenset(value.unexplained)
                if amiss == self._amiss.get(value.account):
                    return None
                self._amiss[value.account] = amiss
            case Life():
                of_life = self._lives.of(value)
                return None if of_life is None else Told(*of_life, over=value.state != "PAUSED")
            case FeedReport() | Diagnosis() | Pressure() | Universe() | Serving():
                whose = value.whose if isinstance(value, FeedReport | Diagnosis) else ""
                said = self._service.of(value, self._troubles.get(whose, ""))
                return None if said is None else Told(*said)
            case _:
                pass
        said = remark(value, self._zone)
        return None if said is None else Told(*said, over=isinstance(value, Latch) and not value.on)

    def _linked(self, link: Link) -> Told | None:
        """That nobody has what was before the first price is no news."""
        if link.beginning:
            return None
        if not link.up:
            self._silent.update(link.products)
        elif self._silent and self._silent <= set(link.products):
            self._silent.clear()
            return Told("info", "prices of all products come again", over=True)
        else:
            self._silent.difference_update(link.products)
        return Told(*_connected(link))


def _of_change(value: Changed | Notice) -> Told:
    """What became of an edit of the flow: whoever made it waits for it."""
    if isinstance(value, Changed):
        return Told("info", changed_text(value), over=True)
    return Told("info" if value.level == "info" else "warning", value.text, over=True)


def remark(value: Any, zone: tzinfo) -> tuple[Level, str] | None:
    """How much it matters, and the sentence, with times in a zone; None for what needs no word."""
    match value:
        case Gap():
            count = (value.until - value.since) // value.tf
            bars = f"{count} bar{'s' if count > 1 else ''} of {timeframe_name(value.tf)}"
            return "warning", f"{value.product}: {bars} missing from {local_text(value.since, zone)}"
        case Noticed():
            return "info", f"{value.product}: {value.what} ({value.rows})"
        case Link() | Standing() | Trouble():
            return _connected(value)
        case Repaint():
            return "warning", _repainted(value, zone)
        case Slept() | Stalled():
            return "warning", _stalled(value)
        case Switched():
            return switched_said(value)
        case Latch() | Arming() | Past():
            return _allowed(value, zone)
        case Certificate() | Dispute() | Audited() | Cash() | Struck() | Unclosed():
            return _accounted(value, zone)
        case Health():
            return _health(value)
        case Tips() if len(value):
            return "info", _told(value, zone)
        case _:
            return None


def _accounted(
    value: Certificate | Dispute | Audited | Cash | Struck | Unclosed, zone: tzinfo
) -> tuple[Level, str] | None:
    """Whether everything is accounted for, and what is not."""
    match value:
        case Certificate() if value.sound:
            held = "" if value.closing is None else f", it holds {value.closing}"
            return "info", f"{value.account} adds up as of {local_text(value.as_of, zone)}{held}"
        case Certificate():
            first, *rest = value.unexplained
            more = f" (and {len(rest)} more: `reconcile` shows them)" if rest else ""
            return "warning", f"{value.account} does NOT add up as of {local_text(value.as_of, zone)}: {first}{more}"
        case Unclosed():
            return "warning", f"order {value.order} is not closed early and runs on: {value.reason}"
        case Struck():
            return "info", f"a fault of the venue struck: {value.fault}"
        case Dispute():
            what = f"order {value.order}" if value.order else f"money of {value.account}"
            return "warning", f"{what} was {value.was} and is told to be {value.now}: nothing is changed, look into it"
        case Audited():
            said = f"the settlement of {value.order} is not explained by our ticks: {value.reason}"
            return ("warning", said) if value.verdict == "unexplained" else None
        case Cash():
            return "info", f"{value.account}: {value.amount:+} without a contract ({value.what})"


def _allowed(value: Latch | Arming | Past, zone: tzinfo) -> tuple[Level, str] | None:
    """Who may trade, and who may not any more."""
    match value:
        case Latch():
            whom = value.scope or "everything"
            said = f"{value.by}: {value.reason}"
            return ("warning", f"{whom} is stopped, {said}") if value.on else ("info", f"{whom} goes on, {said}")
        case Arming() if value.until > value.at:
            until = f"{local_text(value.until, zone)} ({zone})"
            return "warning", f"{value.account} is ARMED for real money until {until} by {value.by}"
        case Arming():
            why = f": {value.reason}" if value.reason else ""
            return "warning", f"{value.account} is not armed any more, by {value.by}{why}"
        case Past() if value.latches:
            names = ", ".join(latch.scope or "everything" for latch in value.latches)
            return "warning", f"{names} stopped, as it was before this start; `resume` releases it"
        case Past():
            return None


def _told(tips: Tips, zone: tzinfo) -> str:
    """What a tip says; of many, how many there are and from when to when they are to be acted on."""
    begin, end = (local_text(int(each), zone) for each in (tips.as_of.min(), tips.valid_until.max()))
    if len(tips) > 1:
        return f"{tips.product}: told {len(tips):,} tips for {begin} to {end}"
    said, tf = tips.score.item(0), tips.tf.item(0)
    side = f"{'call' if said > 0 else 'put'} {abs(said):.2f}"
    return f"{tips.product}: told {side}{f' {timeframe_name(tf)}' if tf else ''}, from {begin} until {end}"


def _stalled(stalled: Slept | Stalled) -> str:
    if isinstance(stalled, Slept):
        seconds = (stalled.until - stalled.since) / SECOND
        return f"{STOOD_STILL[stalled.cause].format(f'{seconds:,.0f} s')}; bars of that time are missed"
    dumped = stalled.cause == "blocked" and stalled.millis >= DUMPED
    where = "; what it was doing after 10 s is in stalls.txt, beside the ledger" if dumped else ""
    stood_still = STOOD_STILL[stalled.cause].format(f"{stalled.millis / SECOND:.1f} s")
    if stalled.what:
        stood_still = stood_still.replace("one thing", stalled.what)
    return f"{stood_still}; what was due meanwhile came late{where}"


def _repainted(repaint: Repaint, zone: tzinfo) -> str:
    name = timeframe_name(repaint.tf)
    there = "there" if repaint.bar == repaint.revised else f"at {local_text(repaint.bar, zone)}"
    return (
        f"the venue changed {repaint.product} {name} {local_text(repaint.revised, zone)}: "
        f"{repaint.account}'s {repaint.was} {there} would have been {repaint.now}"
    )


def _connected(value: Link | Standing | Trouble) -> tuple[Level, str]:
    """How we stand with venues and sources: an account that is not connected sends nothing."""
    match value:
        case Link(up=up):
            products = ", ".join(value.products)
            return ("info", f"{products}: connected again") if up else ("warning", f"{products}: the connection broke")
        case Trouble():
            return "warning", f"{value.whose}: {value.what} ({value.kind})"
        case Standing():
            why = f": {value.reason}" if value.reason else ""
            if value.state in ("CONNECTED", "AUTHENTICATING", "DISCONNECTED"):
                return "info", f"{value.account} is {value.state}{why}"
            end = "; nothing is tried again before somebody mends it" if value.state == "REFUSED" else ""
            end = "" if "nothing is tried again" in why else end
            return "warning", f"{value.account} is {value.state}, nothing is sent{why}{end}"


def _health(health: Health) -> tuple[Level, str] | None:
    """A word when the whole feed cannot be trusted, or can again; single products come and go too often."""
    if health.product or not len(health):
        return None
    state = HEALTH[health.state.item(-1)]
    return ("info" if state in QUIET_STATES else "warning"), f"the feed is {state}"
