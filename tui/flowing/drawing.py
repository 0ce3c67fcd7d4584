"""A graph as lines of text: boxes with what their nodes do, and the edges between them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

from tui.flowing.gauge import EdgeRead, Ends, Entry
from tui.flowing.glyphs import FRAMES, MARKS, Glyphs, Strokes, bar, stroke
from tui.flowing.items import HEIGHT, Cell
from tui.flowing.layout import Layout, cells
from tui.painted import Line, Run
from tui.words import count_text, fit, plain

STYLES = {"ok": "second", "warn": "warn", "wrong": "wrong"}
PLAINER = str.maketrans({"─": "-", "·": "/", "…": "~"})
"""What stands in boxes without box glyphs."""
RANKS = {"ok": 0, "warn": 1, "wrong": 2}


class View(NamedTuple):
    """Which part of a drawing is looked at."""

    left: int
    top: int
    width: int
    height: int


class Shown(NamedTuple):
    """What is drawn into a layout: nodes by name, edges by their ends, the chosen node, and who fits the filter."""

    entries: Mapping[str, Entry]
    edges: Mapping[Ends, EdgeRead]
    chosen: str
    fitting: Collection[str] | None
    """None: all of them."""
    returning: Collection[str]
    """Nodes that edges lead back to, or from."""


class Drawing:
    """A layout made ready to be drawn again and again: the lines are worked out once, what they carry each time."""

    def __init__(self, layout: Layout, glyphs: Glyphs) -> None:
        self.layout = layout
        self._glyphs: Glyphs = glyphs
        self._ways = {(route.source, route.target): tuple(cells(route)) for route in layout.routes}
        self._strokes: dict[Cell, Strokes] = {}
        for way in self._ways.values():
            self._stroke(self._strokes, way, 1)
        rows = [[" "] * layout.width for _ in range(layout.height)]
        for (x, y), strokes in self._strokes.items():
            rows[y][x] = stroke(strokes, glyphs)
        for route in layout.routes:
            x, y = route.corners[-1]
            rows[y][x] = MARKS[glyphs]["arrow"]
        self._rows = ["".join(row) for row in rows]
        self._boxes: list[list[tuple[int, str, int]]] = [[] for _ in rows]
        for name, box in layout.boxes.items():
            for row in range(HEIGHT):
                self._boxes[box.y + row].append((box.x, name, row))
        for row in self._boxes:
            row.sort()

    def lines(self, shown: Shown, view: View) -> Iterator[Line]:
        """Those of a view, cut to it."""
        over = self._over(shown)
        drawn = dict[str, tuple[tuple[Run, ...], ...]]()
        for y in range(view.top, min(view.top + view.height, self.layout.height)):
            runs, at = list[Run](), 0
            for x, name, row in self._boxes[y]:
                box = self.layout.boxes[name]
                if x + box.width > view.left and x < view.left + view.width:
                    if name not in drawn:
                        drawn[name] = tuple(box_lines(shown, name, box.width, self._glyphs))
                    runs += self._between(y, at, x, over.get(y))
                    runs += drawn[name][row]
                else:
                    runs += self._between(y, at, x, over.get(y))
                    runs.append(Run(" " * box.width))
                at = x + box.width
            runs += self._between(y, at, self.layout.width, over.get(y))
            yield Line(tuple(_cut(runs, view.left, view.width)))

    def _stroke(self, into: dict[Cell, Strokes], way: Sequence[Cell], weight: int) -> None:
        """Draw a way: into each cell the sides by which it comes and goes, the stronger line where two meet."""
        ends = [(way[0][0] - 1, way[0][1]), *way, (way[-1][0] + 1, way[-1][1])]
        for before, cell, after in zip(ends, ends[1:], ends[2:], strict=False):
            strokes = list(into.get(cell, (0, 0, 0, 0)))
            for beside in (before, after):
                side = _side(cell, beside)
                strokes[side] = max(strokes[side], weight)
            into[cell] = (strokes[0], strokes[1], strokes[2], strokes[3])

    def _over(self, shown: Shown) -> dict[int, dict[int, Run]]:
        """By row and column: what looks other than an edge of which nothing is to be said."""
        touching = list[Ends]()
        styles = dict[Cell, tuple[int, str]]()
        for ends, way in self._ways.items():
            read = shown.edges.get(ends)
            state = read.state if read is not None else "ok"
            touches = shown.chosen in ends
            if touches:
                touching.append(ends)
            if not touches and state == "ok":
                continue
            rank = 2 * RANKS[state] + touches
            style = "up" if state == "ok" else STYLES[state]
            for cell in way:
                if styles.get(cell, (-1, ""))[0] < rank:
                    styles[cell] = (rank, style)
        heavy = dict[Cell, Strokes]()
        for ends in touching:
            for cell in self._ways[ends]:
                heavy.setdefault(cell, self._strokes[cell])
            self._stroke(heavy, self._ways[ends], 2)
        over = dict[int, dict[int, Run]]()
        for (x, y), (_, style) in styles.items():
            glyph = stroke(heavy[x, y], self._glyphs) if (x, y) in heavy else self._rows[y][x]
            over.setdefault(y, {})[x] = Run(glyph, style)
        for way in self._ways.values():
            x, y = way[-1]
            if (x, y) in styles:
                rank, style = styles[x, y]
                state = "wrong" if rank >= 4 else "warn" if rank >= 2 else "arrow"
                over[y][x] = Run(MARKS[self._glyphs][state], style)
        return over

    def _between(self, y: int, begin: int, end: int, over: Mapping[int, Run] | None) -> Iterator[Run]:
        text = self._rows[y][begin:end]
        if not text:
            return
        if over is None:
            yield Run(text, "dim")
            return
        each = [over.get(x) or Run(glyph, "dim") for x, glyph in enumerate(text, begin)]
        for style, some in groupby(each, lambda run: run.style):
            yield Run("".join(run.text for run in some), style)


def box_lines(shown: Shown, name: str, width: int, glyphs: Glyphs) -> Iterator[tuple[Run, ...]]:
    """A node's box: its name with the mark of its state, what it gives and how long a call takes, what waits."""
    for runs in _box(shown, name, width, glyphs):
        yield runs if glyphs == "unicode" else tuple(Run(run.text.translate(PLAINER), run.style) for run in runs)


