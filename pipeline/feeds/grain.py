"""Bars of a timeframe that a venue does not have, made of the longest of its own that fit into them."""

from collections.abc import Awaitable, Callable, Collection

from pipeline.candles import merged
from pipeline.connections.troubles import CallFailed
from pipeline.times import timeframe_name
from pipeline.values import Bars


def grain(tf: int, known: Collection[int]) -> int:
    """The longest timeframe of a venue of which bars of `tf` can be made."""
    fitting = [each for each in known if tf % each == 0]
    if not fitting:
        raise CallFailed("rule", f"there are no bars of which {timeframe_name(tf)} bars can be made")
    return max(fitting)


async def made(
    tf: int, known: Collection[int], since: int, until: int, ask: Callable[[int, int, int], Awaitable[Bars]]
) -> Bars:
    """The bars that open in [since, until), asked for as the venue has them: `ask(tf, since, until)`."""
    finest = grain(tf, known)
    if finest == tf:
        return await ask(tf, since, until)
    whole_since, whole_until = -(-since // tf) * tf, -(-until // tf) * tf
    bars = merged(await ask(finest, whole_since, whole_until), tf)
    return bars.rows(0, len(bars), 0)
