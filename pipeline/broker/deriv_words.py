"""The names and sentences by which Deriv's protocols tell of contracts."""

from pipeline.values import Direction

KINDS: dict[str, tuple[Direction, bool]] = {
    "CALL": ("call", False),
    "PUT": ("put", False),
    "CALLE": ("call", True),
    "PUTE": ("put", True),
}
"""The kinds of contracts that are offered: which way, and whether equal prices win."""
MARKET_TITLES = {
    "synthetic_index": "Derived",
    "forex": "Forex",
    "cryptocurrency": "Cryptocurrencies",
    "commodities": "Commodities",
}
SUBMARKET_TITLES = {
    "random_index": "Continuous Indices",
    "major_pairs": "Major Pairs",
    "metals": "Metals",
    "non_stable_coin": "Cryptocurrencies",
}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds in each unit of time."""
UNIT_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


def kind(direction: Direction, *, equals: bool) -> str:
    """`CALL`, `PUTE` …"""
    return direction.upper() + ("E" if equals else "")


def shortcode(kind: str, symbol: str, payout: str, start: int, expiry: int, ticks: int) -> str:
    """A contract in one word: `CALL_R_100_19.54_1795200000_1795200060_S0P_0`; moments in seconds."""
    return f"{kind}_{symbol}_{payout}_{start}_{f'{ticks}T' if ticks else expiry}_S0P_0"


def longcode(kind: str, name: str, seconds: int, ticks: int) -> str:
    """A contract in one sentence."""
    direction, equals = KINDS[kind]
    side = "higher" if direction == "call" else "lower"
    than = f"{side} than or equal to" if equals else f"strictly {side} than"
    ends = f"after {_counted(ticks, 'tick')}" if ticks else f"at {spoken(seconds)} after contract start time"
    return f"Win payout if {name} is {than} entry spot {ends}."


def spoken(seconds: int) -> str:
    """`1 minute`, `90 seconds`: in the largest unit that goes into it."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % UNITS[unit] == 0)
    return _counted(seconds // UNITS[unit], UNIT_NAMES[unit])


def unit_of(seconds: int, ticks: int) -> str:
    """What a duration is counted in, as the table of profits says it."""
    if ticks:
        return "ticks"
    return next(f"{UNIT_NAMES[unit]}s" for unit in ("d", "h", "m", "s") if seconds % UNITS[unit] == 0)


def duration_text(seconds: int) -> str:
    """`15s`, `1d`: as the list of what is offered writes it."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % UNITS[unit] == 0)
    return f"{seconds // UNITS[unit]}{unit}"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
