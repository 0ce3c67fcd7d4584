"""The kill switch: a dialog that wants a word typed, so that nobody stops everything, or believes to, by accident."""

from collections.abc import Callable
from typing import ClassVar, cast

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pipeline.errors import MoonlightError
from pipeline.view import Status
from tui.brake import Brake
from tui.field import Field
from tui.modal import Modal
from tui.words import plain

ENGINE, LEDGER = "kill", "ledger"
"""What is to be typed to stop everything by the engine, and by its ledger."""


class Kill(Modal[None]):
    """Leaves with esc, and nothing is stopped unless the word was typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Back")]

    def __init__(self, brake: Brake, status: Status | None, note: Callable[[str], None]) -> None:
        super().__init__()
        self._brake = brake
        self._status = status
        self._note = note
        self._word = ENGINE
        self._reason = ""
        self._said = Static(markup=False, id="said")
        self._typed = Field(id="word")

    def compose(self) -> ComposeResult:
        with Vertical(id="kill"):
            yield self._said
            yield self._typed

    def on_mount(self) -> None:
        sheet = self.query_one("#kill")
        sheet.border_title = Content("KILL")
        sheet.border_subtitle = Content("esc back")
        self._say(*_stops(self._status))
        self._ask(ENGINE, "type kill, and why if you like; enter stops everything")
        self._typed.focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        word, _, reason = event.value.strip().partition(" ")
        self._typed.clear()
        if word != self._word:
            self._say(f"{plain(word)!r} is not the word: nothing was stopped.")
            return
        self._reason = reason.strip() or self._reason
        self._typed.disabled = True
        self._desk.run_worker(self._stop(), group="kill")  # the console's, so that esc does not call it off

    async def _stop(self) -> None:
        by_engine, console = self._word == ENGINE, self._desk
        try:
            told = await (self._brake.by_engine if by_engine else self._brake.by_ledger)(self._reason)
        except MoonlightError as problem:
            said = f"NOT STOPPED, as far as is known: {plain(str(problem))}"
            if not self.is_attached:
                self._note(said)
                console.notify(said, severity="error", markup=False)
                return
            self._typed.disabled = False
            self._say(said)
            if by_engine:
                self._ask(LEDGER, "type ledger to write the stop into the flow's ledger instead")
                console.run_worker(self._brake.ready(), group="kill-ready")
            else:
                self._ask(ENGINE, "type kill to try the engine again")
            self._typed.focus()
            return
        self._note(told)
        if not self.is_attached:
            console.notify(plain(told), severity="warning", markup=False)
            return
        where = [] if by_engine else ["It stands in the ledger: whichever engine runs on it, or will, keeps to it."]
        self._say(plain(told), *where, "`resume` releases it, with a reason. Contracts that are open run to their end.")
        self._typed.display = False
        self.focus()

    @property
    def _desk(self) -> App[object]:
        return cast("App[object]", self.app)  # pyright: ignore[reportUnknownMemberType]  # as Textual types it

    def _ask(self, word: str, hint: str) -> None:
        self._word = word
        self._typed.placeholder = hint

    def _say(self, *sentences: str) -> None:
        self._said.update(Content("\n".join(sentences)))


def _stops(status: Status | None) -> tuple[str, ...]:
    """What would stop, and what cannot be stopped."""
    if status is None:
        return ("This stops everything that trades. The engine has not told yet what that is.",)
    real = [plain(account.name) for account in status.accounts if account.money == "real" and not account.rehearsal]
    money = f"; REAL money on {', '.join(real)}" if real else ""
    held = status.orders.open
    contracts = f"{held} open contract{'s' if held != 1 else ''} will run to the end" if held else "nothing is open now"
    return (f"This stops all {len(status.accounts)} accounts{money}.", f"No order leaves any more; {contracts}.")
