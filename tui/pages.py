"""Every page of the console, in the order of their keys."""

from tui.accounts.page import AccountsPage
from tui.chart.page import ChartPage
from tui.dash.page import DashPage
from tui.editor.page import EditPage
from tui.feed.page import FeedPage
from tui.flowing.page import FlowPage
from tui.keys.page import KeysPage
from tui.logs.page import LogsPage
from tui.page import PageKind, kind_of
from tui.preferences.page import SettingsPage
from tui.research.page import ResearchPage
from tui.strategies.page import StrategiesPage
from tui.trades.page import TradesPage

PAGES: tuple[PageKind, ...] = tuple(
    kind_of(page)
    for page in (
        DashPage,
        KeysPage,
        ChartPage,
        TradesPage,
        FeedPage,
        FlowPage,
        EditPage,
        AccountsPage,
        ResearchPage,
        LogsPage,
        StrategiesPage,
        SettingsPage,
    )
)
FIRST = DashPage.NAME
NAMES = tuple(kind.name for kind in PAGES)
