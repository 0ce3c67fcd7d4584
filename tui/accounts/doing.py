"""What may be done about an account: each asks first, does it by the engine, and says what came of it."""

from pipeline.errors import MoonlightError
from pipeline.told.accounts import AccountWhole, LoggedIn, LogIn
from pipeline.told.keys import Keys, Moved, StartKeys
from pipeline.view import Halt, Stopped
from tui.accounts.dialogs import OneTimeCode, Released
from tui.accounts.table import WholeAccounts, kind_of
from tui.dialogs import Confirm, Typed
from tui.shell import Shell

LOGGING_IN = 30.0
"""Seconds in which a venue may say whether it lets an account in."""
IDLE = ("STOPPED", "STOPPING")


class Doing:
    """What lowers risk is asked once; what raises it wants a word typed. It can neither place an order nor arm."""

    def __init__(self, shell: Shell, table: WholeAccounts) -> None:
        self._shell, self._table = shell, table

    async def turn(self, row: AccountWhole) -> None:
        """Stop all keys of an account; where none trades, start them."""
        lives = [key.life for name, key in self._shell.store.keys.items() if name.account == row.id]
        starts, real = bool(lives) and all(life in IDLE for life in lives), kind_of(row) == "REAL"
        console, what = self._table.console, f"all {row.keys} keys of {row.id}"
        if starts:
            said = f"Start {what}: they trade from their next bar on, as their gates allow."
            asked = Typed(f"Start {row.id}", said, row.id, real=True) if real else None
            asked = asked or Confirm(f"Start {row.id}", said, self._shell.now)
        else:
            said = f"Stop {what}: they trade no more until they are started. What is open is settled."
            asked = Confirm(f"Stop the keys of {row.id}", said, self._shell.now, real=real)
        if not await console.push_screen_wait(asked):
            return
        kind = StartKeys if starts else Keys
        said = kind(account=row.id, reason="in the console", by="console")
        try:
            moved = await self._shell.engine.post("/start" if starts else "/stop", Moved, said)
        except MoonlightError as problem:
            self._say(f"{row.id} stays as it was, as far as is known: {problem}", wrong=True)
            return
        self._say(f"{row.id}: {len(moved.on)} keys trade, {len(moved.off)} are stopped")

    async def stop(self, row: AccountWhole) -> None:
        real = kind_of(row) == "REAL"
        one = row.open == 1
        held = (
            f"{row.open} open contract{' runs to its' if one else 's run to their'} end."
            if row.open
            else "Nothing is open."
        )
        said = f"No order of {row.id} leaves any more, until somebody resumes it with a reason. {held}"
        if not await self._table.console.push_screen_wait(Confirm(f"Stop {row.id}", said, self._shell.now, real=real)):
            return
        try:
            await self._shell.engine.post("/killswitch", Stopped, Halt(row.id, "stopped in the console", "console"))
        except MoonlightError as problem:
            self._say(f"{row.id} is NOT STOPPED, as far as is known: {problem}; ^g stops everything", wrong=True)
            return
        self._say(f"{row.id} is stopped; r resumes it, with a reason")

    async def resume(self, row: AccountWhole) -> None:
        killed = self._shell.store.status is not None and self._shell.store.status.state == "KILLED"
        if not row.stopped and not killed:
            self._say(f"{row.id} is not stopped, so there is nothing to release")
            return
        scope, real = "" if killed else row.id, kind_of(row) == "REAL"
        if killed:
            every = self._shell.store.status.accounts if self._shell.store.status is not None else ()
            real = any(each.money == "real" and not each.rehearsal for each in every)
        who = "EVERYBODY, all accounts that are stopped," if killed else row.id
        why = f" It was stopped: {row.stopped}." if row.stopped else ""
        said = f"{who} may trade again, from the next bar on.{why} Look at why it was stopped first."
        word = "resume" if killed or not real else row.id
        asked = Released(f"Resume {'everybody' if killed else row.id}", said, word, real=real)
        reason = await self._table.console.push_screen_wait(asked)
        if not reason:
            return
        try:
            told = await self._shell.engine.post("/resume", Stopped, Halt(scope, reason, "console"))
        except MoonlightError as problem:
            self._say(f"nothing was released, as far as is known: {problem}", wrong=True)
            return
        left = (
            f"; still stopped: {', '.join(each.scope or 'everybody' for each in told.stopped)}" if told.stopped else ""
        )
        self._say(f"{scope or 'everybody'} was released{left}")

    async def login(self, row: AccountWhole) -> None:
        code = await self._table.console.push_screen_wait(OneTimeCode(row.id, real=kind_of(row) == "REAL"))
        if code is None:
            return
        self._say(f"{row.id} logs in; its venue may take a while", noted=False)
        try:
            told = await self._shell.engine.post("/accounts/login", LoggedIn, LogIn(row.id, code), LOGGING_IN)
        except MoonlightError as problem:
            self._say(str(problem), wrong=True)
            return
        self._say(f"{told.id} is {told.standing}")

    def _say(self, text: str, *, wrong: bool = False, noted: bool = True) -> None:
        """To whoever sits there, and into the console's log."""
        if noted:
            self._shell.store.note("warning" if wrong else "info", text)
        self._table.console.notify(text, severity="error" if wrong else "information", markup=False)


def arming(row: AccountWhole) -> str:
    """The command that arms an account, and why it is no key of the console."""
    if row.money != "real":
        return f"{row.id} plays with {row.money} money: it needs no arming."
    until = "It is armed already; `disarm` ends that at once.\n\n" if row.armed else ""
    return (
        f"{until}Nothing that goes over a network can arm real money, and a console does. Somebody types it at a "
        f"terminal, in the flow's folder:\n\n  python -m pipeline arm {row.id} --for 2h\n\n"
        "It shows on whose word one may trade there, the limits, the last certificate and what the record proves; then "
        "it asks for the account's name. It ends by itself, after twelve hours at the most, or at once:\n\n"
        f"  python -m pipeline disarm {row.id}"
    )
