"""A decision in lines: what was known when it was made, and apart from that what became known since."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import wrap

from rich.cells import cell_len

from pipeline.told.orders import GateAnswer
from pipeline.told.reasons import SKIPPED, Why
from pipeline.view import TRADED
from tui.painted import Line, Run
from tui.palette import WARNING, WRONG, leaning, side
from tui.palette import WON as YES
from tui.words import figures, fit, money, plain

Time = Callable[[int], str]
"""How a moment is shown, to the millisecond."""
SIDE_BY_SIDE = 100
"""Cells from which on gates stand beside what they were asked about."""
GATES = 60
"""Cells that gates take there."""
SIDES = {1: "CALL", -1: "PUT", 0: "no direction"}
NEAR = 2_000
"""A quote older than this (ms) when it was decided on is said to be old."""


def lines_of(why: Why, width: int, time: Time) -> list[Line]:
    """All of it. What is known only since stands at the end, under its own heading."""
    verdict = list(_verdict(why, width))
    if width >= SIDE_BY_SIDE:
        known = _beside(list(_gates(why, GATES)), list(_known(why, width - GATES - 1, time)), GATES + 1)
    else:
        known = [*_gates(why, width), *_known(why, width, time)]
    return [*verdict, Line(), *known, Line(), *_since(why, width, time)]


def _verdict(why: Why, width: int) -> Iterator[Line]:
    leans = f"{leaning(why.direction)} {SIDES.get(why.direction, '')}"
    score = "unknown" if why.score is None else f"{why.score:+.4g}"
    if why.verdict == TRADED:
        stake = f" {money(why.order.stake)}" if why.order is not None else ""
        head, style = f"traded:{stake} {leans}", side(why.direction) if why.direction else "bright"
    else:
        head, style = f"not traded: {why.verdict} said no", "warn"
        if why.verdict in SKIPPED:
            head = f"not traded: {SKIPPED[why.verdict]} when it became final"
    yield from paragraph(head, width, style)
    yield from paragraph(f"score {score}, {leans}", width, "second")
    if why.what_if is not None:
        yield from paragraph(why.what_if, width, "text")


def _gates(why: Why, width: int) -> Iterator[Line]:
    """Every gate's answer, the first that said no marked."""
    yield heading("gates" if len(why.gates) != 1 else "the gate that said no; decided in a block, others are unknown")
    if not why.gates:
        yield from paragraph("none was asked", width, "dim")
    first = next((at for at, gate in enumerate(why.gates) if gate.verdict == "no"), None)
    for at, gate in enumerate(why.gates):
        yield from _gate(gate, width, first=at == first)


def _gate(gate: GateAnswer, width: int, *, first: bool) -> Iterator[Line]:
    no = gate.verdict == "no"
    style = "wrong" if first else "warn" if no else "text"
    mark = f" {WRONG} no " if no else f" {YES} yes"
    against = f"{number(gate.value):>9} against {number(gate.threshold):<9}"
    head = [Run(mark, style), Run(f" {fit(gate.gate, 13)}", style), Run(against, "second" if not no else style)]
    more = "  ".join(part for part in (plain(gate.word), "◂ first no" if first else "") if part)
    used = sum(cell_len(run.text) for run in head)
    if used + 1 + cell_len(more) <= width:
        yield Line((*head, Run(f" {more}", style if first else "dim")))
        return
    yield Line(tuple(head))
    yield from (Line((Run(f"       {part}", style if first else "dim"),)) for part in wrap(more, max(10, width - 8)))


def _known(why: Why, width: int, time: Time) -> Iterator[Line]:
    """What else there was to know at that moment."""
    yield heading("market")
    bar, quote = why.bar, why.quote
    if bar is not None:
        yield from paragraph(
            f"bar  O {bar.open:.8g}  H {bar.high:.8g}  L {bar.low:.8g}  C {bar.close:.8g}  V {bar.volume:.6g}", width
        )
    if quote is not None:
        old = quote.age_ms > NEAR
        mark = f"{WARNING} " if old else ""
        text = f"{mark}quote {quote.bid:.8g} / {quote.ask:.8g}, {quote.age_ms} ms old when it was decided"
        yield from paragraph(text, width, "warn" if old else "text")
    if bar is None and quote is None:
        yield from paragraph("its prices are remembered for the newest bars only", width, "dim")
    yield from paragraph(f"payout {'unknown' if why.payout is None else f'{why.payout:.4g}'}", width)
    yield from _features(why, width)
    yield from _votes(why, width)
    yield from _standing(why, width, time)


