"""What is asked before an account is let go on, or has to log in again."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.acts import act
from tui.dialogs import Worded, entitle, plain_lines
from tui.field import Field
from tui.modal import Modal


class Released(Worded[str]):
    """A word has to be typed, and behind it why: for what raises risk and is written down. It gives the reason."""

    BINDINGS: ClassVar[list[BindingType]] = [act("released.no", "escape", "dismiss('')", "No", "leave it as it is")]
    HINT: ClassVar[str] = " and why"

    def entered(self, line: str) -> None:
        word, _, reason = line.partition(" ")
        if word == self._word and reason.strip():
            self.dismiss(reason.strip())
        elif word == self._word:
            self._say("\nWhy? What was stopped is released for a reason, which is written down.")
        else:
            self._refuse(word)


class OneTimeCode(Modal[str | None]):
    """A one-time code, which is never shown, kept or logged; nothing typed is a try without one."""

    BINDINGS: ClassVar[list[BindingType]] = [act("code.no", "escape", "dismiss(None)", "No", "leave it as it is")]

    def __init__(self, account: str, *, real: bool = False) -> None:
        super().__init__()
        self._account, self._real = account, real

    def compose(self) -> ComposeResult:
        said = (
            f"{self._account} logs in again with the login there is.\n"
            "Type a one-time code where its venue asks for one; enter alone tries without."
        )
        with Vertical(classes="dialog" + (" -real" if self._real else "")):
            yield Static(Content(plain_lines(said)), markup=False)
            yield Field(password=True, classes="word", max_length=64, placeholder="the code is not shown")

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), f"Log in {self._account}", "esc no", real=self._real)
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())
