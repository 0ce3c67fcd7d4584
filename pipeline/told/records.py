"""What the engine said."""

from msgspec import Struct

from pipeline.logs.records import Record


class Told(Struct, frozen=True):
    """Records, oldest first."""

    logs: tuple[Record, ...]
