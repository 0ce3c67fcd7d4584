"""The page of the feed: what is amiss, prices and bars on the left, source and publisher on the right."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from tui.alerts_panel import AlertsPanel
from tui.bars_table import BarsTable
from tui.link import Store
from tui.prices_table import PricesTable
from tui.publisher_panel import PublisherPanel
from tui.source_panel import SourcePanel

RATE = 2.0
"""So often a second it is told anew while it is looked at."""


class FeedPage(Container):
    """In the place of keys and chart while it is looked at."""

    def __init__(self, store: Store, now: Callable[[], float], place: str) -> None:
        super().__init__(id=place)
        self._store, self._now = store, now
        self.first = PricesTable(store, now, "prices")

    def compose(self) -> ComposeResult:
        yield AlertsPanel(self._store, self._now, "alerts")
        with Container(id="sheets"):
            with Vertical():
                yield self.first
                yield BarsTable(self._store, self._now, "bars")
            with Vertical():
                yield SourcePanel(self._store, self._now, "source")
                yield PublisherPanel(self._store, self._now, "publisher")
