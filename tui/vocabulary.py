"""The words of the command line: what each does, on which page, with what."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from textual.binding import BindingType

from pipeline.errors import InputError
from pipeline.view import KeyName
from tui import palette
from tui.acts import acts_in
from tui.commands import Command, key_named
from tui.going import WhyAsked
from tui.pages import PAGES
from tui.preferences.keys import named

if TYPE_CHECKING:
    from tui.app import Console

KINDS = {kind.name: kind for kind in PAGES}
FILTERED = {"keys", "trades", "flow", "logs", "strategies", "accounts", "research"}
"""Pages that can be gone to with words of a filter."""
RATES = ("auto", "fast", "slow", "minimal")


def words_of(console: "Console") -> tuple[Command, ...]:
    """Everything that can be done now."""
    every = (*_pages(console), *_acts(console), *_with_abouts(console))
    return tuple({command.word: command for command in every}.values())


def abouts_of(console: "Console", command: Command) -> Iterable[str]:
    """What a command may be about."""
    match command.word:
        case "chart" | "why":
            return [f"{name.product} {name.timeframe} {name.account}" for name in console.shell.store.keys]
        case "theme":
            return palette.WORDS
        case "rate":
            return RATES
        case "time":
            return ("flow", "utc")
        case "group":
            return console.shell.settings.filters
        case "help":
            return [kind.name for kind in PAGES]
        case _:
            return ()


def _pages(console: "Console") -> Iterator[Command]:
    for kind in PAGES:
        about = "words" if kind.name in FILTERED else ""
        yield Command(kind.name, kind.says, _going(console, kind.name), about, keys=named(kind.key))


def _going(console: "Console", name: str) -> Callable[[str], Awaitable[None]]:
    async def go(about: str) -> None:
        await console.go(name)
        if about:
            console.filter_page(about)

    return go


def _acts(console: "Console") -> Iterator[Command]:
    """What the focused panel, the page in front and the console itself can do, under their words."""
    for node in (*console.acting, console):
        declared: Iterable[BindingType] = type(node).BINDINGS
        for act in acts_in(declared):
            if act.command and act.command not in KINDS:
                yield Command(act.command, act.tooltip, _running(console, node, act.action), keys=named(act.key))


def _running(console: "Console", node: object, action: str) -> Callable[[str], Awaitable[None]]:
    async def run(_: str) -> None:
        await console.run_action(action, default_namespace=node)  # type: ignore[arg-type]  # a node of the tree

    return run


def _with_abouts(console: "Console") -> Iterator[Command]:
    async def chart(about: str) -> None:
        await console.go("chart", key_named(about, console.shell.store.keys) if about else None)

    async def why(about: str) -> None:
        key: KeyName | None = key_named(about, console.shell.store.keys) if about else None
        console.post_message(WhyAsked(key))

    async def shot(about: str) -> None:
        console.keep_picture(about or "console")

    async def order(about: str) -> None:
        console.post_message(WhyAsked(order=about)) if about else None

    async def group(about: str) -> None:
        filters = console.shell.settings.filters
        if about not in filters:
            known = ", ".join(filters) or "none yet: ^s in the filter line keeps one"
            raise InputError(f"no filter is kept as {about!r}; there are: {known}")
        console.filter_page(filters[about])

    yield Command("chart", "the chart of a key", chart, "key", ("c",))
    yield Command("why", "why a key's last bar was traded or not", why, "key", ("w",))
    yield Command("order", "why and how one order came about", order, "id")
    yield Command("shot", "keep the screen as a picture (SVG) and as text", shot, "file")
    yield Command("group", "a filter that was kept", group, "name")
    for name in ("theme", "rate", "time"):
        may_be = " · ".join({"theme": tuple(palette.WORDS), "rate": RATES, "time": ("flow", "utc")}[name])
        yield Command(name, f"{name} of the console: {may_be}", _liking(console, name), "which")


def _liking(console: "Console", name: str) -> Callable[[str], Awaitable[None]]:
    async def like(about: str) -> None:
        console.like(name, about)

    return like
