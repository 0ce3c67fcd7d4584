"""A broker that lives on while engines come and go: its book, and what it answers to a message.

It knows no clock. The time is what the last message says it is; an order may come to life a little later than it was
sent. Asked twice for the same thing it does it twice, so whoever sends an order again is found out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from zlib import crc32

Message = dict[str, Any]
OPENING = Decimal("1000.00")
PAYOUT = Decimal("0.9")


@dataclass(frozen=True)
class Deal:
    """A contract."""

    contract: str
    request: str
    order: str
    account: str
    product: str
    tf: int
    direction: str
    stake: Decimal
    accepted_at: int
    ended: bool = False

    @property
    def expiry(self) -> int:
        return self.accepted_at + self.tf

    @property
    def result(self) -> str:
        return "win" if crc32(self.contract.encode()) % 2 else "lose"

    @property
    def profit(self) -> Decimal:
        return self.stake * PAYOUT if self.result == "win" else -self.stake


@dataclass
class Broker:
    """What it holds of everybody."""

    late_ms: int = 0
    """So much later an order may come to life."""
    deals: dict[str, Deal] = field(default_factory=dict[str, Deal])
    asked: list[str] = field(default_factory=list[str])
    """The requests that reached it, in order."""
    _coming: list[tuple[int, Message]] = field(default_factory=list[tuple[int, Message]])
    """Orders that come to life at a moment."""

    def answers(self, message: Message, *, late: bool = False) -> Iterator[Message]:
        """What it says to a message; an order may be `late`."""
        at: int = message["at"]
        yield from self._goes_on(at)
        match message["do"]:
            case "place":
                self.asked.append(message["request"])
                if late:
                    self._coming.append((at + self.late_ms, message))
                else:
                    yield self._open(message, at)
            case "end":
                yield from self._end(message["contract"], at)
            case "list":
                yield self._statement(message, at)
            case _:
                pass

    def of_request(self, request: str) -> list[Deal]:
        return [deal for deal in self.deals.values() if deal.request == request]

    def _goes_on(self, at: int) -> Iterator[Message]:
        due = [(when, each) for when, each in self._coming if when <= at]
        self._coming = [(when, each) for when, each in self._coming if when > at]
        for when, each in due:
            yield self._open(each, when)

    def _open(self, message: Message, at: int) -> Message:
        named = {name: message[name] for name in ("request", "order", "account", "product", "tf", "direction")}
        deal = Deal(f"C-{len(self.deals) + 1}", stake=Decimal(message["stake"]), accepted_at=at + 1, **named)
        self.deals[deal.contract] = deal
        taken = {"contract": deal.contract, "at": deal.accepted_at, "expiry": deal.expiry, "payout": float(PAYOUT)}
        return {"said": "ack", "order": deal.order, **taken}

    def _end(self, contract: str, at: int) -> Iterator[Message]:
        deal = self.deals[contract]
        if at >= deal.expiry:
            self.deals[contract] = replace(deal, ended=True)
            yield {"said": "end", "order": deal.order, **_ending(deal), "at": at}

    def _statement(self, message: Message, at: int) -> Message:
        mine = [deal for deal in self.deals.values() if deal.account == message["account"]]
        worth = sum((_worth(deal, at) for deal in mine), Decimal(0))
        listed = [
            _listed(deal, at)
            for deal in mine
            if (deal.contract == message["contract"] if message["contract"] else _touched(deal, message["since"], at))
        ]
        return {
            "said": "statement",
            **{name: message[name] for name in ("account", "number", "since", "contract")},
            "as_of": at,
            "contracts": listed,
            "balance": str(OPENING + worth),
        }


def _worth(deal: Deal, at: int) -> Decimal:
    return deal.profit if at >= deal.expiry else -deal.stake


def _touched(deal: Deal, since: int, at: int) -> bool:
    return deal.expiry > at or deal.expiry >= since


def _ending(deal: Deal) -> Message:
    prices = {"entry_ts": deal.accepted_at, "entry": 1.1, "exit_ts": deal.expiry, "exit": 1.2}
    return {"result": deal.result, "profit": str(deal.profit), **prices}


def _listed(deal: Deal, at: int) -> Message:
    facts = {name: getattr(deal, name) for name in ("contract", "request", "product", "tf", "direction")}
    times = {"accepted_at": deal.accepted_at, "expiry": deal.expiry}
    end = {**_ending(deal), "closed_at": deal.expiry} if at >= deal.expiry else {}
    return {**facts, **times, "stake": str(deal.stake), "payout": float(PAYOUT), **end}