def _features(why: Why, width: int) -> Iterator[Line]:
    yield heading("features")
    if not why.features:
        text = (
            "nobody has them any more: the ledger keeps those of what was traded, the engine those of its newest bars"
        )
        yield from paragraph(text, width, "dim")
        return
    cells = [
        f"{plain(name)} {'not ready' if value is None else f'{value:.6g}'}" for name, value in why.features.items()
    ]
    yield from _packed(cells, width)


def _votes(why: Why, width: int) -> Iterator[Line]:
    yield heading("votes")
    if not why.votes:
        yield from paragraph("nobody keeps votes; the engine remembers those on its newest bars", width, "dim")
    for vote in why.votes:
        strength = "" if vote.strength is None else f" {vote.strength:.3g}"
        if vote.word:
            yield from paragraph(f"{vote.provider} {WRONG} failed in {vote.ensemble}: {vote.word}", width, "wrong")
            continue
        said = f"{leaning(vote.direction)}{strength}"
        runs = Run(f" {fit(plain(vote.provider), 16)} "), Run(fit(said, 9), side(vote.direction))
        yield Line((*runs, Run(fit(f"in {plain(vote.ensemble)}", width - 27), "dim")))


def _standing(why: Why, width: int, time: Time) -> Iterator[Line]:
    """What had been stopped, and what else the account had open."""
    yield heading("the account then")
    for stop in why.stops:
        whom = stop.scope or "everybody"
        yield from paragraph(
            f"{WARNING} {whom} stopped since {time(stop.since)} by {stop.by}: {stop.reason}", width, "warn"
        )
    life = f"key {why.life}" if why.life is not None else "nothing was told of its key's life"
    armed = f"; real money armed until {time(why.armed_until)}" if why.armed_until else ""
    stopped = "" if why.stops else "; nothing was stopped"
    yield from paragraph(f"{life}{armed}{stopped}", width, "second")
    for each in why.open:
        mark = "▲ CALL" if each.direction == "call" else "▼ PUT"
        yield from paragraph(f"{each.state} {each.product} {each.timeframe} {mark} {money(each.stake)}", width)
    if not why.open:
        yield from paragraph("no other order of it had not ended", width, "second")


def _since(why: Why, width: int, time: Time) -> Iterator[Line]:
    """What nobody knew then."""
    yield heading("since then", width)
    order = why.order
    if order is not None:
        result = f"{order.result} {money(order.profit)}" if order.result else order.status
        entry = "" if order.entry is None else f", entry {order.entry:.8g}"
        exit_ = "" if order.exit is None else f" → exit {order.exit:.8g}"
        when = f" at {time(order.ended_at)}" if order.ended_at else ""
        reason = f" ({order.reason})" if order.reason else ""
        yield from paragraph(f"order {order.order}: {result}{when}{entry}{exit_}{reason}", width)
    yield from paragraph(f"a contract of this bar: {why.would_have}", width)


def number(value: float | None) -> str:
    return "unknown" if value is None else figures(value, 4)


def heading(text: str, width: int = 0) -> Line:
    return Line((Run(f" ── {text} ".ljust(width, "─") if width else f" ── {text}", "second"),))


def paragraph(text: str, width: int, style: str = "text") -> Iterable[Line]:
    """Broken between words, never within a number."""
    return (Line((Run(f" {part}", style),)) for part in wrap(plain(text), max(10, width - 2), break_on_hyphens=False))


def _packed(cells: Sequence[str], width: int) -> Iterator[Line]:
    """As many beside each other as fit, in columns."""
    widest = min(max(map(cell_len, cells)), width - 2)
    columns = max(1, (width - 1) // (widest + 2))
    for at in range(0, len(cells), columns):
        row = "".join(fit(cell, widest) + "  " for cell in cells[at : at + columns])
        yield Line((Run(f" {row.rstrip()}"),))


def _beside(left: Sequence[Line], right: Sequence[Line], at: int) -> list[Line]:
    """Two columns of lines; the right one begins in cell `at`."""
    made = list[Line]()
    for row in range(max(len(left), len(right))):
        runs = left[row].runs if row < len(left) else ()
        gap = at - sum(cell_len(run.text) for run in runs)
        more = right[row].runs if row < len(right) else ()
        made.append(Line((*runs, Run(" " * gap), *more)))
    return made
