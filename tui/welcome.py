"""The first start: three steps, and never again."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.acts import act
from tui.dialogs import entitle, plain_lines
from tui.modal import Modal
from tui.store import Store

Step = tuple[str, str]


class Welcome(Modal[bool]):
    """`enter` leads on, `esc` out. What is on the screen behind it goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("welcome.next", "enter,space,right", "turn(1)", "Next", "the next step"),
        act("welcome.before", "left", "turn(-1)", "Before", "the step before"),
        act("welcome.out", "escape,q", "dismiss(True)", "Out", "straight to the console"),
    ]

    def __init__(self, steps: Callable[[], tuple[Step, ...]]) -> None:
        super().__init__()
        self._steps = steps
        self._at = 0
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -long"):
            yield self._text

    def on_mount(self) -> None:
        self._show()
        self.set_interval(1.0, self._show)

    def action_turn(self, steps: int) -> None:
        self._at += steps
        if self._at >= len(self._steps()):
            self.dismiss(True)
            return
        self._at = max(0, self._at)
        self._show()

    def _show(self) -> None:
        steps = self._steps()
        title, text = steps[self._at]
        self._text.update(Content(plain_lines(text)))
        last = self._at + 1 == len(steps)
        leads = "enter begins" if last else "enter next · esc skip"
        entitle(self.query_one(Vertical), f"{self._at + 1} of {len(steps)} · {title}", leads)


def steps_of(store: Store) -> tuple[Step, ...]:
    """What is running here, how to move, and what may happen by it."""
    return (("What you look at", _running(store)), ("How to move", MOVING), ("What it may do", CHANGING))


def _running(store: Store) -> str:
    status, hello = store.status, store.hello
    if status is None or hello is None:
        engine = "No engine has answered yet; it is looked for all the time, and `s` starts one."
    else:
        real = [row.name for row in status.accounts if row.money == "real" and not row.rehearsal]
        money = f"REAL money is on {', '.join(real)}" if real else "no real money is in it: practice and demo accounts"
        armed = [row.name for row in status.accounts if row.armed and row.money == "real"]
        trades = f"; {', '.join(armed)} may trade now" if armed else ", and it trades only after `arm`" if real else ""
        engine = f"{hello.flow} runs in mode {hello.mode} with {status.keys} keys; {money}{trades}."
    return (
        f"{engine}\n\n"
        "A key is an account, a product and a timeframe: demo-1 EURUSD 1m. At the end of each bar it is decided: "
        "traded, or stopped by a gate, which is named.\n\n"
        "A contract that pays 85 % must be won 54.1 times in 100 to lose nothing (1 / 1.85). So no win rate is shown "
        "without its interval, and without the rate at which it would be even. None of it is a forecast."
    )


MOVING = (
    "1 … 0   pages: dashboard, keys, chart, trades, feed, flow, edit, accounts, research, logs\n"
    "S  ,    strategies and settings\n"
    "tab     the next panel; ^o puts a letter on each; ^t makes one as large as the screen\n"
    "/       fewer rows: words, field:value, pl<0, !not, a|b\n"
    ":       a command: chart EURUSD 1m       ^p  everything that can be done, found by any of its letters\n"
    "w       why a bar was traded or not, and what was known then\n"
    "?       what the keys do here; [ and ] back and forward; q leaves, and the engine goes on"
)
CHANGING = (
    "This console looks, and changes nothing. ^y takes control: then keys can be started and stopped, contracts closed "
    "early, and the flow's file be changed. What follows is said before, and asked.\n\n"
    "^g is the kill switch, always, everywhere: it asks for the word `kill`. What is open runs to its end.\n\n"
    "No order can be placed from here, and real money cannot be armed from here: that is typed in a shell, as `arm`."
)
