"""Over what a new replay goes."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pipeline.times import duration, parse_moment
from tui.acts import act
from tui.dialogs import entitle
from tui.field import Field
from tui.modal import Modal
from tui.words import plain

SPAN = "a span like 7d, or FROM TO like 2026-01-05T08:00Z 2026-01-12T08:00Z; nothing: all there is"


class Over(Modal[tuple[str, ...] | None]):
    """Leaves with esc, and nothing begins."""

    BINDINGS: ClassVar[list[BindingType]] = [act("replay.no", "escape", "dismiss(None)", "No", "begin nothing")]

    def __init__(self) -> None:
        super().__init__()
        self._wrong = Static(markup=False, classes="wrong")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(
                Content(
                    "A replay decides by the flow's file as it is now, on the data its sources have, in a process of "
                    "its own. The engine is not touched, but each replay takes a processor."
                ),
                markup=False,
            )
            yield Field(placeholder=SPAN, classes="word")
            yield self._wrong

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), "A new replay", "enter begins · esc no")
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            words = words_of(event.value)
        except ValueError as wrong:
            self._wrong.update(Content(plain(str(wrong))))
            return
        self.dismiss(words)


def words_of(text: str) -> tuple[str, ...]:
    """What the verb is to be told; a `ValueError` says what is wrong."""
    match text.split():
        case []:
            return ()
        case [span]:
            duration(span)
            return ("--for", span)
        case [begin, end]:
            parse_moment(begin)
            parse_moment(end)
            return ("--from", begin, "--to", end)
        case [begin, "for", span]:
            parse_moment(begin)
            duration(span)
            return ("--from", begin, "--for", span)
        case _:
            raise ValueError(f"{text!r} is no span; write {SPAN}")
