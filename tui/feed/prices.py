"""The last price of each product, and how old it is."""

from collections.abc import Sequence
from typing import ClassVar

from pipeline.view import Feed, PriceNews
from tui.feed.sheet import FeedSheet
from tui.painted import Line, Run
from tui.sheet import Cell, columns, heading, row
from tui.words import age_text, price_text

CELLS = (
    Cell("product", 9, right=False),
    Cell("mid", 10),
    Cell("bid", 10, goes=2),
    Cell("ask", 10, goes=2),
    Cell("spread", 8, goes=3),
    Cell("age", 5, goes=1),
    Cell("state", 7, right=False),
)
STYLES: dict[PriceNews, str] = {"ok": "up", "waiting": "warn", "stale": "wrong", "closed": "dim"}


class PricesTable(FeedSheet):
    """The last price of each product. `waiting`: none for 10 s, or none yet; `stale`: none for 30 s.

    A product whose market is closed is neither.
    """

    NAME: ClassVar[str] = "Prices"
    KEEPS = 1

    def named(self, feed: Feed) -> str:
        amiss = sum(1 for each in feed.prices if each.state in ("waiting", "stale"))
        return f"Prices · {amiss} of {len(feed.prices)} waited for" if amiss else self.NAME

    def absent(self) -> str:
        return "no source of this flow names a product"

    def rows(self, feed: Feed, width: int) -> Sequence[Line]:
        if not feed.prices:
            return ()
        kept = columns(CELLS, width)
        lines = [heading(CELLS, kept)]
        for each in feed.prices:
            style = STYLES[each.state]
            number = "text" if each.state == "ok" else style
            spread = None if each.bid is None or each.ask is None else each.ask - each.bid
            age = age_text(self.store.age(each.tick_at, self.now())) if each.tick_at else "─"
            lines.append(
                row(
                    CELLS,
                    kept,
                    (
                        Run(each.product, "bright" if each.state == "ok" else number),
                        *(Run(price_text(price, each.digits), number) for price in (each.mid, each.bid, each.ask)),
                        Run(price_text(spread, each.digits), "second"),
                        Run(age, number),
                        Run(each.state, style),
                    ),
                )
            )
        return lines
