"""The page of the feed: what is amiss, prices and bars on the left, source and publisher on the right."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from pipeline.view import Topics
from tui.feed.alerts import AlertsPanel
from tui.feed.bars import BarsTable
from tui.feed.prices import PricesTable
from tui.feed.publisher import PublisherPanel
from tui.feed.source import SourcePanel
from tui.logs.panel import LogPanel
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

RATE, LOG = 2.0, 5.0
"""So often a second they are told anew while they are looked at."""


class FeedPage(Page):
    """Prices, bars, and how sources and publishers fare."""

    NAME: ClassVar[str] = "feed"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (PricesTable, BarsTable, SourcePanel, PublisherPanel, LogPanel)

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.prices = PricesTable(shell, "prices")

    def compose(self) -> ComposeResult:
        yield AlertsPanel(self.shell, "feed-alerts")
        with Container(id="sheets"):
            with Vertical():
                yield self.prices
                yield BarsTable(self.shell, "bars")
            with Vertical():
                yield SourcePanel(self.shell, "source")
                yield PublisherPanel(self.shell, "publisher")
        yield LogPanel(self.shell, "feed-log", low=True)

    @property
    def topics(self) -> Topics:
        return Topics(log=LOG, feed=RATE)

    @property
    def first(self) -> PricesTable:
        return self.prices

    @property
    def missing(self) -> str:
        return "" if self.store.feed is not None else "no feed yet"
