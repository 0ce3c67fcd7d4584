"""Every act of the console, wherever it was declared, and the keys a person gave some of them instead."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from textual.binding import BindingType
from textual.dom import DOMNode

from tui.acts import Placed, acts_in
from tui.pages import PageKind


def every_act(everywhere: Sequence[BindingType], kinds: Sequence[PageKind]) -> tuple[Placed, ...]:
    """All of them: those of the console itself, of its pages, of their panels. Each once. It imports all pages."""
    found: dict[str, Placed] = {}
    for placed in _all(everywhere, kinds):
        if placed.act.id is not None:
            found.setdefault(placed.act.id, placed)
    return tuple(found.values())


def _all(everywhere: Sequence[BindingType], kinds: Sequence[PageKind]) -> Iterator[Placed]:
    yield from (Placed(act, "everywhere") for act in acts_in(everywhere))
    for kind in kinds:
        page = kind.page()
        yield from (Placed(act, kind.name) for act in acts_in(page.BINDINGS))
        for panel in page.PANELS:
            for owner in reversed(panel.__mro__):
                if issubclass(owner, DOMNode) and "BINDINGS" in vars(owner):
                    yield from (Placed(act, kind.name) for act in acts_in(owner.BINDINGS))


def keymap_of(chosen: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What Textual is to be told; of names that nothing has it takes no notice."""
    return {name: ",".join(keys) for name, keys in chosen.items() if keys}


def amiss_in(chosen: Mapping[str, Sequence[str]], acts: Sequence[Placed]) -> Iterator[str]:
    """A sentence for each choice that cannot be, or that clashes with another."""
    known = {placed.act.id or "": placed for placed in acts}
    for name, keys in chosen.items():
        if name not in known:
            close = get_close_matches(name, list(known), 1, 0.5)
            yield f"keys: nothing is called {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        elif not keys:
            yield f"keys: {name!r} has no key; it keeps its own"
    yield from _clashes({name: keys for name, keys in keymap_of(chosen).items() if name in known}, known)


def _clashes(keymap: Mapping[str, str], known: Mapping[str, Placed]) -> Iterator[str]:
    """Two acts of one place on one key, one of them by choice."""
    for name, keys in keymap.items():
        for key in keys.split(","):
            for other, placed in known.items():
                theirs = keymap.get(other, placed.act.key).split(",")
                near = placed.where in ("everywhere", known[name].where) or known[name].where == "everywhere"
                if other != name and near and key in theirs and (other not in keymap or other > name):
                    yield f"keys: {key!r} does both {name} and {other}; the nearer one to the focus wins"
