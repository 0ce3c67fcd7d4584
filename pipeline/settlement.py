"""What becomes of a fixed-time contract: the rules, and the prices they are applied to.

Paper, replay and the audit of a venue's own settlements all read the same rules here:

- A contract runs from the moment the venue accepts it until its duration has passed.
- It enters at the first tick strictly after acceptance and leaves at the last tick at or before expiry.
- A call wins when it leaves higher than it entered, a put when lower. Equal prices are a tie: `push` gives the stake
  back, `lose` keeps it, `win` pays like a win.
- Without a tick between acceptance and expiry it is void: canceled, nothing gained, nothing lost.
- A win gains stake times payout, to the cent; half a cent goes to the even cent. A loss costs the stake.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from decimal import Decimal
from math import isfinite
from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

from pipeline.gains import NOTHING, profit_of
from pipeline.times import slot_of
from pipeline.values import Bars, Direction, Floats, Payouts, Quotes, Result, Settlement, Stamps

Tie = Literal["push", "lose", "win"]

FOREVER = 2**63 - 1
FEW_ROWS = 16_384


class Contract(Struct, frozen=True):
    """What was agreed: enough to settle it from prices alone."""

    order: str
    product: str
    direction: Direction
    stake: Decimal
    payout: float
    accepted_at: int
    expiry: int


class Price(NamedTuple):
    """What a product cost, and when by the venue's stamp."""

    ts: int
    price: float


def settled(contract: Contract, path: "PricePath", at: int, tie: Tie, known_before: int = FOREVER) -> Settlement:
    """How `contract` ended, told at `at`, by the prices that were known before `known_before`."""
    exit_ = path.exit(contract.product, contract.expiry, known_before)
    entry = path.entry(contract.product, contract.accepted_at)
    if entry is None or exit_ is None or exit_.ts <= contract.accepted_at:
        return Settlement(contract.order, "canceled", NOTHING, 0, 0.0, 0, 0.0, at)
    result = result_of(contract.direction, entry.price, exit_.price, tie)
    profit = profit_of(result, contract.stake, contract.payout)
    return Settlement(contract.order, result, profit, entry.ts, entry.price, exit_.ts, exit_.price, at)


class Ends(NamedTuple):
    """Where contracts entered and left, a row each; NaN where there was no price between."""

    entry_ts: Stamps
    entry: Floats
    exit_ts: Stamps
    exit: Floats


def result_of(direction: Direction, entry: float, exit_: float, tie: Tie) -> Result:
    """Win, lose or what the tie rule says."""
    if entry == exit_:
        return tie
    return "win" if (exit_ > entry) == (direction == "call") else "lose"


def _everything(product: str) -> int:
    return -FOREVER


class PricePath:
    """What is known of each product's prices, in the order of the venue's stamps.

    Batches may come ahead of their time: a question names the moment it is about, and prices stamped or received later
    do not change the answer. So replay in blocks settles exactly as paper does tick by tick.

    Ticks are quotes' mids. Where no quotes come, the fresh rows of the finest bars stand in: acceptance within a bar
    (or in a silence before it) enters at the bar's opening price, and expiry leaves at the close of the last bar
    closed by then. That is an approximation: the opening price is from before the acceptance, by up to a whole bar.

    A row stamped before the last one is late and left out: what may have been settled on stays. `needed_from` is asked
    now and then for the oldest moment of a product that may still be asked about; older rows are then dropped.
    """

    def __init__(self, needed_from: Callable[[str], int] = _everything) -> None:
        self._needed_from = needed_from
        self._products: dict[str, _Ticks | _BarEnds] = {}

    def append(self, batch: Quotes | Bars) -> None:
        if isinstance(batch, Quotes):
            self._append_quotes(batch)
        else:
            self._append_bars(batch)

    def entry(self, product: str, after: int) -> Price | None:
        """The first price strictly after a moment."""
        rows = self._products.get(product)
        return rows.entry(after) if rows else None

    def exit(self, product: str, at_or_before: int, known_before: int = FOREVER) -> Price | None:
        """The last price stamped at or before one moment, of those received before another."""
        rows = self._products.get(product)
        return rows.exit(at_or_before, known_before) if rows else None

    def suffices(self, contract: Contract, known_before: int) -> bool:
        """Whether the prices received before a moment are enough to settle `contract`.

        They are when they have gone past its expiry. Of ticks one within the contract is enough: the market may have
        been quiet since. Bars may not skip: a contract would leave at a bar it only started in.
        """
        rows = self._products.get(contract.product)
        return rows is not None and rows.suffice(contract.accepted_at, contract.expiry, known_before)

    def complete_at(self, product: str, moment: int) -> int | None:
        """When it was known that no further price up to `moment` is to come; None while one may."""
        rows = self._products.get(product)
        return rows.complete_at(moment) if rows else None

    def reach(self, product: str, since: int, until: int) -> tuple[float, float] | None:
        """The lowest and the highest tick of a span, with the one in force at its beginning; nothing of bars."""
        rows = self._products.get(product)
        return rows.reach(since, until) if isinstance(rows, _Ticks) else None

    def knows(self, product: str, known_before: int) -> bool:
        """Whether a price of the product was received before a moment."""
        rows = self._products.get(product)
        return rows is not None and rows.known[0] < known_before

    def ends(self, product: str, accepted_at: Stamps, expiry: Stamps, known_by: Stamps) -> Ends:
        """What `settled` makes of many contracts, each by the prices that were known at a moment or before.

        Of those accepted before the first price that is still known nothing is said.
        """
        rows = self._products.get(product)
        return rows.ends(accepted_at, expiry, known_by) if rows else _nothing(len(expiry))

    def completed(self, product: str, moments: Stamps) -> Stamps:
        """`complete_at` for many moments; FOREVER where a further price may come."""
        rows = self._products.get(product)
        return rows.completed(moments) if rows else np.full(len(moments), FOREVER)

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._products.values())

    def _append_quotes(self, quotes: Quotes) -> None:
        rows = self._products.get(quotes.product)
        if not isinstance(rows, _Ticks):
            rows = _Ticks()
        if len(quotes.ts) == 1:
            # One row is what comes live: numpy's cost per call is many times that of the sum.
            rows.add_one(quotes.ts.item(), quotes.received.item(), (quotes.bid.item() + quotes.ask.item()) / 2)
        else:
            rows.add(quotes.ts, quotes.received, quotes.mid)
        self._keep(quotes.product, rows)

    def _append_bars(self, bars: Bars) -> None:
        rows = self._products.get(bars.product)
        if isinstance(rows, _Ticks) or (rows and rows.tf < bars.tf):
            return
        if rows is None or rows.tf != bars.tf:
            rows = _BarEnds(bars.tf)
        new = slice(len(bars) - bars.fresh, None)
        rows.add_bars(bars.open_ts[new] + bars.tf, bars.final_at[new], bars.open[new], bars.close[new])
        self._keep(bars.product, rows)

    def _keep(self, product: str, rows: "_Ticks | _BarEnds") -> None:
        if not rows.ts:
            return
        self._products[product] = rows
        if len(rows.ts) > rows.limit:
            rows.forget(self._needed_from(product))