def _box(shown: Shown, name: str, width: int, glyphs: Glyphs) -> Iterator[tuple[Run, ...]]:
    entry, chosen = shown.entries[name], name == shown.chosen
    faint = shown.fitting is not None and name not in shown.fitting
    frame, marks = FRAMES[glyphs, chosen], MARKS[glyphs]
    edge = "dim" if faint else STYLES[entry.state] if entry.state != "ok" else "up" if chosen else "second"
    word = "dim" if faint else edge if entry.state != "ok" else "bright"
    inner = width - 2
    label = "".join(letter if cell_len(letter) == 1 else "·" for letter in plain(entry.name))
    label = label if len(label) <= inner - 5 else fit(label, inner - 5)
    rest = frame.across * max(0, inner - 5 - len(label))
    yield (
        Run(f"{frame.corners[0]} ", edge),
        Run(f"{marks[entry.state]} {label} ", word),
        Run(f"{frame.across}{rest}{frame.corners[1]}", edge),
    )
    text = "dim" if faint else "text"
    yield _inside(frame.along, edge, (Run(_doing(entry, inner), text),))
    yield _inside(frame.along, edge, tuple(_waiting(entry, inner, glyphs, faint=faint)))
    turn = f" {marks['back']} " if name in shown.returning else ""
    across = frame.across * (inner - len(turn))
    yield (
        Run(f"{frame.corners[2]}{across}", edge),
        *((Run(turn, "dim"),) if turn else ()),
        Run(frame.corners[3], edge),
    )


def per_second(rate: float | None) -> str:
    """`4.8k/s`, `9.5/s`, `0/s`; unknown before the second look."""
    if rate is None:
        return "─/s"
    return f"{rate:.1f}/s" if 0 < rate < 99.95 else f"{count_text(rate)}/s"


def millis(ms: float) -> str:
    """`0.41ms`, `12ms`, `1.2s`; nothing where no call was made."""
    if ms <= 0:
        return "─"
    if ms < 0.995:
        return f"{ms:.2f}ms"
    if ms < 9.95:
        return f"{ms:.1f}ms"
    return f"{ms:.0f}ms" if ms < 1_000 else f"{ms / 1000:.1f}s"


def _doing(entry: Entry, inner: int) -> str:
    rate = per_second(entry.rate)
    took = millis(entry.node.p99_ms if entry.node is not None else 0.0)
    return fit(f"{rate:>{inner - 7}}{took:>7}", inner)


def _waiting(entry: Entry, inner: int, glyphs: Glyphs, *, faint: bool) -> Iterator[Run]:
    share = entry.full or (entry.held / max(entry.most, 10) if entry.held else 0.0)
    lost = f"{MARKS[glyphs]['wrong']}{count_text(entry.lost)}" if entry.lost else ""
    let_go = f"-{count_text(entry.on_purpose)}" if entry.on_purpose and not lost else ""
    room = inner - 5 - len(lost or let_go) - (1 if lost or let_go else 0)
    style = "dim" if faint or entry.state == "ok" else STYLES[entry.state]
    yield Run(f"q{bar(share, max(1, room), glyphs)}", style)
    yield Run(f"{count_text(entry.held):>4}", "dim" if faint or not entry.held else "text")
    if lost:
        yield Run(f" {lost}", "dim" if faint else "wrong")
    elif let_go:
        yield Run(f" {let_go}", "dim")


def _inside(along: str, edge: str, runs: tuple[Run, ...]) -> tuple[Run, ...]:
    return (Run(along, edge), *runs, Run(along, edge))


def _side(cell: Cell, beside: Cell) -> int:
    """Which side of a cell another one lies on: up, right, down, left."""
    if beside[1] != cell[1]:
        return 0 if beside[1] < cell[1] else 2
    return 1 if beside[0] > cell[0] else 3


def _cut(runs: Sequence[Run], left: int, width: int) -> Iterator[Run]:
    at = 0
    for run in runs:
        begin, end = max(left - at, 0), min(left + width - at, len(run.text))
        if begin < end:
            yield Run(run.text[begin:end], run.style)
        at += len(run.text)
