"""Parts: their keys, and how a flow uses them."""

from msgspec import Struct


class KeyTold(Struct, frozen=True):
    """A key of a part's table. `default` is as a file has it; null where the key has to be said."""

    name: str
    type: str
    required: bool
    default: str | None
    range: str
    choices: tuple[str, ...]
    description: str


class UseTold(Struct, frozen=True):
    """A node of the running flow that is made by a part, with its keys as they are in force."""

    node: str
    settings: dict[str, str]


class PartTold(Struct, frozen=True):
    """A part."""

    kind: str
    name: str
    numbers: tuple[int, ...]
    """Presets of its keys, where it is a strategy: `use = 5`."""
    presets: dict[str, dict[str, str]]
    family: str
    group: str
    says: str
    """The first sentence of its description."""
    text: str
    """The whole of it."""
    fields: tuple[KeyTold, ...]
    takes: dict[str, tuple[str, ...]]
    gives: tuple[str, ...]
    outputs: tuple[str, ...]
    """The columns of a feature that has several."""
    warm_up: int
    """How many bars pass before a feature is ready, how many rows a strategy looks back, with its keys as they are
    when they are left out; 0 where there is nothing to say."""
    needs: tuple[str, ...]
    """The keys that name columns it reads."""
    origin: str
    """Where it comes from when it is not ours."""
    used: tuple[UseTold, ...]


class Parts(Struct, frozen=True):
    """Parts, kind by kind."""

    parts: tuple[PartTold, ...]
