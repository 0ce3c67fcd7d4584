"""A storm on the wire, drawn from a seed: which fault strikes whom, the how manieth of its kind or after how long."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from numpy.random import PCG64, Generator

from pipeline.broker.faults import PLACE_OF, PLACES, Place

Fault = Mapping[str, Any]
"""As the venue's admin takes it."""

TERMINAL = ("http_403", "token_expiry", "ban", "login_http_401", "login_http_403")
"""After these an account waits for a person: they strike one account, when most is over."""
BY_HAND = ("external",)
CONTRADICTING = ("changed_settlement", "wrong_settlement")
"""What a venue does that no wire does: certificates and audits name it."""
SAFE = tuple(what for what in PLACE_OF if what not in (*TERMINAL, *BY_HAND, *CONTRADICTING))
"""What an account comes through by itself, and with a clean certificate."""
BRIEF = (
    *("lost_request", "reset_before", "http_503", "http_429", "price_moved", "lost_ack", "duplicate_ack", "late_ack"),
    *("reset_after", "http_503_accepted", "bad_body", "lost_settlement", "duplicate_settlement", "late_settlement"),
    *("failed_listing", "stale_listing", "socket_dropped", "frame_duplicated", "frame_held_back", "call_late"),
    *("call_http_503", "expired_otp", "slow", "unknown_fields", "numbers_as_text", "text_as_numbers", "no_echo"),
    *("outage", "deposit", "withdrawal"),
)
"""What is over within less than a second: no answer is lost that is waited for until its deadline."""

VISITS: Mapping[Place, int] = {
    "order": 40,
    "end": 40,
    "price": 40,
    "sale": 20,
    "listing": 500,
    "call": 500,
    "connection": 3,
    "frame": 4000,
}
"""How many come to each place in a real minute, at least: what is drawn beyond would never strike."""
LASTS: Mapping[str, tuple[int, int]] = {
    "outage": (10, 90),
    "half_open": (20, 120),
    "maintenance": (30, 300),
    "slow": (60, 300),
    "tick_gap": (5, 40),
    "token_expiry": (10, 60),
    "ban": (30, 60),
}
"""Seconds on the venue's clock."""
USUAL = (120, 600)
"""Of spans in which answers have another shape."""
LATE: Mapping[str, str] = {"slow": "2s", "call_late": "5s", "late_ack": "40s", "timeout": "30s", "stale_listing": "10s"}
SALES = 20
"""Of so many orders in a row the sale is struck: few contracts are sold back at all."""
OWN = frozenset({"frame", "connection"})
"""What strikes one account's sockets: prices come by a socket that is nobody's, and the audit needs every tick."""


def drawn(
    seed: int,
    kinds: Collection[str],
    accounts: tuple[str, ...],
    products: tuple[str, ...],
    minutes: float,
    speed: float,
) -> list[Fault]:
    """Some of each kind, over so many real minutes from when they are set."""
    chance = Generator(PCG64(seed))
    return [fault for what in sorted(kinds) for fault in _several(chance, what, accounts, products, minutes, speed)]


def _several(
    chance: Generator, what: str, accounts: tuple[str, ...], products: tuple[str, ...], minutes: float, speed: float
) -> Iterator[Fault]:
    place = PLACE_OF[what]  # type: ignore[index]  # the names of kinds
    terminal = what in TERMINAL
    for _ in range(1 if terminal else max(1, round(minutes * 0.4))):
        account = accounts[-1] if terminal else accounts[int(chance.integers(len(accounts)))]
        begin, end = (0.85, 0.95) if terminal else (0.0, 0.8)
        share = float(chance.uniform(begin, end))
        late = {"late": LATE[what]} if what in LATE else {}
        if place == "span":
            least, most = LASTS.get(what, USUAL)
            lasts = f"{int(chance.integers(least, most + 1))}s"
            product = {"product": products[int(chance.integers(len(products)))]} if what == "tick_gap" else {}
            # An outage or a venue in maintenance is everybody's.
            whose = {} if what in ("tick_gap", "outage", "maintenance", "slow") else {"account": account}
            yield {"what": what, "after": _after(share, minutes, speed), "lasts": lasts, **whose, **product, **late}
        elif place == "moment":
            amount = f"{int(chance.integers(1, 9))}.{int(chance.integers(10, 100))}"
            product = {"product": products[int(chance.integers(len(products)))]} if what == "external" else {}
            yield {
                "what": what,
                "after": _after(share, minutes, speed),
                "account": account,
                "amount": amount,
                **product,
            }
        else:
            several = VISITS[place] * minutes / (len(accounts) if place in OWN or terminal else 1)
            whose = {"account": account} if place in OWN or terminal else {}
            row = {"times": SALES} if place == "sale" else {}
            yield {"what": what, "nth": 1 + int(share * several), **row, **whose, **late}


def _after(share: float, minutes: float, speed: float) -> str:
    return f"{int(share * minutes * 60 * speed)}s"


KINDS = tuple(what for several in PLACES.values() for what in several)
