"""What Deriv offers of each symbol, read anew every hour: nothing of it is known for good."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pipeline.connections.contract import Priority
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.refusals import NOT_OFFERED, Refused
from pipeline.deriv.requests import Request
from pipeline.tables import nearest
from pipeline.times import DAY, HOUR, MINUTE, SECOND, timeframe_name

Ask = Callable[[Request, Priority], Awaitable[Answer]]

_DURATION = re.compile(r"([1-9]\d{0,5})([smhd])")
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}


class Span(NamedTuple):
    """So short and so long a kind of contract may be (ms)."""

    kind: str
    shortest: int
    longest: int


class Offers:
    """The durations that each symbol may be bought in."""

    def __init__(self, ask: Ask, now: Callable[[], int]) -> None:
        self._ask, self._now = ask, now
        self._spans: dict[str, tuple[int, tuple[Span, ...]]] = {}
        self._unoffered: dict[str, tuple[int, str]] = {}
        """Symbols that nothing is offered of, until when that is taken for so, and why."""

    async def refusal(self, product: str, symbol: str, kind: str, tf: int, priority: Priority) -> str:
        """Why a contract cannot be bought at all; nothing when it may be."""
        until, why = self._unoffered.get(symbol, (None, ""))
        if until is not None and self._now() < until:
            return why
        try:
            spans = [each for each in await self._of(symbol, priority) if each.kind == kind]
        except Refused as refused:
            if refused.code not in NOT_OFFERED:
                raise
            why, lasts = await self._unknown(product, symbol, priority)
            self._unoffered[symbol] = self._now() + lasts, why
            return why
        if any(each.shortest <= tf <= each.longest for each in spans):
            return ""
        offered = ", ".join(f"{_length(each.shortest)} to {_length(each.longest)}" for each in spans)
        return f"{symbol} is not offered for {_length(tf)}: {kind} has {offered or 'no duration that is a time'}"

    async def _of(self, symbol: str, priority: Priority) -> tuple[Span, ...]:
        asked, spans = self._spans.get(symbol, (None, ()))
        if asked is None or self._now() - asked >= HOUR:
            spans = tuple(spans_of(await self._ask(requests.contracts_for(symbol), priority)))
            self._spans[symbol] = self._now(), spans
        return spans

    async def _unknown(self, product: str, symbol: str, priority: Priority) -> tuple[str, int]:
        """That a symbol is none, and which was perhaps meant; and for how long (ms) that is certain."""
        listed = await self._ask(requests.SYMBOLS, priority)
        symbols = [row.text("underlying_symbol") for row in listed.rows("active_symbols")]
        if symbol in symbols:
            return f"{symbol} is not offered now", MINUTE
        meant = [each for each in symbols if each.endswith(symbol)] or symbols
        how = f'write symbols = {{ {product} = "{meant[0]}" }}' if len(meant) == 1 else nearest(symbol, symbols)
        return f"{symbol} is no symbol that can be traded there; {how}", HOUR


def spans_of(frame: Answer) -> list[Span]:
    """The durations in an answer to contracts_for, those that are times: a number of ticks is none."""
    found: list[Span] = []
    for row in frame.table("contracts_for").rows("available"):
        shortest = millis_of(row.name("min_contract_duration", default=""))
        longest = millis_of(row.name("max_contract_duration", default=""))
        if shortest and longest:
            found.append(Span(row.text("contract_type"), shortest, longest))
    return found


def millis_of(text: str) -> int:
    """A duration such as 15s or 365d; 0 for a number of ticks, and for anything else."""
    found = _DURATION.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else 0


def refused(product: str, why: str) -> CallFailed:
    """The failure of an order for what is not offered."""
    return CallFailed("rule", f"{product}: {why}", fate="refused")


def _length(millis: int) -> str:
    return f"{millis // SECOND}s" if millis % MINUTE else timeframe_name(millis)