class _Rows:
    """Prices in growing columns: `ts` never falls, nor does `known`, when a row was received."""

    def __init__(self) -> None:
        self.ts = array("q")
        self.known = array("q")
        self.price = array("d")
        self.limit = FEW_ROWS

    def __len__(self) -> int:
        return len(self.ts)

    def exit(self, at_or_before: int, known_before: int) -> Price | None:
        row = self.last(at_or_before, known_before)
        return Price(self.ts[row], self.price[row]) if row >= 0 else None

    def last(self, at_or_before: int, known_before: int) -> int:
        stop = bisect_right(self.ts, at_or_before)
        if stop and self.known[stop - 1] >= known_before:
            stop = bisect_left(self.known, known_before, 0, stop)
        return stop - 1

    def forget(self, before: int) -> None:
        """Drop rows stamped before a moment, all but the last of them: it is the price at that moment."""
        stop = max(bisect_left(self.ts, before) - 1, 0)
        self.drop(stop)
        # Pruning costs as much as there is, so it waits until that much has come again.
        self.limit = max(2 * len(self), FEW_ROWS)

    def drop(self, rows: int) -> None:
        del self.ts[:rows], self.known[:rows], self.price[:rows]

    def known_at(self, rows: Stamps) -> Stamps:
        """When each row was received; FOREVER for those that have not come."""
        known = np.frombuffer(self.known, np.int64)
        return np.where(rows < len(known), known[np.minimum(rows, len(known) - 1)], FOREVER)

    def entered(self, rows: Stamps) -> tuple[Stamps, Floats]:
        """The stamp and the price of rows, to enter by."""
        return np.frombuffer(self.ts, np.int64)[rows], np.frombuffer(self.price, np.float64)[rows]

    def ends(self, accepted_at: Stamps, expiry: Stamps, known_by: Stamps) -> Ends:
        ts, price = np.frombuffer(self.ts, np.int64), np.frombuffer(self.price, np.float64)
        entry = ts.searchsorted(accepted_at, side="right")
        exit_ = ts.searchsorted(expiry, side="right") - 1
        known = np.frombuffer(self.known, np.int64)
        late = known[exit_] > known_by
        if late.any():
            exit_[late] = known.searchsorted(known_by[late], side="right") - 1
        between = (entry > 0) & (entry <= exit_)
        entry, exit_ = np.where(between, entry, 0), np.where(between, exit_, 0)
        entry_ts, entry_price = self.entered(entry)
        return Ends(
            np.where(between, entry_ts, 0),
            np.where(between, entry_price, np.nan),
            np.where(between, ts[exit_], 0),
            np.where(between, price[exit_], np.nan),
        )

    def highest_before(self, ts: Stamps) -> Stamps:
        """For each new row the highest stamp of those before it."""
        floor = self.ts[-1] if self.ts else -FOREVER
        return np.maximum.accumulate(np.concatenate((np.array([floor]), ts)))[:-1]

    def extend(self, ts: Stamps, known: Stamps, price: Floats) -> None:
        # A row is known no earlier than the one before it, whatever the clock that stamped it says.
        floor = self.known[-1] if self.known else -FOREVER
        self.known.frombytes(np.maximum(np.maximum.accumulate(known), floor).tobytes())
        self.ts.frombytes(ts.tobytes())
        self.price.frombytes(price.tobytes())


