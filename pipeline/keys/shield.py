"""A program that holds secrets leaves no picture of its memory behind, and lets nobody look into it while it runs."""

import ctypes
import sys
from functools import cache

PR_GET_DUMPABLE, PR_SET_DUMPABLE = 3, 4


@cache
def shielded() -> bool:
    """No core file, and on Linux no looking in by other programs of the same user; whether that is so now."""
    if sys.platform == "win32":
        return False
    return _no_core() and (not sys.platform.startswith("linux") or _not_dumpable())


if sys.platform != "win32":
    import resource

    def _no_core() -> bool:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        return True

    def _not_dumpable() -> bool:
        try:
            prctl = ctypes.CDLL(None).prctl
        except (OSError, AttributeError):  # a system that is called Linux and has no such call
            return False
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        return int(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)) == 0
