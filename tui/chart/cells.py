"""Cells that a chart is drawn on, and the strokes it is drawn with."""

import re

from tui.painted import Line, Run

# (upper half, lower half) of a cell: 0 empty, 1 wick, 2 body
STROKES = {
    (0, 0): " ",
    (0, 1): "╷",
    (1, 0): "╵",
    (1, 1): "│",
    (0, 2): "╻",
    (2, 0): "╹",
    (2, 2): "┃",
    (1, 2): "╽",
    (2, 1): "╿",
}
BLOCKS = {(0, 0): " ", (0, 1): "╷", (1, 0): "╵", (1, 1): "│", (0, 2): "▄", (2, 0): "▀", (2, 2): "█"}
LEFT = {(0, 2): "▗", (2, 0): "▝", (2, 2): "▐"}
RIGHT = {(0, 2): "▖", (2, 0): "▘", (2, 2): "▌"}
HATCHED = {"┃": "║", "█": "▒"}
EIGHTHS = " ▁▂▃▄▅▆▇█"
BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
LAST, ENTRY, EXPIRY, CROSS, GAP, MISSING = "┈", "╌", "┊", "┆", "╎", "/"
FREE = " ·"
SKIP = "\0"

STYLES = ("second", "dim", "grid", "up", "down", "up-soft", "down-soft", "warn", "bright", "line-1", "line-2", "line-3")
GROUNDS = ("tag-up", "tag-down", "tag-entry", "tint")
"""Styles that can be seen where no letter stands."""
_CODES = {
    "text": "t",
    **{name: chr(ord("a") + place) for place, name in enumerate(STYLES)},
    **{name: chr(ord("A") + place) for place, name in enumerate(GROUNDS)},
}
_NAMES = {code: name for name, code in _CODES.items()}
_EMPTY = " "
_ALIKE = re.compile(r"([a-z])(?:\1| )*|([A-Z])\2*| +")
"""What one run may hold: empty cells look alike in all styles that have no ground."""


class Cells:
    """A letter and a style each."""

    def __init__(self, width: int, height: int) -> None:
        self.text = [[" "] * width for _ in range(height)]
        self._style = [[_EMPTY] * width for _ in range(height)]
        self._width = width

    def put(self, x: int, y: int, text: str, style: str) -> None:
        row, styles, code = self.text[y], self._style[y], _CODES[style]
        for column, character in enumerate(text, x):
            if 0 <= column < self._width:
                row[column], styles[column] = character, code

    def down(self, x: int, y: int, text: str, style: str) -> None:
        """Write from above to below, and leave out what is to be skipped."""
        if not 0 <= x < self._width:
            return
        code = _CODES[style]
        for row, character in enumerate(text, y):
            if character != SKIP:
                self.text[row][x], self._style[row][x] = character, code

    def under(self, x: int, y: int, character: str, style: str, free: str = FREE) -> bool:
        """Draw where nothing stands yet; whether there was room."""
        if not (0 <= x < self._width and self.text[y][x] in free):
            return False
        self.text[y][x], self._style[y][x] = character, _CODES[style]
        return True

    def clear(self, left: int, right: int, y: int) -> None:
        """Take away these cells, and all of the words that they are a part of."""
        row = self.text[y]
        while left > 0 and row[left - 1] != " ":
            left -= 1
        while right < self._width and row[right] != " ":
            right += 1
        self.put(left, y, " " * (right - left), "text")

    def dotted(self, y: int, width: int) -> None:
        """A line of the grid."""
        count = (width + 1) // 2
        self.text[y][0:width:2] = ["·"] * count
        self._style[y][0:width:2] = [_CODES["grid"]] * count

    def tint(self, left: int, right: int, top: int, bottom: int) -> None:
        """Give what is free another ground."""
        code = _CODES["tint"]
        for y in range(top, bottom):
            row, styles = self.text[y], self._style[y]
            for x in range(max(0, left), min(right, self._width)):
                if row[x] in FREE:
                    styles[x] = code

    def lines(self) -> tuple[Line, ...]:
        return tuple(
            Line(tuple(_runs("".join(text), "".join(style))))
            for text, style in zip(self.text, self._style, strict=True)
        )


def _runs(text: str, styles: str) -> list[Run]:
    runs: list[Run] = []
    for found in _ALIKE.finditer(styles):
        first, last = found.span()
        runs.append(Run(text[first:last], _NAMES.get(styles[first], "text")))
    return runs


def snapped(halves: tuple[int, int], *, goes_on: bool) -> tuple[int, int]:
    """A block glyph cannot hold half a body and half a wick: the body fills the cell when the wick goes on beyond it,
    and the half wick is dropped when that was all of it."""
    if halves not in ((1, 2), (2, 1)):
        return halves
    upper, lower = halves
    return (2, 2) if goes_on else (upper // 2 * 2, lower // 2 * 2)
