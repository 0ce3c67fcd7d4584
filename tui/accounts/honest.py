"""What trades prove, and how little: the report of the engine, each kind of money by itself."""

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tui.accounts.numbers import lines_of
from tui.accounts.report import Report
from tui.asking import Answer
from tui.painted import Line
from tui.scrolled import Scrolled
from tui.shell import Shell
from tui.words import age_text

EVERY, SELDOM = 5.0, 60.0
"""Seconds between two questions at least while trades end; and while none does."""


class Allowed(Struct, frozen=True):
    """On what terms the venue of an account may be traded at."""

    id: str
    money: str = ""
    rehearsal: bool = False
    permission: str = ""


class Permissions(Struct, frozen=True):
    """Of all accounts."""

    accounts: tuple[Allowed, ...] = ()


class HonestPanel(Scrolled):
    """A win rate with its interval, its break-even and how many independent trades it is worth; the evidence, which may
    be looked at after every trade; what a stake brought, what luck alone would have; what the venue paid and when.

    Kinds of money stand in tables of their own and are never added up. Nothing of it is a forecast.
    """

    hertz: ClassVar[float] = 1.0

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.account = ""
        """Whose trades; "" all."""
        self.report: Answer[Report] = Answer()
        self.permissions: Answer[Permissions] = Answer()
        self._asked: tuple[object, float] = (None, float("-inf"))
        self._drawn: tuple[object, list[Line]] = (None, [])

    def of(self, account: str) -> None:
        """Show the trades of an account."""
        if account != self.account:
            self.account = account
            self.report, self._asked = Answer(), (None, float("-inf"))
            self.look()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._ask)

    def on_show(self) -> None:
        super().on_show()
        self._ask()

    def lines(self, width: int) -> Sequence[Line]:
        if self.report.value is None:
            return ()
        facts = (self.report.value, width, self._permission)
        if self._drawn[0] != facts:
            self._drawn = facts, lines_of(*facts)
        return self._drawn[1]

    def title(self) -> str:
        return f"Honest numbers · {self.account or 'all accounts'}"

    def subtitle(self) -> str:
        if self.report.value is None:
            return ""
        why = f"{self.report.why} · " if self.report.why else ""
        return f"{why}{age_text(self.now() - self.report.at)} old"

    def empty(self) -> str:
        if self.report.value is not None:
            return f"no settled trade yet, so there is nothing to say. {self.report.value.note}"
        if self.report.why:
            return f"no report: {self.report.why}"
        return "asking what the trades prove" if self.store.state == "up" else self.store.why

    @property
    def _permission(self) -> str:
        """The words of the venues where real money is."""
        told = self.permissions.value.accounts if self.permissions.value is not None else ()
        said = [
            each.permission
            for each in told
            if each.money == "real" and not each.rehearsal and self.account in ("", each.id) and each.permission
        ]
        return "; ".join(dict.fromkeys(said))

    def _ask(self) -> None:
        """Anew when trades ended; only while somebody looks."""
        if not (self.is_attached and self.is_seen) or self.store.state != "up":
            return
        settled = self.store.status.orders.settled if self.store.status is not None else None
        life = self.store.hello.started if self.store.hello is not None else 0
        known, at = self._asked
        waited = self.now() - at
        if waited < EVERY or (known == (settled, life) and waited < SELDOM):
            return
        self._asked = (settled, life), self.now()
        self.run_worker(self._look(self.report), group="honest", exclusive=True)

    async def _look(self, report: Answer[Report]) -> None:
        engine, account = self.shell.engine, self.account
        await report.ask(lambda: engine.get("/report", Report, account=account), self.now)
        real = any(each.money == "real" for each in (self.store.status.accounts if self.store.status else ()))
        if real and self.permissions.value is None:
            await self.permissions.ask(lambda: engine.get("/accounts", Permissions), self.now)
        self.look()
