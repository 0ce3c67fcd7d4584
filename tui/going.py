"""What a page asks the console for: another page, or a word on one bar."""

from typing import Any, NamedTuple

from textual.message import Message

from pipeline.view import KeyName


class Insert(NamedTuple):
    """A piece of TOML for the flow's file: the editor finds a place for it, and applies nothing by itself."""

    text: str


class PartName(NamedTuple):
    """A part, by its kind and the name it goes by in `use`."""

    kind: str
    name: str


class Go(Message):
    """To another page, and there to what it is about: a key, an order, a line of the file."""

    def __init__(self, page: str, subject: Any = None) -> None:
        super().__init__()
        self.page, self.subject = page, subject


class WhyAsked(Message):
    """Why a bar was traded or not, and what was known then. Without a bar: the last one of the key."""

    def __init__(self, name: KeyName | None = None, bar: int = 0, order: str = "") -> None:
        super().__init__()
        self.name, self.bar, self.order = name, bar, order
