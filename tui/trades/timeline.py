"""What became of an order, moment by moment: from the quote it was judged by to its end, and what explains that."""

from collections.abc import Callable, Iterable, Iterator
from textwrap import wrap
from typing import NamedTuple

from pipeline.statistics.shares import break_even
from pipeline.times import SECOND, duration
from pipeline.told.orders import OrderRow, OrderWhole
from pipeline.told.reasons import Why
from tui.painted import Line, Run
from tui.palette import WARNING
from tui.trades.cells import profit_style, profit_text, result_style, result_text, side_style, side_text
from tui.trades.worth import REAL, Purse
from tui.words import money, plain

Time = Callable[[int], str]
"""How a moment is shown, to the millisecond."""

MEANS = {
    "PREPARE": "its intent is being written",
    "SEND": "sent",
    "SEND_RETRY": "it certainly did not leave; sent once more",
    "CONFIRM": "the venue has the contract",
    "CONFIRM_RETRY": "its end is overdue and asked for",
    "UNKNOWN": "nobody knows whether there is a contract; its key is frozen",
    "UNKNOWN_RESULT": "there is a contract, and nobody knows how it ended; its key is frozen",
    "SETTLED": "settled",
    "CANCELED": "void, the stake came back",
    "ABORT": "there is no contract",
}
STYLES = {"UNKNOWN": "wrong", "UNKNOWN_RESULT": "wrong", "CONFIRM_RETRY": "warn", "SEND_RETRY": "warn", "ABORT": "warn"}


class Event(NamedTuple):
    """Something that happened to an order."""

    at: int
    what: str
    text: str
    style: str = "text"


def timeline(told: OrderWhole, why: Why | None, purse: Purse, delay: str, time: Time, width: int) -> list[Line]:
    """All of it; `delay` is what the report says of late entries, "" where it says nothing."""
    row = told.order
    lines = [*_head(row, purse), Line()]
    before = 0
    for each in sorted(events(told, why, time), key=lambda event: event.at):
        lines += _event(each, before, time, width)
        before = each.at
    lines.append(Line())
    for text, style in remarks(told, delay, time):
        lines += paragraph(text, width, style)
    return lines


def events(told: OrderWhole, why: Why | None, time: Time) -> Iterator[Event]:
    """What happened, in the order in which one thing follows from another."""
    row, decision = told.order, told.decision
    if why is not None and why.quote is not None:
        quote = why.quote
        yield Event(
            quote.at, "quote", f"{quote.bid:.10g} / {quote.ask:.10g}, {quote.age_ms} ms old when it was decided"
        )
    tf = _length(row.timeframe)
    if tf and row.origin == "flow":
        yield Event(row.bar + tf, "bar", "its bar ended")
    if decision is not None:
        yes = sum(each.verdict != "no" for each in decision.gates)
        score = "" if decision.score is None else f", score {decision.score:+.4g}"
        gates = f", {yes} of {len(decision.gates)} gates said yes" if decision.gates else ""
        yield Event(decision.at, "decided", f"{decision.verdict}{score}{gates}")
    for move in told.moves:
        more = ": ".join(part for part in (move.cause.replace("_", " "), move.reason) if part)
        text = MEANS.get(move.status, "") + (f" ({more})" if more else "")
        if move.status == "CONFIRM" and row.contract:
            text += f": {row.contract}, payout {row.payout:.4g}, ends {time(row.expiry)}"
        if move.status == "SETTLED":
            text = f"{result_text(row)} {profit_text(row)}"
        yield Event(move.at, move.status, text, STYLES.get(move.status, "bright"))
    if row.taken_at:
        yield Event(row.taken_at, "heard", "the venue's answer was heard")
    if row.entry_at and row.entry is not None:
        yield Event(row.entry_at, "entry", f"entered at {row.entry:.10g}")
    if row.exit_at and row.exit is not None:
        yield Event(row.exit_at, "exit", f"left at {row.exit:.10g}")
    if row.expiry:
        yield Event(row.expiry, "expiry", "its time was over" if row.ended_at else "its time is over")
    yield from (Event(each.at, "runs on", f"it was to be closed early: {each.reason}", "warn") for each in told.runs_on)
    yield from (
        Event(each.at, "dispute", f"the venue contradicts: {each.was} before, {each.now} now", "wrong")
        for each in told.disputes
    )
    if told.audit is not None:
        yield Event(told.audit.at, "audit", f"settled once more by our own prices: {told.audit.verdict}")


