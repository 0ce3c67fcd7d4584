"""The flow that trades: four accounts over Deriv's protocol, each product in every timeframe."""

from collections.abc import Sequence
from pathlib import Path

ACCOUNTS = ("demo-1", "demo-2", "demo-3", "demo-4")
PRODUCTS = ("R_10", "R_25", "R_50", "R_100")
TIMEFRAMES = ("1m", "5m")
FLOW = """
[moonlight]
data = "data"

{accounts}
[venues.broker]
use = "deriv"
url = "{url}"
practice = true
speed = {speed:g}
payout_every = "5m"
max_clock_offset_ms = 20_000
payout_slack = 0.05

[sources.market]
use = "deriv"
url = "{socket}/trading/v1/options/ws/public"
practice = true
speed = {speed:g}
products = [{products}]
quiet_after = "300s"

[operators.bars]
use = "window"
from = "market"
timeframes = [{timeframes}]
grace_ms = 20_000

[features]
fast = {{ use = "sma", period = 2 }}
slow = {{ use = "sma", period = 5 }}

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = [{names}]
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "900.00"
threshold = 0.0
cool_down = "1s"

[sinks.orders]
use = "executor"
from = "main"
answer_seconds = 120
max_unknown = 6

[sinks.store]
use = "store"
from = ["main", "orders"]
"""


def written(
    folder: Path, url: str, speed: float, products: Sequence[str] = PRODUCTS, timeframes: Sequence[str] = TIMEFRAMES
) -> Path:
    """The flow's file, for a venue at an address."""
    accounts = "\n".join(
        f'[accounts.{name}]\nvenue = "broker"\nmoney = "practice"\nbalance = "10000.00"\n' for name in ACCOUNTS
    )
    text = FLOW.format(
        accounts=accounts,
        url=url,
        socket=url.replace("http", "ws", 1),
        speed=speed,
        products=_quoted(products),
        timeframes=_quoted(timeframes),
        names=_quoted(ACCOUNTS),
    )
    file = folder / "flow.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
