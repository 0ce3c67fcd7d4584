"""Every page of the console, in the order of their keys; each is imported when it is gone to for the first time."""

from pkgutil import resolve_name
from typing import NamedTuple, cast

from tui.page import Page


class PageKind(NamedTuple):
    """A page that can be gone to."""

    name: str
    """Its id, and the word that goes to it."""
    key: str
    title: str
    says: str
    """What is there, in one sentence."""
    place: str
    """Its module and its class."""

    def page(self) -> type[Page]:
        """Its class: not there before it is asked for, since some bring half the program with them."""
        return cast("type[Page]", resolve_name(self.place))


PAGES = (
    PageKind("dash", "1", "Dash", "is everything fine, and what is at stake", "tui.dash.page:DashPage"),
    PageKind(
        "keys", "2", "Keys", "every key with its state, and the chart of the chosen one", "tui.keys.page:KeysPage"
    ),
    PageKind("chart", "3", "Chart", "candles of a key, what was decided on each, and why", "tui.chart.page:ChartPage"),
    PageKind(
        "trades",
        "4",
        "Trades",
        "contracts that run, orders, and what became of each; it cannot order, the flow does",
        "tui.trades.page:TradesPage",
    ),
    PageKind("feed", "5", "Feed", "prices, bars, and how sources and publishers fare", "tui.feed.page:FeedPage"),
    PageKind(
        "flow",
        "6",
        "Flow",
        "the running graph: rates, what waits, what is let go, on every edge",
        "tui.flowing.page:FlowPage",
    ),
    PageKind(
        "edit",
        "7",
        "Edit",
        "the flow's file: edit it, see what that would do, have it done",
        "tui.editor.page:EditPage",
    ),
    PageKind(
        "accounts",
        "8",
        "Accounts",
        "accounts, their limits, and what their trades prove",
        "tui.accounts.page:AccountsPage",
    ),
    PageKind(
        "research",
        "9",
        "Research",
        "replays of the flow: begun here, how far they are, what they found",
        "tui.research.page:ResearchPage",
    ),
    PageKind("logs", "0", "Logs", "the engine's log, and its alerts", "tui.logs.page:LogsPage"),
    PageKind(
        "strategies",
        "S",
        "Strategies",
        "the catalogue: strategies and all other parts, their keys and presets, how they are used",
        "tui.strategies.page:StrategiesPage",
    ),
    PageKind(
        "settings",
        "comma",
        "Settings",
        "how the console looks, its keys, and what times the engine",
        "tui.preferences.page:SettingsPage",
    ),
)
FIRST = PAGES[0].name
NAMES = tuple(kind.name for kind in PAGES)
