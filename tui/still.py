"""What is painted again only when something of it changed.

Whenever anything changes on the screen, Textual asks every widget between the topmost and the lowest change for all of
its rows, and works through each of them. Most of those widgets, and all that only hold others, did not change.
"""

from collections.abc import Sequence
from typing import Self

from textual.containers import Container
from textual.filter import LineFilter
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import ContentSwitcher


class Still(Widget):
    """Keeps the rows it painted until it is told to paint again. Textual tells so, by `refresh` or
    `notify_style_update`, of whatever changes how a widget looks, itself or what it stands in.
    """

    _painted: tuple[Region, Sequence[LineFilter], list[Strip]] | None = None

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        self._painted = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def notify_style_update(self) -> None:
        self._painted = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        filters = self.get_line_filters()
        if self._painted is None or self._painted[:2] != (crop, filters):
            self._painted = (crop, filters, super().render_lines(crop))
        return self._painted[2]


class Holder(Container, Still):  # rules of style go by the first base of a widget and those before it
    """What holds panels."""


class Switcher(ContentSwitcher, Still):  # pyright: ignore[reportIncompatibleMethodOverride]  # of Textual's own
    """What holds the pages, one of them in front."""


class Ground(Screen[None], Still):  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
    """What all of it stands on."""