class _Ticks(_Rows):
    """A product's quotes."""

    def add_one(self, ts: int, received: int, price: float) -> None:
        if not isfinite(price) or (self.ts and ts < self.ts[-1]):
            return
        self.known.append(max(received, self.known[-1]) if self.known else received)
        self.ts.append(ts)
        self.price.append(price)

    def add(self, ts: Stamps, received: Stamps, price: Floats) -> None:
        keep = np.isfinite(price)
        stamps = np.where(keep, ts, -FOREVER)
        keep &= stamps >= self.highest_before(stamps)
        self.extend(ts[keep], received[keep], price[keep])

    def entry(self, after: int) -> Price | None:
        row = bisect_right(self.ts, after)
        return Price(self.ts[row], self.price[row]) if row < len(self.ts) else None

    def suffice(self, accepted_at: int, expiry: int, known_before: int) -> bool:
        row = self.last(expiry, known_before)
        if row >= 0 and self.ts[row] > accepted_at:
            return True
        complete = self.complete_at(expiry)
        return complete is not None and complete < known_before

    def complete_at(self, moment: int) -> int | None:
        # Only a later stamp tells: several ticks may share one.
        row = bisect_right(self.ts, moment)
        return self.known[row] if row < len(self.ts) else None

    def reach(self, since: int, until: int) -> tuple[float, float] | None:
        some = self.price[max(bisect_right(self.ts, since) - 1, 0) : bisect_right(self.ts, until)]
        return (min(some), max(some)) if some else None

    def completed(self, moments: Stamps) -> Stamps:
        return self.known_at(np.frombuffer(self.ts, np.int64).searchsorted(moments, side="right"))


class _BarEnds(_Rows):
    """A product's bars of one timeframe: `ts` and `price` are those of the close."""

    def __init__(self, tf: int) -> None:
        super().__init__()
        self.tf = tf
        self.open = array("d")

    def add_bars(self, ts: Stamps, final_at: Stamps, open_: Floats, close: Floats) -> None:
        keep = np.isfinite(open_) & np.isfinite(close)
        stamps = np.where(keep, ts, -FOREVER)
        keep &= stamps > self.highest_before(stamps)
        self.extend(ts[keep], final_at[keep], close[keep])
        self.open.frombytes(open_[keep].tobytes())

    def drop(self, rows: int) -> None:
        super().drop(rows)
        del self.open[:rows]

    def entry(self, after: int) -> Price | None:
        row = bisect_right(self.ts, after)
        return Price(self.ts[row] - self.tf, self.open[row]) if row < len(self.ts) else None

    def suffice(self, accepted_at: int, expiry: int, known_before: int) -> bool:
        complete = self.complete_at(expiry)
        return complete is not None and complete < known_before

    def complete_at(self, moment: int) -> int | None:
        row = bisect_left(self.ts, slot_of(moment, self.tf))
        return self.known[row] if row < len(self.ts) else None

    def completed(self, moments: Stamps) -> Stamps:
        return self.known_at(np.frombuffer(self.ts, np.int64).searchsorted(moments // self.tf * self.tf))

    def entered(self, rows: Stamps) -> tuple[Stamps, Floats]:
        ts, _ = super().entered(rows)
        return ts - self.tf, np.frombuffer(self.open, np.float64)[rows]


def _nothing(rows: int) -> Ends:
    return Ends(np.zeros(rows, np.int64), np.full(rows, np.nan), np.zeros(rows, np.int64), np.full(rows, np.nan))


class PayoutPath:
    """What a win paid, product by product, from each moment on until the next. `needed_from` as in `PricePath`."""

    def __init__(self, needed_from: Callable[[str], int] = _everything) -> None:
        self._needed_from = needed_from
        self._products: dict[str, _Ticks] = {}

    def append(self, payouts: Payouts) -> None:
        rows = self._products.setdefault(payouts.product, _Ticks())
        # A ratio that is not a number ends the one before it; left out, it would prolong it.
        rows.add(payouts.ts, payouts.ts, np.nan_to_num(payouts.ratio))
        if len(rows) > rows.limit:
            rows.forget(self._needed_from(payouts.product))

    def at(self, product: str, moment: int) -> float | None:
        """The ratio in force at a moment; None when the product paid nothing then, or nothing is known of it."""
        rows = self._products.get(product)
        ratio = rows.exit(moment, FOREVER) if rows else None
        return ratio.price if ratio and ratio.price > 0 else None
