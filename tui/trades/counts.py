"""What came of the orders of the day, in a few lines above all else."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from textwrap import wrap

from pipeline.told.orders import Counted
from tui.painted import Frame, Line, Panel, Run
from tui.palette import EVEN, LOST, WON, WRONG
from tui.shell import Shell
from tui.trades.blotter import Blotter
from tui.trades.cells import Accounts, signed_money, spaced
from tui.trades.contracts import whole, why_empty
from tui.trades.worth import NOTHING, REAL, Purse, Sum, amount, kind_of, sums
from tui.words import money, plain

MOST = 0.25
"""Of the rows of the screen it takes so many at the most; real money is said first."""
LOW = 22
"""Rows of the screen below which win rates are left to the row above all pages."""


class Counts(Panel):
    """Orders by what became of them, each kind of money by itself, and the engine's own win rates, whole."""

    FRAMED = False
    hertz = 2.0

    def __init__(self, shell: Shell, place: str, blotter: Blotter, accounts: Accounts) -> None:
        super().__init__(shell, place)
        self._blotter, self._accounts = blotter, accounts
        self.of_all = False

    def look(self) -> None:
        """It takes as many rows as it has lines."""
        most = int(self.screen.size.height * MOST)
        rows = min(most, len(self._lines(self.content_size.width))) if self.content_size.width else 1
        if self.styles.height is None or self.styles.height.value != rows:
            self.styles.height = max(1, rows)
        super().look()

    def frame(self, width: int, height: int) -> Frame:
        return Frame(self._lines(width)[:height])

    def _lines(self, width: int) -> Sequence[Line]:
        low = self.screen.size.height < LOW
        return [*self._unknown(width, low=low), *self._counted(width), *(() if low else self._rates(width))]

    def _unknown(self, width: int, *, low: bool) -> Iterable[Line]:
        """Nothing on the page matters more."""
        unknown = self._blotter.unknown
        if not unknown:
            return ()
        told = "; ".join(map(_doubtful, sums(unknown, self._accounts.rows)))
        many, them, keys = "1 order is", "it", "its key is"
        if len(unknown) > 1:
            many, them, keys = f"{len(unknown)} orders are", "them", "their keys are"
        text = f"{WRONG} {many} UNKNOWN ({told})"
        more = f": nobody knows what became of {them}; {keys} frozen until the venue tells or somebody signs"
        return _wrapped(text if low else text + more, width, "wrong")

    def _counted(self, width: int) -> Iterable[Line]:
        if why := why_empty(self.shell, self._blotter):
            yield Line((Run(f" {plain(why)}"[:width], "dim"),))
            return
        by_purse: dict[Purse, list[Counted]] = {}
        for each in self._blotter.counted:
            account = self._accounts.rows.get(each.account)
            purse = Purse(kind_of(account), account.currency if account is not None else "")
            by_purse.setdefault(purse, []).append(each)
        for purse in sorted(by_purse, key=lambda purse: (purse.kind != REAL, purse)):
            yield _of_purse(purse, by_purse[purse], "of all days" if self.of_all else "today", width)

    def _rates(self, width: int) -> Iterable[Line]:
        status = self.store.status
        if status is not None and status.win_rate_text:
            for text in sorted(status.win_rate_text.split("; "), key=lambda text: not text.startswith("real")):
                yield from _wrapped(f"win rate {text}", width, "text")


def _of_purse(purse: Purse, counts: Sequence[Counted], when: str, width: int) -> Line:
    """Money and results first; the rest where there is room."""
    total = {name: sum(getattr(each, name) for each in counts) for name in ("won", "lost", "even", "void", "none")}
    profit = sum((amount(each.profit) for each in counts), NOTHING)
    kind = Run(f" {purse.kind} {plain(purse.currency)} ", "real" if purse.kind == REAL else "second")
    results = f" {WON} {spaced(total['won'])} won  {LOST} {spaced(total['lost'])} lost  {EVEN} {total['even']} even"
    runs = [
        kind,
        Run(f" {when} ", "dim"),
        Run(results),
        Run(f"  P/L {signed_money(profit) if profit else '0.00'}", _gain(profit)),
        Run(f"  ○ {total['void']} void", "second"),
        Run(f"  ─ {spaced(total['none'])} not placed", "second"),
    ]
    return whole(runs, width)


def _gain(profit: Decimal) -> str:
    return "up" if profit > 0 else "down" if profit < 0 else "text"


def _doubtful(found: Sum) -> str:
    return f"{found.purse.kind} {money(str(found.doubtful))} {plain(found.purse.currency)}"


def _wrapped(text: str, width: int, style: str) -> Iterable[Line]:
    """Broken between words only, so that no number is cut."""
    for part in wrap(plain(text), max(10, width - 2), break_on_hyphens=False):
        yield Line((Run(f" {part}", style),))
