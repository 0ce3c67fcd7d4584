"""How often the practice venue may be asked: calls of each account and of each address, in the last minute and hour."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pipeline.times import HOUR, MINUTE, SECOND

Scope = Literal["account", "address", "connection"]


class Rule(NamedTuple):
    """So many calls of some kinds, together, in spans of time (ms)."""

    name: str
    calls: frozenset[str]
    """Empty: all that no other rule of its scope names."""
    most: tuple[tuple[int, int], ...]
    """How many in how long."""
    scope: Scope = "account"


RULES: tuple[Rule, ...] = (
    Rule(
        "trading",
        frozenset({"proposal", "proposal_open_contract", "buy", "sell"}),
        ((360, MINUTE), (14_400, HOUR)),
    ),
    Rule("balance", frozenset({"balance", "statement"}), ((100, MINUTE), (2_000, HOUR))),
    Rule("portfolio", frozenset({"portfolio", "profit_table"}), ((30, MINUTE), (1_500, HOUR))),
    Rule("ping", frozenset({"ping"}), ((10, SECOND),), "connection"),
    Rule("rest", frozenset({"rest"}), ((80, MINUTE),)),
    Rule("rest of an address", frozenset({"rest"}), ((300, MINUTE), (1_000, 10 * MINUTE)), "address"),
    Rule("others", frozenset(), ((220, MINUTE), (14_400, HOUR))),
)
"""Those of the protocol's own page."""


class Limits:
    """Counts what is asked, and says when it is too often. What is refused does not count."""

    def __init__(self, rules: Sequence[Rule] = RULES, *, on: bool = True) -> None:
        self.on = on
        self.note: Callable[[str, str, int], object] | None = None
        """Told of every call, refused or not: which, whose it is, when."""
        self._rules = rules
        self._named = frozenset[str]().union(*(each.calls for each in rules))
        self._asked: dict[tuple[str, str], deque[int]] = {}

    def take(self, call: str, at: int, *, account: str = "", address: str = "", connection: str = "") -> int | None:
        """Count a call; how long to wait (ms) when it is one too many."""
        if self.note is not None:
            self.note(call, account, at)
        if not self.on:
            return None
        whose = {"account": account or address, "address": address, "connection": connection or address}
        asked = [(rule, self._of(rule, whose[rule.scope])) for rule in self._rules if self._is_of(rule, call)]
        wait = max((_wait(rule, times, at) for rule, times in asked), default=0)
        if wait:
            return wait
        for _, times in asked:
            times.append(at)
        return None

    def spent(self, account: str, at: int) -> dict[str, int]:
        """How many calls of each rule an account has made in the last minute."""
        since = at - MINUTE
        return {
            rule: len(times) - bisect_right(times, since)
            for (rule, whose), times in self._asked.items()
            if whose == account
        }

    def _is_of(self, rule: Rule, call: str) -> bool:
        return call in rule.calls if rule.calls else call not in self._named

    def _of(self, rule: Rule, whose: str) -> "deque[int]":
        return self._asked.setdefault((rule.name, whose), deque())


def _wait(rule: Rule, times: "deque[int]", at: int) -> int:
    longest = max(span for _, span in rule.most)
    while times and times[0] <= at - longest:
        times.popleft()
    waits = (times[-most] + span - at for most, span in rule.most if len(times) >= most)
    return max((wait for wait in waits if wait > 0), default=0)
