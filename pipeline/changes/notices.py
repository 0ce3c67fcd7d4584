"""What is told of changes of a running flow."""

from typing import Literal

from msgspec import Struct


class Notice(Struct, frozen=True):
    """A sentence for whoever looks on."""

    level: Literal["info", "warning", "error"]
    text: str
    at: int
