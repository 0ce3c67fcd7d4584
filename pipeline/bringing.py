"""When the parts are imported: once somebody asks for one, and not before, for it takes a second and a lot of memory.

It imports next to nothing, so that who never asks does without them.
"""

from collections.abc import Callable
from threading import RLock

_awaited: list[Callable[[], object]] = []
_lock = RLock()


def brought_by(bring: Callable[[], object]) -> None:
    """Who imports them."""
    _awaited.append(bring)


def brought() -> None:
    """They are there; who asks while another thread imports them waits for all of them."""
    with _lock:
        while _awaited:
            bring = _awaited.pop()  # what it imports may ask for those that are there already
            try:
                bring()
            except BaseException:
                _awaited.append(bring)
                raise
