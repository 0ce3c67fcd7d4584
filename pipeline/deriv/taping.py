"""What passes over a socket, line by line into a file, without what tells whose it is."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import IO, Any, cast

from pipeline.connections.reading import Answer, encoded
from pipeline.connections.socket import Socket
from pipeline.secret import MASK

PERSONAL = frozenset(
    {"loginid", "account_id", "email", "fullname", "user_id", "token", "otp", "country", "account_list", "authorize"}
)
"""Fields whose values are left out."""


class Taped:
    """A socket that writes down what it sends and hears, with when."""

    def __init__(self, socket: Socket, file: IO[bytes], now: Callable[[], int], personal: tuple[str, ...]) -> None:
        """`personal` are texts that are left out wherever they stand."""
        self._socket, self._file, self._now, self._personal = socket, file, now, personal
        self.written = 0

    async def send(self, table: Mapping[str, object]) -> None:
        self._write("sent", table)
        await self._socket.send(table)

    async def frames(self) -> AsyncGenerator[Answer]:
        async for frame in self._socket.frames():
            self._write("heard", frame.raw)
            yield frame

    def note(self, what: str) -> None:
        """A line of our own: which question the next frames are about."""
        self._write("about", what)

    def _write(self, how: str, what: object) -> None:
        line = encoded({"at": self._now(), how: anonymous(what, self._personal)})
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        self.written += 1


def anonymous(value: object, personal: tuple[str, ...]) -> object:
    """The same without names, ids and secrets of whose it is."""
    match value:
        case Mapping():
            table = cast("Mapping[str, Any]", value)
            return {key: MASK if key in PERSONAL else anonymous(each, personal) for key, each in table.items()}
        case list() | tuple():
            return [anonymous(each, personal) for each in cast("list[Any]", value)]
        case str():
            for each in personal:
                value = value.replace(each, MASK)
            return value
        case _:
            return value
