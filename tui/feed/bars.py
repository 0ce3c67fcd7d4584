"""The final bars of each product and timeframe: how late they are, and which are missing."""

from collections.abc import Sequence
from typing import ClassVar

from pipeline.view import BarNews, Feed, StreamRow
from tui.feed.sheet import FeedSheet
from tui.painted import Line, Run
from tui.sheet import Cell, columns, heading, row
from tui.words import age_text, count_text, moment

CELLS = (
    Cell("bars", 11, right=False),
    Cell("until", 5, goes=2),
    Cell("lag", 5, goes=1),
    Cell("out", 5, goes=4),
    Cell("n", 5, goes=5),
    Cell("holes", 5, goes=3),
    Cell("state", 12, right=False),
)
STYLES: dict[BarNews, str] = {
    "ok": "up",
    "waiting": "second",
    "late": "warn",
    "stale": "wrong",
    "missing": "wrong",
    "closed": "dim",
}


class BarsTable(FeedSheet):
    """Final bars: until when the last one went, how long after that it was final (`lag`) and published (`out`), how
    many came, and how many are missing.

    While the market is closed nothing is late.
    """

    NAME: ClassVar[str] = "Bars"
    KEEPS = 1

    def named(self, feed: Feed) -> str:
        amiss = sum(1 for each in feed.streams if each.state in ("late", "stale", "missing"))
        return f"Bars · {amiss} of {len(feed.streams)} late" if amiss else self.NAME

    def absent(self) -> str:
        return "no operator of this flow makes bars"

    def rows(self, feed: Feed, width: int) -> Sequence[Line]:
        if not feed.streams:
            return ()
        kept = columns(CELLS, width)
        return [heading(CELLS, kept), *(self._row(each, kept) for each in feed.streams)]

    def _row(self, each: StreamRow, kept: Sequence[int]) -> Line:
        zone = self.shell.zone
        style = STYLES[each.state]
        overdue = f" {age_text(each.overdue_seconds)}" if each.state in ("late", "stale", "missing") else ""
        overdue = overdue if each.overdue_seconds else ""
        return row(
            CELLS,
            kept,
            (
                Run(f"{each.product} {each.timeframe}", "bright" if each.state == "ok" else style),
                Run(moment(each.last_close, zone).strftime("%H:%M") if each.last_close else "─", "text"),
                Run(_lag(each.lag_seconds), "text"),
                Run(_lag(each.published_lag_seconds), "text"),
                Run(count_text(each.bars), "second"),
                Run(str(each.holes) if each.holes else "─", "wrong" if each.holes else "dim"),
                Run(f"{each.state}{overdue}", style),
            ),
        )


def _lag(seconds: float | None) -> str:
    return "─" if seconds is None else age_text(seconds)
