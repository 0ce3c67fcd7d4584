"""What a guard keeps to, in sentences: one for each rule that stops an account or a key and lets it go again."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from operators.risk.limits import DAY_BASE, Limit
from operators.risk.terms import Breaker, Errors, Latency, OpenPer, Together
from pipeline.times import DAY, HOUR, MINUTE, SECOND

UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (1, "ms"))
BY_HAND = "it stays so until somebody releases it with a reason"
LOST = "even if everything open is lost"


def all_of(accounts: Sequence[str], joint: str = "each of ") -> str:
    """The accounts, as the subject of a sentence."""
    if len(accounts) == 1:
        return accounts[0]
    return f"{joint}{', '.join(accounts[:-1])} and {accounts[-1]}"


def daily_loss(who: str, amount: Decimal, zone: str) -> str:
    return (
        f"{who} stops when the day's result ({zone} day) falls to −{amount:,} {LOST}; "
        f"it goes on at the next {zone} midnight"
    )


def limit(accounts: Sequence[str], rule: Limit, zone: str) -> str:
    """One limit, with its base, its scope and when it lets go."""
    who = {
        "account": all_of(accounts),
        "key": f"each product and timeframe of {all_of(accounts, '')}",
        "guard": all_of(accounts, "") if len(accounts) == 1 else f"{all_of(accounts, '')} together",
    }[rule.scope]
    stop = "stop" if rule.scope == "guard" and len(accounts) > 1 else "stops"
    return f"{who} {stop} {_reached(rule, zone)}; {_release(rule, zone)}"


def _reached(rule: Limit, zone: str) -> str:
    day = rule.base == DAY_BASE
    since = f"the day's result ({zone} day)" if day else f"the result of the last {rule.base}"
    match rule.what:
        case "loss":
            return f"when {since} falls to −{_size(rule, 'at its beginning')} {LOST}"
        case "drawdown":
            highest = f"its highest of the {zone} day" if day else f"its highest of the last {rule.base}"
            return f"when the result has fallen {_size(rule, 'then')} below {highest} {LOST}"
        case "target":
            return f"when {since} has reached {_size(rule, 'at its beginning')} and only observes from then on"
        case "trades":
            trades = "1 trade" if rule.count == 1 else f"{rule.count} trades"
            return f"after {trades} {f'of the {zone} day' if day else f'in the last {rule.base}'}"
        case "streak":
            losses = "1 loss" if rule.count == 1 else f"{rule.count} losses in a row"
            return f"after {losses} (since the last win, of the last 30d)"


def _size(rule: Limit, when: str) -> str:
    if rule.amount is not None:
        return f"{rule.amount:,}"
    assert rule.share is not None, "checked when made"
    return f"{rule.share * 100:g} % of the balance {when}"


def _release(rule: Limit, zone: str) -> str:
    if rule.by_hand:
        return BY_HAND
    midnight = f"it goes on at the next {zone} midnight"
    if rule.what == "streak":
        again = ", and every further loss before a win stops it again"
        return f"{midnight if rule.release in ('', DAY_BASE) else f'it goes on {rule.release} after the last'}{again}"
    return midnight if rule.base == DAY_BASE else f"it goes on as that passes out of the last {rule.base}"


def resting(who: str, rests: Sequence[int]) -> str:
    """After a loss a key rests."""
    steps = [lasting(rest) for rest in rests]
    told = f"for {steps[0]}"
    if len(steps) > 1:
        told = f"for {', '.join(steps[:-1])} and then {steps[-1]}, a step more for each further loss in a row"
    return f"each product and timeframe of {who} rests after a loss {told}; a win begins anew"


def pausing(who: str, errors: Errors) -> str:
    """After errors in a row a key rests."""
    row = "1 error" if errors.most == 1 else f"{errors.most} errors in a row"
    which = "(a strategy that failed, an order refused or of unknown outcome)"
    doubled = "" if errors.patience.rest == errors.patience.longest else ", doubled for each further one in a row"
    most = f" up to {errors.longest}" if doubled else ""
    return (
        f"each product and timeframe of {who} pauses after {row} {which} for {errors.rest}{doubled}{most}; "
        "a bar without a failure and an order that is taken begin anew"
    )


def lasting(millis: int) -> str:
    """A duration as one would write it."""
    unit, name = next(each for each in UNITS if millis % each[0] == 0)
    return f"{millis // unit}{name}"


def breaking(who: str, breaker: Breaker) -> str:
    return (
        f"{who} stops when {breaker.errors} orders within {breaker.within} are rejected, not sent or of unknown "
        f"outcome; it goes on {breaker.rest} after the last of them"
    )


def answering(who: str, latency: Latency) -> str:
    return (
        f"{who} stops when the answers to its orders of the last {latency.within} took longer than {latency.max} on "
        f"average, or one waits for longer; it goes on when the slow ones are older than {latency.within}"
    )


def crowding(who: str, everybody: str, per: OpenPer) -> Iterator[str]:
    """How many trades may be open at once."""
    ends = "it goes on when one of them ends"
    for most, where in ((per.account, ""), (per.product, " on one product"), (per.slot, " that expire in one slot")):
        if most is not None:
            yield f"{who} has at most {most} open {'trade' if most == 1 else 'trades'} at once{where}; {ends}"
    if per.all is not None:
        yield (
            f"{everybody} and the accounts of all guards whose orders go the same way have at most {per.all} open "
            f"trades at once; {ends}"
        )


def holding_together(who: str, together: Together) -> str:
    groups = "; ".join(f"{name}: {', '.join(products)}" for name, products in together.groups.items())
    return (
        f"{who} stakes at most {together.max_at_stake:,} at once on products that move together ({groups}) and expire "
        f"in one slot, where stakes s on them count as sqrt(Σ s_i² + {together.correlation:g} Σ s_i s_j); it goes on "
        "when they have expired"
    )
