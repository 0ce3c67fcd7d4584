"""Texts in columns and runs beside each other: the rows of a sheet."""

from collections.abc import Sequence
from typing import NamedTuple

from tui.painted import Line, Run
from tui.words import fit, plain


class Cell(NamedTuple):
    """One column of a sheet: how wide it is, which way it leans, and how soon it goes where there is no room."""

    head: str
    width: int
    right: bool = True
    goes: int = 0


def columns(cells: Sequence[Cell], width: int) -> list[int]:
    """Which columns there is room for; those that go do so whole, the highest `goes` first."""
    kept = list(range(len(cells)))
    while len(kept) > 1 and sum(cells[at].width + 1 for at in kept) > width:
        kept.remove(max(kept, key=lambda at: (cells[at].goes, at)))
    return kept


def row(cells: Sequence[Cell], kept: Sequence[int], texts: Sequence[Run]) -> Line:
    """Texts in their columns."""
    runs = [
        Run(fit(plain(texts[at].text), cells[at].width, right=cells[at].right) + " ", texts[at].style) for at in kept
    ]
    return Line(tuple(runs))


def heading(cells: Sequence[Cell], kept: Sequence[int]) -> Line:
    return row(cells, kept, [Run(cell.head, "dim") for cell in cells])


def words(width: int, *runs: Run) -> Line:
    """Runs beside each other in one line; what does not fit is cut."""
    left, made = width, list[Run]()
    for run in runs:
        text = plain(run.text)
        if left <= 0:
            break
        shown = text if len(text) <= left else fit(text, left)
        made.append(Run(shown, run.style))
        left -= len(shown)
    return Line(tuple(made))
