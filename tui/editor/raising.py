"""What an edit lets the flow lose more of than before: what raises the risk of real money is told, and asked about."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import msgspec

from pipeline.parts import registered
from pipeline.times import duration

Tables = Mapping[str, Any]

RISKY_UP = (
    "max_daily_loss",
    "stake",
    "open_per",
    "max_payout",
    "max_quote_age",
    "together",
    "limits",
    "latency",
    "breaker",
)
"""Rules of a guard of which more is more risk, or which protect as long as they are there."""
RISKY_DOWN = ("threshold", "min_payout", "margin", "cool_down", "cool_down_max", "caution", "volatility", "errors")
"""Those of which less is more risk."""
ADDED = ("latency", "breaker", "together", "limits", "volatility", "caution", "margin", "max_quote_age", "open_per")
"""Those that only protect more where there were none."""

KNOWN = {*RISKY_UP, *RISKY_DOWN, "permit", "accounts", "on_fault"}
JUDGES = ("sources", "operators", "features", "providers", "ensembles", "calibrators")


def real_accounts(tables: Tables) -> frozenset[str]:
    """The accounts in which somebody's real money is."""
    return frozenset(name for name, each in _tables(tables, "accounts").items() if each.get("money") == "real")


def new_real(before: Tables, after: Tables) -> tuple[str, ...]:
    """Accounts with real money that the flow had not, or that had other money."""
    return tuple(sorted(real_accounts(after) - real_accounts(before)))


def raised(before: Tables, after: Tables) -> tuple[str, ...]:
    """A sentence for each way in which more real money may be lost."""
    return tuple(_raised(before, after))


def _raised(before: Tables, after: Tables) -> Iterator[str]:
    real = real_accounts(after)
    for name in new_real(before, after):
        yield f"account {name} has REAL money, and is new in this flow"
    were = _tables(before, "risk")
    for name, guard in _tables(after, "risk").items():
        yield from _of_guard(name, were.get(name), guard, real)
    for name in sorted(set(_venues(after, real)) & set(_tables(before, "venues"))):
        if _tables(before, "venues")[name] != _tables(after, "venues").get(name):
            yield f"venues.{name}, where REAL money is, has other keys"
    yield from _judged_by(before, after, real)


def _of_guard(name: str, old: Tables | None, guard: Tables, real: frozenset[str]) -> Iterator[str]:
    mine = sorted(real & set(_listed(guard, "accounts")))
    if not mine:
        return
    who = f"risk.{name} ({', '.join(mine)})"
    if old is None:
        yield f"{who} is a new guard over REAL money"
        return
    for account in sorted(set(mine) - set(_listed(old, "accounts"))):
        yield f"risk.{name} trades REAL {account} now"
    was, now = _whole(old), _whole(guard)
    for key in (*RISKY_UP, *RISKY_DOWN):
        if _riskier(was.get(key), now.get(key), up=key in RISKY_UP, added=key in ADDED):
            yield f"{who} {key}: {_said(was.get(key))} → {_said(now.get(key))}"
    if was.get("permit") != now.get("permit"):
        yield f"{who} permit: when it may trade is another time"
    for key in sorted((was.keys() | now.keys()) - KNOWN):
        if was.get(key) != now.get(key):
            yield f"{who} {key}: {_said(was.get(key))} → {_said(now.get(key))}"


def _judged_by(before: Tables, after: Tables, real: frozenset[str]) -> Iterator[str]:
    """What REAL money is traded by: no one can tell beforehand whether another strategy loses more."""
    for kind in JUDGES if real & real_accounts(before) else ():
        if before.get(kind) != after.get(kind):
            yield f"[{kind}] are others, and REAL money is traded by them"


def _riskier(before: Any, after: Any, *, up: bool, added: bool) -> bool:
    """Whether a rule lets more be lost. What cannot be told is taken to."""
    if before == after or (not before and added):
        return False
    if isinstance(before, dict) and isinstance(after, dict):
        was, now = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        same = set(was) <= set(now) and was.get("use") == now.get("use")
        return not same or any(_riskier(was[key], now[key], up=up, added=False) for key in was)
    numbers = _number(before), _number(after)
    if numbers[0] is None or numbers[1] is None:
        return True
    return numbers[1] > numbers[0] if up else numbers[1] < numbers[0]


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return _millis(str(value))


def _millis(text: str) -> Decimal | None:
    try:
        return Decimal(duration(text))
    except ValueError:
        return None


def _whole(guard: Tables) -> dict[str, Any]:
    """A guard's keys with those that it leaves out as they are by default."""
    part = registered("risk").get(str(guard.get("use", "guard")))
    told = {each.name: msgspec.to_builtins(each.default) for each in part.fields if not each.required} if part else {}
    return {**told, **guard}


def _venues(tables: Tables, accounts: frozenset[str]) -> Iterator[str]:
    yield from (str(_tables(tables, "accounts")[name].get("venue")) for name in accounts)


def _tables(tables: Tables, kind: str) -> dict[str, dict[str, Any]]:
    found = tables.get(kind)
    members = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    return {name: cast("dict[str, Any]", each) for name, each in members.items() if isinstance(each, dict)}


def _listed(table: Tables, key: str) -> tuple[str, ...]:
    found = table.get(key)
    return tuple(each for each in cast("list[Any]", found) if isinstance(each, str)) if isinstance(found, list) else ()


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {each}" for key, each in cast("dict[str, Any]", value).items()) + " }"
    return "none" if value in (None, []) else str(value)
