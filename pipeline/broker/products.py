"""What the practice venue trades, by the names of the broker whose protocol it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from pipeline.calendar import Calendar, bare, calendar_of
from pipeline.market import spec_of
from pipeline.times import DAY, MINUTE, SECOND

MarketName = Literal["synthetic_index", "forex", "cryptocurrency", "commodities"]

INDEX_CHARGE, OTHER_CHARGE = 0.0125, 0.07
"""What the venue adds to the chance of a win when it sells, and takes off it when it buys back."""
LONGEST = 365 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product and what contracts of it may be like. Durations are ms; `ticks` is the most, 0 where there are none."""

    name: str
    title: str
    market: MarketName
    submarket: str
    decimals: int
    cadence: int
    """Between two ticks, at least (ms)."""
    half_spread: float
    """From the quote to the bid, and to the ask."""
    yearly_volatility: float
    charge: float
    shortest: int
    longest: int
    ticks: int
    level: float = 0.0
    """Where an index keeps to; 0 for what has a market of its own."""
    calendar: Calendar

    @property
    def alias(self) -> str:
        """The name without what this venue puts before it: `EURUSD`."""
        return bare(self.name) if self.market != "synthetic_index" else self.name

    @property
    def pip(self) -> Decimal:
        """The least step of its price."""
        return Decimal(1).scaleb(-self.decimals)

    def rounded(self, price: float) -> float:
        return round(price, self.decimals)

    def text(self, price: float) -> str:
        """A price with all its decimals: `1511.80`."""
        return f"{price:.{self.decimals}f}"


def cents(amount: float | Decimal) -> Decimal:
    """Money as this venue rounds it: half a cent goes up."""
    return Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def catalogue() -> Mapping[str, Product]:
    """All that is traded unless a file of the venue says otherwise."""
    return {each.name: each for each in (*_INDICES, *_PAIRS)}


def _index(name: str, number: int, decimals: int, level: float) -> Product:
    quick = name.startswith("1HZ")
    return Product(
        name=name,
        title=f"Volatility {number}{' (1s)' if quick else ''} Index",
        market="synthetic_index",
        submarket="random_index",
        decimals=decimals,
        cadence=SECOND if quick else 2 * SECOND,
        half_spread=10 * 10**-decimals,
        yearly_volatility=number / 100,
        charge=INDEX_CHARGE,
        shortest=15 * SECOND,
        longest=LONGEST,
        ticks=10,
        level=level,
        calendar=calendar_of("R_100"),
    )


def _pair(name: str, title: str, market: MarketName, submarket: str) -> Product:
    spec = spec_of(bare(name))
    return Product(
        name=name,
        title=title,
        market=market,
        submarket=submarket,
        decimals=spec.digits,
        cadence=SECOND,
        half_spread=spec.spread / 2 * 10**-spec.digits,
        yearly_volatility=spec.daily_volatility * 365**0.5,
        charge=OTHER_CHARGE,
        shortest=15 * MINUTE,
        longest=LONGEST,
        ticks=0,
        calendar=calendar_of(name),
    )


_INDICES = (
    _index("R_10", 10, 3, 6_000.0),
    _index("R_25", 25, 3, 2_800.0),
    _index("R_50", 50, 4, 260.0),
    _index("R_75", 75, 4, 90_000.0),
    _index("R_100", 100, 2, 1_500.0),
    _index("1HZ10V", 10, 2, 9_000.0),
    _index("1HZ25V", 25, 2, 600_000.0),
    _index("1HZ50V", 50, 2, 200_000.0),
    _index("1HZ75V", 75, 2, 5_000.0),
    _index("1HZ100V", 100, 2, 900.0),
)
_PAIRS = (
    _pair("frxEURUSD", "EUR/USD", "forex", "major_pairs"),
    _pair("frxGBPUSD", "GBP/USD", "forex", "major_pairs"),
    _pair("frxUSDJPY", "USD/JPY", "forex", "major_pairs"),
    _pair("frxAUDUSD", "AUD/USD", "forex", "major_pairs"),
    _pair("frxXAUUSD", "Gold/USD", "commodities", "metals"),
    _pair("cryBTCUSD", "BTC/USD", "cryptocurrency", "non_stable_coin"),
    _pair("cryETHUSD", "ETH/USD", "cryptocurrency", "non_stable_coin"),
)
