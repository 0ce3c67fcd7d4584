"""The built-in flow of a simulation: so many keys of four accounts, cheap strategies that trade often."""

from collections.abc import Iterator

from pipeline.errors import InputError

ACCOUNTS = ("one", "two", "three", "four")
REAL = "four"
"""This one plays with real money, at a venue that moves nobody's: it must be armed."""
TIMEFRAMES = ("1m", "5m", "15m")
FEWEST = len(ACCOUNTS) * len(TIMEFRAMES)
MOST = 3000
MANY, SELDOM = 60, 0.7
"""With more keys than this a key trades seldom: as surely as this or not at all."""

FLOW = """\
[moonlight]
name = "sim"
mode = "live"
block = 64

{accounts}
[venues.practice]
use = "practice"
payout = 0.9
{terms}
[sources.market]
use = "synthetic"
products = [{products}]
start = "{start}"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m", "15m"]

[operators.health]
use = "health"
from = "market"

[features]
fast = {{ use = "sma", period = 2 }}
slow = {{ use = "sma", period = 4 }}

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"
full_distance = 0.002

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = [{names}]
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "1000000.00"
threshold = {threshold}
cool_down = "1ms"

[sinks.orders]
use = "executor"
from = "risk.main"
{sending}
[sinks.ledger]
use = "store"
from = ["risk.main", "orders"]
"""

TERMS = (
    "",
    "evidence = { lists = true, echoes = false, once = false, late_ms = 2000 }\n",
    "evidence = { lists = true, echoes = true, once = false, late_ms = 20000 }\n",
    "evidence = { lists = true, echoes = true, once = true, late_ms = 5000 }\n",
)
"""What the venue of a world can prove: everything, or less."""
SENDING = ("", "entry_cutoff_seconds = 57\n", "max_unknown = 8\n")
"""How its executor goes about it: as it would, only in the first seconds of a minute, or with more in doubt."""


def flow_of(keys: int, start: str, variant: int = 0, accounts: tuple[str, ...] = ()) -> str:
    """The flow file of a world; of these accounts only, where some are named."""
    if not FEWEST <= keys <= MOST or keys % FEWEST:
        raise InputError(f"--keys {keys} cannot be made; write a multiple of {FEWEST} up to {MOST}: 12, 300")
    return FLOW.format(
        accounts="\n".join(_accounts(accounts or ACCOUNTS)),
        terms=TERMS[variant % len(TERMS)],
        threshold=SELDOM if keys > MANY else 0.0,
        sending=SENDING[variant % len(SENDING)],
        products=", ".join(f'"SIM{number:02d}"' for number in range(keys // FEWEST)),
        start=start,
        names=", ".join(f'"{name}"' for name in accounts or ACCOUNTS),
    )


def _accounts(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        money = "real" if name == REAL else "practice"
        yield f'[accounts.{name}]\nvenue = "practice"\nbalance = "100000.00"\nmoney = "{money}"\n'
