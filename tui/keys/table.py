"""Every key on one row: what it costs, what was decided last, how it does, and whether it trades at all."""

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import ClassVar

from pipeline.times import DAY, timeframe
from pipeline.view import TRADED, KeyName, KeyRow
from tui.columns import Column
from tui.keys.naming import next_timeframe
from tui.palette import ENDED, HALTED, WARNING, leaning, side
from tui.shell import Shell
from tui.table import Table
from tui.words import age_text, gain, money, price_text, signed

LIVES = {"PAUSED": HALTED, "RELOAD": HALTED, "STOPPING": HALTED, "STOPPED": ENDED}
"""The marks of lives that trade nothing."""
STATES = {"STALE": WARNING, "FROZEN": WARNING}
"""The marks of states in which something is amiss."""
OLD = 2.0
"""Seconds without a price after which a row is dim."""
STOPPED = ("STOPPING", "STOPPED")

Keys = tuple[Column[KeyRow], ...]


class KeysTable(Table[KeyRow]):
    """Every key of the flow. Moving chooses the key whose chart is shown; enter goes to its page.

    `decided` has the last bar's verdict: `trade`, or the gate that said no, with the direction it would have had.
    `err` counts errors in a row, `close` is when the last bar ended. A dim row has had no price for a while; a key with
    a mark before its state does not trade.
    """

    hertz = 10.0
    NAME: ClassVar[str] = "Keys"

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._made: tuple[object, Keys] = (None, ())
        self._newest = 0

    @property
    def name_chosen(self) -> KeyName | None:
        """The key under the cursor."""
        return self.chosen if isinstance(self.chosen, KeyName) else None

    def next_timeframe(self) -> None:
        """Choose the same account and product in the next longer timeframe, after the longest the shortest."""
        if self.name_chosen is not None:
            self.choose(next_timeframe(self.name_chosen, self.store.keys))
            self.look()

    def version(self) -> int:
        return self.store.keys_told

    def rows(self) -> Iterable[KeyRow]:
        rows = self.store.keys.values()
        self._newest = max((row.updated for row in rows), default=0)
        return rows

    def changes(self, since: object) -> Mapping[KeyName, KeyRow] | None:
        rows = self.store.keys_since(since) if isinstance(since, int) else None
        if rows is not None:
            self._newest = max(self._newest, max([row.updated for row in rows.values()], default=0))
        return rows

    def key(self, row: KeyRow) -> Hashable:
        return row.name

    def title(self, shown: int, total: int) -> str:
        return f"Keys {shown}/{total}"

    def subtitle(self) -> str:
        newest = self._newest
        return f"newest price {age_text(self.store.age(newest, self.now()))} old" if newest else "no prices yet"

    def fresh(self, row: KeyRow) -> object:
        seconds = self._age(row)
        return age_text(seconds) if any(column.ages for column in self._fitted[1]) else seconds > OLD

    def empty(self) -> str:
        if self.store.hello is None:
            return self.store.why
        if not self.store.keys_told:
            return "asking for the keys"
        return self.store.without_keys

    def columns(self) -> Keys:
        status = self.store.status
        accounts = status.accounts if status is not None else ()
        real = frozenset(each.name for each in accounts if each.money == "real" and not each.rehearsal)
        facts = (real, self.shell.zone)
        if facts != self._made[0]:
            self._made = (facts, self._columns_of(real))
        return self._made[1]

    def _columns_of(self, real: frozenset[str]) -> Keys:
        def plainly(row: KeyRow) -> str:
            return "text" if self._age(row) <= OLD else "dim"

        def account(row: KeyRow) -> str:
            return f"{row.account} REAL" if row.account in real else row.account

        return (
            Column("account", 7, account, lambda row: "real" if row.account in real else plainly(row), goes=3, most=16),
            Column("product", 7, lambda row: row.product, plainly, most=12),
            Column("tf", 3, lambda row: row.timeframe, plainly, sort=lambda row: timeframe(row.timeframe)),
            Column("price", 9, _price, plainly, right=True, goes=1, sort=lambda row: row.price),
            Column("decided", 12, _decided, _decided_style, goes=2, find=_decided_words),
            Column("score", 6, lambda row: signed(row.score), _decided_style, right=True, goes=8, sort=_score),
            Column("open", 4, lambda row: str(row.open) if row.open else "─", plainly, right=True, goes=7),
            Column(
                "P/L",
                9,
                lambda row: money(row.profit),
                lambda row: side(gain(row.profit)),
                right=True,
                goes=1,
                sort=_profit,
            ),
            Column("state", 10, state_text, _state_style, goes=4, sort=state_of),
            Column("err", 3, lambda row: str(row.errors) if row.errors else "─", _error_style, right=True, goes=5),
            Column("close", 6, self._close, lambda _: "dim", right=True, goes=6, sort=_closed),
            Column("age", 5, self._age_text, lambda _: "dim", right=True, goes=9, sort=self._age, ages=True),
            Column("reason", 12, lambda row: row.life_why, lambda _: "second", goes=10, most=48),
            Column("life", 8, lambda row: row.life, lambda _: "dim", goes=11),
        )

    def _age(self, row: KeyRow) -> float:
        return self.store.age(row.updated, self.now()) if row.updated else math.inf

    def _age_text(self, row: KeyRow) -> str:
        return age_text(self._age(row)) if row.updated else "─"

    def _close(self, row: KeyRow) -> str:
        """When the last bar ended; the day where that is long ago."""
        ended = _closed(row)
        return "─" if ended is None else self.shell.time(ended, "%H:%M" if self.shell.clock - ended < DAY else "%d %b")


def state_of(row: KeyRow) -> str:
    """What keeps a key from trading by itself comes before what its market does."""
    return row.life if row.life in LIVES else row.state


def state_text(row: KeyRow) -> str:
    state = state_of(row)
    mark = LIVES.get(state) or STATES.get(state)
    return f"{mark} {state}" if mark else state


def _state_style(row: KeyRow) -> str:
    return "warn" if state_of(row) in (*LIVES, *STATES) else "dim"


def _price(row: KeyRow) -> str:
    return price_text(row.price, row.digits)


def _score(row: KeyRow) -> float | None:
    return row.score


def _profit(row: KeyRow) -> float | None:
    try:
        return float(row.profit)
    except ValueError:
        return None


def _decided(row: KeyRow) -> str:
    return f"{leaning(row.direction)} {row.verdict}"


def _decided_words(row: KeyRow) -> str:
    return f"{_decided(row)} {({1: 'call', -1: 'put'}).get(row.direction, '')}".rstrip()


def _decided_style(row: KeyRow) -> str:
    return side(row.direction) if row.verdict == TRADED else "dim"


def _error_style(row: KeyRow) -> str:
    return "wrong" if row.errors else "dim"


def _closed(row: KeyRow) -> int | None:
    return row.last_bar + timeframe(row.timeframe) if row.last_bar else None
