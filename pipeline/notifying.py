"""What a program tells the service manager that started it: it is ready, it lives, it ends.

The protocol is one datagram of lines `NAME=text`, to the socket that the manager names in the environment. Where
nobody started it that way nothing is told.
"""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from typing import NamedTuple, Self

SOCKET, INTERVAL, WHOSE = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
LONGEST = 200
"""Letters of a line that says how the program fares."""


class Notice(NamedTuple):
    """The line to the manager that started this program."""

    address: str
    within: float | None
    """Seconds within which it wants to hear that the program lives; None when it does not ask."""

    @classmethod
    def of(cls, environment: MutableMapping[str, str], pid: int) -> Self | None:
        """As the environment has it; taken out of there, for no program that we start is to speak for us."""
        named = [environment.pop(name, "") for name in (SOCKET, INTERVAL, WHOSE)]
        address, micros, whose = named
        if not address.startswith(("/", "@")) or not hasattr(socket, "AF_UNIX"):
            return None
        asked = micros.isdecimal() and int(micros) > 0 and whose in ("", str(pid))
        return cls(address, int(micros) / 1e6 if asked else None)

    def say(self, **lines: str) -> None:
        """Tell the manager. One that is not there any more, or takes nothing now, is not waited for."""
        text = "\n".join(f"{name}={_one_line(what)}" for name, what in lines.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.connect("\0" + self.address[1:] if self.address.startswith("@") else self.address)
            line.send(text.encode())


def notice() -> Notice | None:
    """The line of this very program."""
    return Notice.of(os.environ, os.getpid())


def _one_line(text: str) -> str:
    """What is said may hold somebody else's words: a line of it must not become a command of its own."""
    return "".join(each if each.isprintable() else " " for each in text)[:LONGEST]
