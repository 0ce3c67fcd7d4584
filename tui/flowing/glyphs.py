"""Lines, boxes and bars in letters: with box glyphs, or with plain ones where a terminal has none."""

from typing import Literal, NamedTuple

Glyphs = Literal["unicode", "ascii"]
Strokes = tuple[int, int, int, int]
"""How strongly a line goes up, right, down and left from the middle of a cell: not at all, light, heavy."""

_LINES = (
    " ╴╸╷╮┑╻┒┓╶─╾╭┬┭┎┰┱╺╼━┍┮┯┏┲┳"
    "╵╯┙│┤┥╽┧┪╰┴┵├┼┽┟╁╅┕┶┷┝┾┿┢╆╈"
    "╹┚┛╿┦┩┃┨┫┖┸┹┞╀╃┠╂╉┗┺┻┡╄╇┣╊╋"
)  # fmt: skip
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def stroke(strokes: Strokes, glyphs: Glyphs) -> str:
    """The glyph of a cell through which lines go."""
    up, right, down, left = strokes
    if glyphs == "unicode":
        return _LINES[27 * up + 9 * right + 3 * down + left]
    heavy = 2 in strokes
    if up or down:
        return "#" if heavy else "+" if right or left else "|"
    return "=" if heavy else "-" if right or left else " "


def bar(share: float, width: int, glyphs: Glyphs) -> str:
    """So much of the width filled."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    if glyphs == "ascii":
        return ("#" * ((eighths + 7) // 8)).ljust(width)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + (_EIGHTHS[rest] if rest else "")).ljust(width)


class Frame(NamedTuple):
    """What a box is drawn with."""

    corners: str
    across: str
    along: str


FRAMES: dict[tuple[Glyphs, bool], Frame] = {
    ("unicode", False): Frame("┌┐└┘", "─", "│"),
    ("unicode", True): Frame("┏┓┗┛", "━", "┃"),
    ("ascii", False): Frame("++++", "-", "|"),
    ("ascii", True): Frame("####", "=", "#"),
}
"""By glyphs, and whether it is chosen."""
MARKS: dict[Glyphs, dict[str, str]] = {
    "unicode": {"ok": "●", "warn": "!", "wrong": "✖", "arrow": "▶", "back": "↺"},
    "ascii": {"ok": "o", "warn": "!", "wrong": "x", "arrow": ">", "back": "@"},
}
