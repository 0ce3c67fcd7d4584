"""Until when a venue's bars are final: a bar that has only just closed may still change."""

from pipeline.connections.contract import Outside
from pipeline.times import SECOND, slot_of

SETTLED = SECOND
"""For so long after its close."""


async def settled(host: Outside, tf: int, until: int, ahead: int = 0) -> int:
    """The moment before which bars must open to be final, `until` at the latest; `ahead` is the venue's clock of ours.

    A bar that will be within a second is waited for: whoever asks for what is missing asks as soon as it is over.
    """
    end = -(-until // tf) * tf
    left = end + SETTLED - (host.now() + ahead)
    if 0 < left <= SETTLED:
        await host.until(host.now() + left)
        return end
    return min(end, slot_of(host.now() + ahead - SETTLED, tf))
