"""FXCM's prices as a feed: bars of history, and quotes as its table of offers changes."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial

import numpy as np

from pipeline.calendar import calendar_of
from pipeline.connections.contract import Outside, Warn
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Trouble, TroubleKind
from pipeline.feeds.grain import made
from pipeline.feeds.rows import Refused, no_quotes
from pipeline.fxcm.bars import bars_of
from pipeline.fxcm.connection import Connection
from pipeline.fxcm.manner import Manner
from pipeline.fxcm.port import Access, Candles, Offer, Sdk, Session
from pipeline.fxcm.thread import LIVE, PAST
from pipeline.fxcm.words import TIMEFRAMES
from pipeline.times import HOUR, slot_of, timeframe_name
from pipeline.values import Bars, Quotes

USUAL = Manner()
GRACE = 500
"""How long (ms) after its close a bar may still change; one that another follows is final."""


class FxcmFeed:
    """One flow's, or one download's, prices of FXCM. Each `history` of a timeframe it has is one call of the SDK."""

    def __init__(
        self,
        sdk: Callable[[], Sdk],
        access: Callable[[], Access],
        symbols: Mapping[str, str],
        host: Outside,
        warn: Warn,
        *,
        is_open: Callable[[str, int], bool] = lambda product, at: calendar_of(product).is_open(at),
        grace: int = GRACE,
        manner: Manner = USUAL,
    ) -> None:
        """`symbols`: what FXCM calls each product. `sdk` and `access` are asked for with the first call: they may raise
        `SdkMissing` and `InputError`, and then the feed is off."""
        self._symbols, self._host, self._warn, self._grace = dict(symbols), host, warn, grace
        self._refused = Refused("fxcm", warn, host.now)
        self._streams = False
        self.connection = Connection(
            sdk,
            access,
            host,
            self._tell,
            lambda: any(is_open(product, host.now()) for product in self._symbols),
            manner,
        )
        """How the session stands, and what happened to it: `state`, `since`, `tally`, `on_change` …"""

    async def history(self, product: str, tf: int, since: int, until: int) -> Bars:
        """The bars of a span that are final: over for a while, or followed by another."""

        async def ask(finest: int, begin: int, end: int) -> Bars:
            await self._session()
            symbol, what = self._symbols[product], f"history of {product} {timeframe_name(finest)}"
            now = self._host.now()
            latest = min(end, slot_of(now, finest)) + finest  # one more: it says that those before it are final
            question = partial(_past, symbol=symbol, tf=finest, since=begin, until=latest)
            candles = await self.connection.ask(what, question, PAST if end < now - HOUR else LIVE)
            return bars_of(product, finest, candles, begin, end, self._host.now(), self._grace, self._refused)

        return await made(tf, TIMEFRAMES, since, until, ask)

    async def ticks(self, product: str, since: int, until: int) -> Quotes:
        raise CallFailed(
            "rule", f"quotes of {product} that have passed are not asked of FXCM; ask for bars, such as 1m"
        )

    async def live(self, products: tuple[str, ...]) -> AsyncIterator[Quotes]:
        self._streams = True
        await self.connection.connect()
        known = self._known(products)
        with self.connection.listening() as listener:
            await self.connection.subscribe()
            for product in known.values():
                yield no_quotes(product)
            while True:
                match await listener.heard.get():
                    case CallFailed() as failure:
                        raise failure
                    case offers:
                        for quotes in _quotes(offers, known, self._host.now()):
                            yield quotes

    async def close(self) -> None:
        await self.connection.close()

    async def _session(self) -> None:
        """Where prices are wanted too, their lines decide when a login is tried: history waits for it, no more."""
        if not self._streams or self.connection.connecting or self.connection.state == "off":
            await self.connection.connect()

    def _known(self, products: Sequence[str]) -> dict[str, str]:
        """Those of some products that FXCM has, by what it calls them."""
        known = {self._symbols[each]: each for each in products if self._symbols[each] in self.connection.instruments}
        missing = [product for product in products if product not in known.values()]
        for product in missing:
            what = f"FXCM has no prices of {product} ({self._symbols[product]}) for this login; subscribe to it there"
            if not known:
                raise CallFailed("rule", what)
            self._tell("rule", what)
        return known | {self._symbols[product]: product for product in missing}  # it may be added while we listen

    def _tell(self, kind: TroubleKind, what: str) -> None:
        self._warn(Trouble("fxcm", kind, what, self._host.now()))


def _past(session: Session, symbol: str, tf: int, since: int, until: int) -> Candles:
    return session.history(symbol, tf, since, until, -1)


def _quotes(offers: Sequence[Offer], products: Mapping[str, str], received: int) -> list[Quotes]:
    """Offers by product, each in the order in which they came."""
    sorted_out: dict[str, list[Offer]] = {}
    for offer in offers:
        if (product := products.get(offer.instrument)) is not None:
            sorted_out.setdefault(product, []).append(offer)
    return [_columns(product, rows, received) for product, rows in sorted_out.items()]


def _columns(product: str, rows: Sequence[Offer], received: int) -> Quotes:
    return Quotes(
        product,
        np.array([row.at for row in rows], np.int64),
        np.full(len(rows), received, np.int64),
        np.array([row.bid for row in rows], np.float64),
        np.array([row.ask for row in rows], np.float64),
    )
