"""What a feed asks of its venue in its busiest minute, and whether an address of it may be asked at all."""

from collections.abc import Iterator

from pipeline.connections.contract import Busy, Need
from pipeline.connections.places import allowed
from pipeline.errors import InputError

CONNECTIONS = 5
"""A connection that breaks at once is made so often in the first minute, and its clock is asked for each time."""
PROBES = 3


def usual_needs(busy: Busy, history: str, weight: int = 1, *, clock: str = "") -> Iterator[Need]:
    """After a break each product's missing bars are asked for, and the connection is made anew, perhaps often."""
    count = len(busy.products)

    def fewer(times: float) -> str:
        return f"products: name {int(count / times)} of the {count}"

    yield Need(
        history,
        float(weight * count),
        f"the bars that {count} product{'s' if count != 1 else ''} lack after a break",
        "history",
        cheaper=fewer,
    )
    yield Need("stream", CONNECTIONS, "connecting anew", "quote")
    if clock:
        yield Need(clock, CONNECTIONS * PROBES, "its clock, each time it is connected", "quote")


def reached(key: str, url: str, hosts: frozenset[str]) -> None:
    """Refuse an address that may not be asked, by the key it stands under."""
    try:
        allowed(url, hosts, key)
    except InputError as wrong:
        what, _, fix = str(wrong).partition("; ")
        known = ", ".join(sorted(hosts - {"127.0.0.1"}))
        raise ValueError(f"{what}; {fix if not what.startswith(f'{key} leads') else f'write one of {known}'}") from None
