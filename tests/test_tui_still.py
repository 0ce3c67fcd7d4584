"""What stands on the terminal is what a console without anything kept would paint, whatever happened before."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from msgspec.structs import replace
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip
from textual.widget import Widget

from pipeline.view import KeysNews
from tests.sample_view import NOON
from tests.screens import Bench, on_bench, run
from tui.keys.table import KeysTable
from tui.painted import Panel
from tui.seen import lines_of
from tui.still import Still

T = TypeVar("T")

Cells = list[tuple[str, Style]]


class Terminal:
    """What a terminal shows that was written to as the console is."""

    def __init__(self, bench: Bench) -> None:
        self.rows: list[Cells] = []
        app: Any = bench.app
        self._display = app._display
        app._display = self._write  # all that is painted goes through it

    def _write(self, screen: Any, update: Any) -> None:
        self._display(screen, update)
        match update:
            case LayoutUpdate():
                self.rows = [_cells(Strip.join(list(row))) for row in update.strips]
            case ChopsUpdate():
                for y, left, right in update.spans:
                    for x, strip in update.chops[y].items():
                        self._put(y, x, _cells(strip) if strip is not None else [], left, right)
            case _:
                assert update is None

    def _put(self, y: int, x: int, cells: Cells, left: int, right: int) -> None:
        for at, cell in enumerate(cells, x):
            if left <= at < right:
                self.rows[y][at] = cell


def _cells(strip: Strip) -> Cells:
    return [(letter, segment.style or Style()) for segment in strip for letter in segment.text]


def anew(bench: Bench) -> list[Cells]:
    """The screen, painted with nothing kept."""
    for widget in bench.app.screen.walk_children(Widget, with_self=True):
        widget._styles_cache.clear()  # pyright: ignore[reportPrivateUsage]
        widget._rich_style_cache.clear()  # pyright: ignore[reportPrivateUsage]
        if isinstance(widget, Still):
            widget._painted = None  # pyright: ignore[reportPrivateUsage]
        if isinstance(widget, Panel):
            widget._styled.clear()  # pyright: ignore[reportPrivateUsage]
    return [_cells(row) for row in lines_of(bench.app)]


def test_what_was_written_is_what_a_console_that_keeps_nothing_would_write(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)

    def one(of: Sequence[T]) -> T:
        return of[int(chance.integers(len(of)))]

    async def main() -> None:
        async with on_bench(tmp_path, (120, 36)) as bench:
            keys = bench.app.query_one("#keys-table", KeysTable)
            assert bench.pilot is not None
            pilot = bench.pilot

            def told() -> None:
                rows = list(bench.store.keys.values())
                some: list[int] = chance.choice(len(rows), chance.integers(1, 20), replace=False).tolist()
                moved = [
                    replace(
                        rows[at],
                        price=(rows[at].price or 1.0) * float(chance.uniform(0.9, 1.1)),
                        state=one(("RUN", "STALE", "WARM 3/50")),
                        updated=NOON + int(chance.integers(9_000)),
                        errors=one((0, 0, 3)),
                    )
                    for at in some
                ]
                bench.store.take(KeysNews(tuple(moved), full=False), bench.now)
                bench.now += one((0.0, 0.1, 3.0))

            def pressed(*named: str) -> Callable[[], object]:
                return lambda: bench.press(*named)

            def resized(width: int, height: int) -> Callable[[], object]:
                return lambda: pilot.resize_terminal(width, height)

            acts: list[Callable[[], object]] = [
                *[told] * 6,
                *map(
                    pressed,
                    ("j", "k", "G", "g", "space", "o", "O", "tab", "t", "plus", "ctrl+t", "escape", "P", "1", "2"),
                ),
                lambda: keys.filter(one(("", "eur", "st:stale"))),
                lambda: bench.app.like("theme", one(("desk", "day", "mono", "terminal"))),
                lambda: bench.app.notify("something happened", timeout=one((0.1, 5.0))),
                lambda: bench.store.turn(one(("up", "down")), "gone", bench.now),
                *(resized(*size) for size in ((120, 36), (80, 24), (200, 50))),
            ]
            terminal = Terminal(bench)
            bench.app.refresh()
            await bench.until(lambda: terminal.rows)
            for step in range(24):
                done = one(acts)()
                if hasattr(done, "__await__"):
                    await done  # pyright: ignore[reportGeneralTypeIssues]
                await pilot.pause(0.03)
                await bench.until(lambda: terminal.rows == anew(bench), 10.0)
                assert len(terminal.rows) == bench.app.size.height, step

    run(main())


def test_beneath_a_dialog_a_page_is_told_once_a_second_and_after_it_as_often_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with on_bench(tmp_path) as bench:
            table, looks = bench.app.query_one(KeysTable), list[int]()
            look = table.look
            monkeypatch.setattr(table, "look", lambda: (looks.append(1), look()))

            def looks_in_two_seconds() -> int:
                looks.clear()
                for _ in range(20):
                    table.tick()
                return len(looks)

            assert looks_in_two_seconds() == 20
            await bench.press("ctrl+g")
            await bench.until(lambda: len(bench.app.screen_stack) > 1)
            assert looks_in_two_seconds() == 2
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            assert looks_in_two_seconds() == 20

    run(main())
