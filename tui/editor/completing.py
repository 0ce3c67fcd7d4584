"""Completing the word at the cursor from what may stand there."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tui.editor.area import FlowArea, MenuKey
from tui.editor.here import Here, here
from tui.editor.menu import Menu
from tui.editor.offers import Names, Offer, offers
from tui.editor.shapes import shapes
from tui.editor.tables_in import tables_in

Data = Mapping[str, Any] | None


class Completing:
    """A text and the menu over it."""

    def __init__(self, area: FlowArea, menu: Menu, data: Callable[[], Data], say: Callable[[str], None]) -> None:
        """`data` is what the text said when it was TOML last."""
        self._area, self._menu, self._data, self._say = area, menu, data, say
        self._here: Here | None = None

    async def offer(self) -> None:
        """Open the menu, or have it show what fits the word that goes on."""
        area = self._area
        lines, (row, column) = list(area.document.lines), area.cursor_location
        goes_on = area.menu_open
        at, found = await asyncio.to_thread(_offered, lines, row, column, self._data())
        if (row, column) != area.cursor_location or not area.has_focus:
            return
        if at is not None and len(found) == 1 and goes_on and found[0].word == at.word:
            found = ()
        self._open(found, at)
        if not found and not goes_on:
            self._say("nothing is known that may stand here")

    def close(self) -> None:
        self._open((), None)

    def press(self, key: MenuKey) -> None:
        """A key that is the menu's while it stands open."""
        match key:
            case "take" if self._menu.chosen is not None:
                self.insert(self._menu.chosen)
            case "up" | "down" | "pageup" | "pagedown":
                self._menu.move({"up": -1, "down": 1, "pageup": -8, "pagedown": 8}[key])
            case _:
                self.close()

    def insert(self, offer: Offer) -> None:
        """Write what was chosen in the place of the word that is there, and nothing twice that follows it."""
        at, area = self._here, self._area
        self.close()
        if at is None:
            return
        row, column = area.cursor_location
        rest = area.document.get_line(row)[column:].lstrip()
        tails = [tail for tail in (" = ", "]]", "]", at.quote) if tail and offer.insert.endswith(tail)]
        doubled = next((tail for tail in tails if rest.startswith(tail.strip())), "")
        area.history.checkpoint()
        area.replace(
            offer.insert.removesuffix(doubled), (row, at.begin), (row, column), maintain_selection_offset=False
        )

    def _open(self, found: Sequence[Offer], at: Here | None) -> None:
        self._here = at
        self._area.menu_open = bool(found)
        if found and at is not None:
            x, y = self._area.cursor_screen_offset
            self._menu.offer(found, (max(0, x - len(at.word) - 2), y + 1))
        else:
            self._menu.close()


def _offered(lines: Sequence[str], row: int, column: int, data: Data) -> tuple[Here | None, tuple[Offer, ...]]:
    at = here(lines, row, column)
    return at, () if at is None else offers(at, shapes(), Names(tables_in(lines), data))
