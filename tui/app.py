"""The console: its regions and its keys. It looks at an engine and leaves it alone, but for the kill switch."""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Input, Static

from pipeline.view import Topics
from tui import palette
from tui.brake import Brake
from tui.candle_chart import CandleChart
from tui.feed_page import RATE, FeedPage
from tui.help import Help
from tui.keys_table import KeysTable
from tui.kill import Kill
from tui.link import Link, Store
from tui.log_view import LogView
from tui.painted import Panel
from tui.status_row import StatusRow

SMALLEST = (60, 16)
RATES = Topics(status=1, keys=10, log=5)


class Console(App[None]):
    """Panels beside each other, over what `store` holds; `link` is told what they want to know."""

    CSS_PATH = "app.tcss"
    TITLE = "moonlight"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual declares it for instances, so no ClassVar
        (0, "-tiny"),
        (SMALLEST[0], "-narrow"),
        (100, "-wide"),
        (160, "-xwide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # as above
        (0, "-flat"),
        (SMALLEST[1], "-low"),
        (22, "-short"),
        (30, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+g",
            "kill",
            "KILL",
            key_display="^g",
            priority=True,
            tooltip="stop all that trades; asks for a word",
        ),
        Binding("q", "quit", "Leave", tooltip="leave; the engine goes on"),
        Binding("question_mark,f1", "help", "Help", key_display="?", tooltip="this page"),
        Binding("5", "page", "Feed", tooltip="prices, and how the feed fares; again: the keys"),
        Binding("slash", "filter", "Filter", key_display="/", priority=True, tooltip="show keys with all these words"),
        Binding("t", "timeframe", "TF", tooltip="the chosen key's next timeframe"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom", key_display="+/-", tooltip="look nearer at the chart"),
        Binding("minus", "zoom(-1)", "Farther", show=False, tooltip="look farther at the chart"),
        Binding("tab", "app.focus_next", "Panel", tooltip="the next panel; shift+tab the one before"),
        Binding("enter", "keep_filter", "Keep", show=False, priority=True, system=True),
        Binding("escape", "forget", "Back", show=False, tooltip="forget the filter; back to the keys"),
    ]

    def __init__(self, store: Store, link: Link, now: Callable[[], float], brake: Brake) -> None:
        super().__init__()
        self._brake = brake
        self._store = store
        self._link = link
        self._now = now
        self.register_theme(palette.theme(colour=not self.no_color))
        self.theme = "mono" if self.no_color else "desk"
        self._keys = KeysTable(store, now, "keys")
        self._chart = CandleChart(store, now, "chart", hatched=self.no_color)
        self._page = FeedPage(store, now, "feed")
        self._words = Input(placeholder="words a key must have; enter keeps them, esc forgets them", id="filter")
        self._cover = Static(id="cover", markup=False)

    def compose(self) -> ComposeResult:
        yield StatusRow(self._store, self._now, "status")
        yield Container(self._keys, self._chart, id="desk")
        yield self._page
        yield LogView(self._store, self._now, "log")
        yield self._words
        yield Footer(show_command_palette=False)
        yield self._cover

    def on_mount(self) -> None:
        self._keys.focus()
        self.run_worker(self._link.run(), name="link")
        self.screen.set_interval(0.1, partial(self._follow_link, self.screen))

    @property
    def missing(self) -> str:
        """What the engine has not told yet of what the screen shows; empty when it is all there."""
        store, asked = self._store, self._chart.asks
        if store.state != "up":
            return store.why or "not attached yet"
        if store.status is None or not store.keys_told:
            return "no status and keys yet"
        if self.on_page:
            return "" if store.feed is not None else "no feed yet"
        if store.keys and (asked is None or store.chart_of is None or store.chart_of.name != asked.name):
            return "no chart yet"
        return ""

    def _follow_link(self, desk: Screen[object]) -> None:
        """Ask for what the panels show, and let the screen look as fresh as its data are."""
        if self.on_page:
            wanted = Topics(RATES.status, log=RATES.log, feed=RATE)
        else:
            wanted = Topics(RATES.status, RATES.keys, RATES.log, chart=self._chart.asks)
        self._link.want(wanted)
        desk.set_class(self._store.state != "up", "-down")
        if self._store.back_after:
            self.notify(f"the link is back after {self._store.back_after:.0f} s", markup=False)
            self._store.back_after = 0.0

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        needs = f"the terminal is {width}x{height}, the console needs {SMALLEST[0]}x{SMALLEST[1]}"
        self._cover.update(Content(f"{needs}\nq leaves, the engine goes on"))

    @on(KeysTable.Chosen)
    def _show_chart(self, event: KeysTable.Chosen) -> None:
        self._chart.pick(event.name)

    @on(KeysTable.Opened)
    def _go_to_chart(self) -> None:
        self.screen.set_focus(self._chart)

    @on(Input.Changed)
    def _filter_keys(self, event: Input.Changed) -> None:
        self._keys.filter(event.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A priority binding comes before the screen and the input in front of it, so it has to give way to them."""
        del parameters
        writing = isinstance(self.focused, Input)
        match action:
            case "keep_filter":
                return writing and self.screen is self.screen_stack[0]
            case "kill":
                return not isinstance(self.screen, Kill)
            case "filter" | "timeframe" | "zoom":
                return self.screen is self.screen_stack[0] and not writing and not self.on_page
            case "page":
                return self.screen is self.screen_stack[0] and not writing
            case "forget":
                return self.screen is self.screen_stack[0]
            case _:
                return True

    def action_help_quit(self) -> None:
        """Ctrl-C, which Textual answers in words of its own."""
        self.notify("q leaves, the engine goes on; ^g stops trading", title="Ctrl-C ends nothing here", markup=False)

    def action_kill(self) -> None:
        self.push_screen(Kill(self._brake, self._store.status, lambda text: self._store.note("warning", text)))

    def action_filter(self) -> None:
        self._words.add_class("-open")
        self.screen.set_focus(self._words)  # at once: keys typed right behind the slash belong to it

    def action_keep_filter(self) -> None:
        self._words.remove_class("-open")
        self.screen.set_focus(self._keys)

    @property
    def on_page(self) -> bool:
        """Whether the page of the feed is what one looks at."""
        return self.screen_stack[0].has_class("-feed") if self.screen_stack else False

    def action_page(self) -> None:
        """To the page of the feed, and back to the keys."""
        shown = not self.on_page
        self.screen.set_class(shown, "-feed")
        self.screen.set_focus(self._page.first if shown else self._keys)
        self.refresh_bindings()

    def action_forget(self) -> None:
        if self.on_page:
            self.action_page()
        self._words.value = ""
        self._words.remove_class("-open")
        self.screen.set_focus(self._keys)

    def action_timeframe(self) -> None:
        self._keys.next_timeframe()

    def action_zoom(self, nearer: int) -> None:
        self._chart.zoom(nearer)

    def action_help(self) -> None:
        panel = next((node for node in _upwards(self.focused) if isinstance(node, Panel)), self._keys)
        story = "\n".join(part.replace("\n", " ") for part in _paragraphs(panel.__doc__))
        title = str(panel.id).capitalize()
        self.push_screen(Help(title, story, _bindings(type(panel).BINDINGS), _bindings(self.BINDINGS)))


def _upwards(widget: Widget | None) -> Iterable[DOMNode]:
    return widget.ancestors_with_self if widget is not None else ()


def _bindings(declared: Iterable[BindingType]) -> list[Binding]:
    return [binding for binding in declared if isinstance(binding, Binding) and not binding.system]


def _paragraphs(text: str | None) -> list[str]:
    return inspect.cleandoc(text or "").replace("`", "").split("\n\n")
