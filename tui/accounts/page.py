"""The accounts: every one on a row, and of the chosen one all there is to know, and what its trades prove."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from pipeline.told.accounts import AccountsTold, AccountWhole
from pipeline.view import Topics
from tui.accounts.details import AccountPanel
from tui.accounts.doing import Doing, arming
from tui.accounts.honest import HonestPanel
from tui.accounts.table import WholeAccounts
from tui.acts import act
from tui.asking import Answer
from tui.dialogs import Notice
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

EVERY = 1.0
"""Seconds between two questions while somebody looks."""
KEYS = 1.0


class AccountsPage(Page):
    """Every account on a row; below it the chosen one, with its limits and how much of them is used, and what its
    trades prove. What changes something waits for `^y`; what raises risk wants a word typed.
    """

    NAME: ClassVar[str] = "accounts"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (WholeAccounts, AccountPanel, HonestPanel)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("accounts.keys", "s", "keys", "Start/Stop", "start or stop all keys of the account", changes=True),
        act("accounts.stop", "x", "stop", "Stop", "stop the account: no order of it leaves any more", changes=True),
        act("accounts.resume", "r", "resume", "Resume", "release what was stopped; asks for a reason", changes=True),
        act("accounts.login", "l", "login", "Log in", "let it try to log in again, with a code", changes=True),
        act("accounts.arm", "a", "arm", "Arm", "how real money is armed: not here"),
    ]
    DEFAULT_CSS = """
    #accounts-table { height: 1fr; min-height: 7; }
    #accounts-below { height: 2fr; layout: horizontal; }
    #accounts-one, #accounts-honest { width: 1fr; height: 100%; }
    Screen.-narrow #accounts-below { layout: vertical; }
    Screen.-narrow #accounts-one, Screen.-narrow #accounts-honest { width: 100%; height: 1fr; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.answer: Answer[AccountsTold] = Answer()
        self.table = WholeAccounts(shell, "accounts-table", self.answer)
        self.one = AccountPanel(shell, "accounts-one")
        self.honest = HonestPanel(shell, "accounts-honest")
        self._doing = Doing(shell, self.table)

    def compose(self) -> ComposeResult:
        yield self.table
        with Container(id="accounts-below"):
            yield self.one
            yield self.honest

    def on_mount(self) -> None:
        self.set_interval(EVERY, self._ask)

    @property
    def topics(self) -> Topics:
        return Topics(keys=KEYS)

    @property
    def first(self) -> WholeAccounts:
        return self.table

    @property
    def missing(self) -> str:
        if self.answer.value is None and not self.answer.why:
            return "no accounts yet"
        return "" if self.honest.report.value is not None or self.honest.report.why else "no report yet"

    def fronted(self) -> None:
        self._ask()

    def open(self, subject: object) -> None:
        if isinstance(subject, str):
            self.table.choose(subject)

    @on(WholeAccounts.Chosen)
    def _show(self, event: WholeAccounts.Chosen) -> None:
        self.one.show(event.row)
        self.honest.of(event.row.id)

    @on(WholeAccounts.Opened)
    def _go_in(self) -> None:
        self.screen.set_focus(self.one)

    def action_keys(self) -> None:
        self._do(self._doing.turn)

    def action_stop(self) -> None:
        self._do(self._doing.stop)

    def action_resume(self) -> None:
        self._do(self._doing.resume)

    def action_login(self) -> None:
        self._do(self._doing.login)

    def action_arm(self) -> None:
        if (row := self.table.row) is not None:
            self.table.console.push_screen(Notice(f"Arming {row.id}", arming(row)))

    def _do(self, what: Callable[[AccountWhole], Awaitable[None]]) -> None:
        """What is asked first, of the account under the cursor."""
        if (row := self.table.row) is not None:
            self.run_worker(self._done(what, row), group="accounts-act")

    async def _done(self, what: Callable[[AccountWhole], Awaitable[None]], row: AccountWhole) -> None:
        await what(row)
        self._ask()

    def _ask(self) -> None:
        if self.in_front and self.store.state == "up":
            self.run_worker(self._look(), group="accounts")

    async def _look(self) -> None:
        await self.answer.ask(lambda: self.shell.engine.get("/accounts", AccountsTold), self.now)
        if (row := self.table.row) is not None:
            self.table.look()
            fresh = next((each for each in self.table.rows() if each.id == row.id), row)
            self.one.show(fresh)
