"""Typing a moment to go to: a time of the day one looks at, or a day and a time."""

import re
from datetime import tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pipeline.errors import InputError
from pipeline.times import parse_moment
from tui.acts import act
from tui.dialogs import entitle, plain_lines
from tui.field import Field
from tui.modal import Modal
from tui.words import moment

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


class TypedMoment(Modal[int]):
    """Gives the moment typed, in ms UTC; 0 for none."""

    BINDINGS: ClassVar[list[BindingType]] = [act("moment.back", "escape", "dismiss(0)", "Back", "stay where one is")]
    DEFAULT_CSS = """
    TypedMoment {
        align: center middle;
        background: $ground 60%;
    }
    """

    def __init__(self, zone: tzinfo, day: int) -> None:
        """Times are in `zone`; one without a day is of the day of `day`."""
        super().__init__()
        self._zone, self._day = zone, day
        self._said = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield self._said
            yield Field(placeholder="12:03 or 2026-01-05 12:03", classes="word")

    def on_mount(self) -> None:
        entitle(self.query_one(Vertical), "to a moment", "enter goes there · esc back")
        self._say(f"A time of {moment(self._day, self._zone):%Y-%m-%d}, or a day and a time, in {self._zone}.")
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            self.dismiss(moment_typed(event.value, self._zone, self._day))
        except InputError as wrong:
            self._say(str(wrong))

    def _say(self, text: str) -> None:
        self._said.update(Content(plain_lines(text)))


def moment_typed(text: str, zone: tzinfo, day: int) -> int:
    """What a person typed, in ms UTC; an `InputError` says how to write it."""
    text = text.strip()
    time = _TIME.fullmatch(text)
    try:
        if time is not None:
            hour, minute, second = (int(part or 0) for part in time.groups())
            of_day = moment(day, zone).replace(hour=hour, minute=minute, second=second, microsecond=0)
            return round(of_day.timestamp() * 1000)
        found = parse_moment(text, zone)
    except (ValueError, OverflowError, OSError):
        found = 0
    if not 0 < found < 2**53:
        raise InputError(f"{text!r} is no moment; write 12:03, 12:03:30 or 2026-01-05 12:03")
    return found
