"""What a check is: a name, a sentence, what it needs the connector to declare, and how it is done."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pipeline.conformance.stage import Stage
from pipeline.connections.contract import Capabilities

Need = Literal["venue", "prices", "streams", "lists", "echoes", "once", "closes"]
"""What a check is about: a connector of accounts, one of prices, or something that it declares."""
Doing = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Check:
    """One thing that is proved. `settings` are the venue's, where they are not the usual ones."""

    name: str
    proves: str
    needs: tuple[Need, ...]
    doing: Doing
    settings: Mapping[str, Any]
    manners: Mapping[str, Any]
    slow: bool
    """Whether it waits for most of a minute: such begin first."""

    def lacks(self, declared: Capabilities | None, *, prices: bool) -> str:
        """What of its needs there is not, in words; "" when all is there."""
        return next((why for need in self.needs if (why := _lacks(need, declared, prices=prices))), "")


def check(
    *needs: Need,
    settings: Mapping[str, Any] | None = None,
    manners: Mapping[str, Any] | None = None,
    slow: bool = False,
) -> Callable[[Doing], Check]:
    """A check of a function: its name and the first paragraph of its docstring are the check's."""

    def made(doing: Doing) -> Check:
        sentence = " ".join((doing.__doc__ or "").split())
        name = getattr(doing, "__name__", "").replace("_", "-")
        given = MappingProxyType(dict(settings or {}))
        return Check(name, sentence, needs, doing, given, MappingProxyType(dict(manners or {})), slow)

    return made


def _lacks(need: Need, declared: Capabilities | None, *, prices: bool) -> str:
    if need == "prices":
        return "" if prices else "it has no source of prices"
    if declared is None:
        return "it has no connector of accounts"
    match need:
        case "venue":
            return ""
        case "streams":
            return "" if declared.streams else "it does not declare that the venue tells by itself"
        case _:
            return "" if getattr(declared.evidence, need) else f"it does not declare {need}"
