"""What a key does: declared once on the widget it belongs to; footer, help, palette and overrides read it there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from textual.binding import Binding, BindingType
from textual.dom import DOMNode


@dataclass(frozen=True, kw_only=True)
class Act(Binding):
    """A binding with a name of its own (`id`, as in `chart.zoom_in`), by which it can be given other keys.

    `description` is its short title for the footer, `tooltip` one sentence for help and palette.
    """

    changes: bool = False
    """It changes something of the engine, so it waits until the person has taken control."""
    command: str = ""
    """The word that does it on the command line, "" for none."""


class Placed(NamedTuple):
    """An act, and where it holds: `everywhere`, or on a page."""

    act: Act
    where: str


def act(
    id: str,  # noqa: A002  # as Textual calls it
    keys: str,
    action: str,
    title: str,
    says: str,
    *,
    show: bool = True,
    key_display: str | None = None,
    priority: bool = False,
    changes: bool = False,
    command: str = "",
) -> Act:
    """An act by its name, keys, action, title and sentence."""
    return Act(
        key=keys,
        action=action,
        description=title,
        show=show,
        key_display=key_display,
        priority=priority,
        tooltip=says,
        id=id,
        changes=changes,
        command=command,
    )


def acts_in(declared: Iterable[BindingType]) -> Iterator[Act]:
    """Those acts among declared bindings."""
    return (binding for binding in declared if isinstance(binding, Act))


def changing(node: DOMNode, action: str) -> bool:
    """Whether an action of this node changes something of the engine."""
    bare = action.partition("(")[0]
    return any(each.changes and each.action.partition("(")[0] == bare for each in acts_in(type(node).BINDINGS))
