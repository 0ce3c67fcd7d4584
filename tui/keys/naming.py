"""Which keys there are, by their parts: the next timeframe of one, and few scopes for many."""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import product
from typing import NamedTuple

from pipeline.times import duration
from pipeline.view import KeyName


class Part(NamedTuple):
    """Keys of an account, a product and a timeframe; "" means all."""

    account: str
    product: str
    timeframe: str

    def holds(self, name: KeyName) -> bool:
        return all(mine in ("", theirs) for mine, theirs in zip(self, name, strict=True))

    def __str__(self) -> str:
        return " ".join(part for part in self if part) or "all keys"


def next_timeframe(name: KeyName, names: Iterable[KeyName]) -> KeyName:
    """The same account and product in the next longer timeframe, after the longest in the shortest."""
    found = sorted({each.timeframe for each in names if each[:2] == name[:2]}, key=duration)
    if name.timeframe not in found:
        return name
    return name._replace(timeframe=found[(found.index(name.timeframe) + 1) % len(found)])


def parts_of(wanted: Collection[KeyName], every: Iterable[KeyName]) -> list[Part]:
    """Few parts, the largest first, which together hold these keys and no others; of two that hold the same the one
    that says more, so that no key that comes later is meant by it."""
    there = Counter(part for name in every for part in _around(name))
    held = Counter(part for name in wanted for part in _around(name))
    whole = [part for part, count in held.items() if count == there[part]]
    whole.sort(key=lambda part: (-held[part], part.count(""), part))
    left, taken = set(wanted), list[Part]()
    for part in whole:
        now = {name for name in left if part.holds(name)} if held[part] > 1 else left & {KeyName(*part)}
        if now:
            taken.append(part)
            left -= now
        if not left:
            break
    return taken


def _around(name: KeyName) -> Iterable[Part]:
    """Every part that a key is in."""
    return (Part(*each) for each in product(*((part, "") for part in name)))
