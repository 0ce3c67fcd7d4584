"""The one way from the threads of an SDK to the loop: bounded, and with one wake-up for whatever has gathered.

Prices that find it full give way to newer ones of the same instrument, which is counted; what a session tells and what
is answered is never dropped: of that there is no more than was asked.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from pipeline.fxcm.port import Offer

ROOM = 5_000
TURN = 512
"""So much is passed on in one turn of the loop."""

Act = Callable[[], None]


@dataclass(slots=True)
class Crossed:
    """What came to the edge, since the beginning: ticks = given + dropped + what waits."""

    ticks: int = 0
    tick_errors: int = 0
    """Rows without a price, or with one that cannot be."""
    dropped: int = 0
    """Those that a newer one of the same instrument took the place of."""
    given: int = 0
    repeated: int = 0
    """Rows that changed, but not in their price or its time: they are no ticks."""


class Edge:
    """Between one SDK thread, with what the SDK itself runs beside it, and the loop it is made on."""

    def __init__(self, take: Callable[[Sequence[Offer]], None], crossed: Crossed, room: int = ROOM) -> None:
        self._loop = asyncio.get_running_loop()
        self._take, self._crossed, self._room = take, crossed, room
        self._lock = Lock()
        self._waiting = deque[Offer | Act]()
        self._offers = 0
        """How many of what waits are prices."""
        self._last: dict[str, Offer] = {}
        self._newest: dict[str, Offer] = {}
        """Those that found no room."""
        self._woken = False
        self._closed = False

    @property
    def depth(self) -> int:
        return len(self._waiting) + len(self._newest)

    # --- from any thread ---------------------------------------------------------------------------------------------

    def offer(self, offer: Offer | None) -> None:
        """A price came; None: a row that has none."""
        with self._lock:
            if self._closed:
                return
            if offer is None:
                self._crossed.tick_errors += 1
                return
            if self._last.get(offer.instrument) == offer:
                self._crossed.repeated += 1
                return
            self._last[offer.instrument] = offer
            self._crossed.ticks += 1
            if self._offers < self._room and not self._newest:
                self._offers += 1
                self._waiting.append(offer)
            else:
                self._crossed.dropped += offer.instrument in self._newest
                self._newest[offer.instrument] = offer
            self._wake()

    def post(self, act: Act) -> None:
        """Have something done on the loop, after all that was told before."""
        with self._lock:
            if not self._closed:
                self._waiting.append(act)
                self._wake()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits for anything any more
                self._loop.call_soon_threadsafe(self._pass)

    # --- on the loop -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Nothing crosses from now on."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._newest.clear()

    def _pass(self) -> None:
        offers = list[Offer]()
        for item in self._some():
            if isinstance(item, Offer):
                offers.append(item)
                continue
            self._give(offers)
            offers = []
            item()
        self._give(offers)

    def _give(self, offers: list[Offer]) -> None:
        if offers:
            self._crossed.given += len(offers)
            self._take(offers)

    def _some(self) -> list[Offer | Act]:
        """What is next; the rest waits for another turn."""
        with self._lock:
            some = [self._waiting.popleft() for _ in range(min(TURN, len(self._waiting)))]
            self._offers -= sum(isinstance(each, Offer) for each in some)
            if not self._waiting and self._newest:
                self._waiting.extend(self._newest.values())
                self._offers = len(self._newest)
                self._newest.clear()
            self._woken = False
            if self._waiting:
                self._wake()
        return some