def remarks(told: OrderWhole, delay: str, time: Time) -> Iterator[tuple[str, str]]:
    """What the moments come to: payout and break-even, delay and its cost, and whether the end is explained."""
    row = told.order
    if row.payout:
        agreed = told.decision.payout if told.decision is not None else None
        was = "" if agreed is None or agreed == row.payout else f" ({agreed:.4g} when it was decided)"
        yield f"payout {row.payout:.4g}{was}: break-even {break_even(row.payout) * 100:.1f} %", "text"
    tf = _length(row.timeframe)
    if row.entry_at and tf and row.origin == "flow":
        late = row.entry_at - row.bar - tf
        said = f"; of all of the account: {delay}" if delay else ""
        yield f"entry {late} ms after its bar ended{said}", "text"
    if row.origin != "flow":
        yield "somebody else placed it: the venue lists a contract that no order of this flow accounts for", "warn"
    audit = told.audit
    if audit is None:
        if row.status == "SETTLED":
            yield "not audited yet: it is settled once more when our prices of its end are complete", "dim"
        return
    match audit.verdict:
        case "explained":
            yield "settlement: explained by our own ticks", "up"
        case "unexplained":
            yield f"{WARNING} settlement: NOT explained by our ticks: {audit.reason}", "wrong"
        case _:
            yield f"settlement: our prices do not reach it: {audit.reason}", "warn"
    if audit.entry is not None and audit.exit is not None and audit.entry_at and audit.exit_at:
        prices = f"entry {audit.entry:.10g} at {time(audit.entry_at)}, exit {audit.exit:.10g} at {time(audit.exit_at)}"
        yield f"by our own: {audit.result or 'nothing'} ({prices})", "second"


def paragraph(text: str, width: int, style: str = "text") -> Iterable[Line]:
    """Broken between words, never within a number."""
    return (Line((Run(f" {part}", style),)) for part in wrap(plain(text), max(10, width - 2), break_on_hyphens=False))


def _head(row: OrderRow, purse: Purse) -> Iterator[Line]:
    real = purse.kind == REAL
    yield Line(
        (
            Run(f" {plain(row.account)} ", "real" if real else "bright"),
            Run(f" {plain(purse.kind)} ", "real" if real else "second"),
            Run(f" {plain(row.product)} {row.timeframe} ", "bright"),
            Run(f"{side_text(row)} ", side_style(row)),
            Run(f"{money(row.stake)} {plain(purse.currency)}  ", "bright"),
            Run(result_text(row), result_style(row)),
            Run(f" {profit_text(row)}" if row.status == "SETTLED" else "", profit_style(row)),
        )
    )
    request = f" · request {row.request}" if row.request else ""
    yield Line((Run(f" {plain(row.order)}{plain(request)}", "dim"),))


def _event(event: Event, before: int, time: Time, width: int) -> Iterator[Line]:
    after = _after(event.at - before) if before else ""
    head = f" {time(event.at):<12} {after:>9}  {event.what:<13} "
    parts = wrap(plain(event.text), max(10, width - len(head) - 1), break_on_hyphens=False) or [""]
    yield Line((Run(head, "second"), Run(parts[0], event.style)))
    yield from (Line((Run(" " * len(head)), Run(part, event.style))) for part in parts[1:])


def _after(passed: int) -> str:
    if abs(passed) < 10 * SECOND:
        return f"+{passed} ms"
    return f"+{passed / SECOND:.1f} s"


def _length(timeframe: str) -> int:
    try:
        return duration(timeframe)
    except ValueError:
        return 0
