"""The contracts that run: where they stand by the last price, and what is at stake."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

from rich.cells import cell_len

from pipeline.states import UNSURE
from pipeline.told.orders import OrderRow
from pipeline.view import PriceRow
from tui.painted import Frame, Line, Run
from tui.palette import MINUS, side
from tui.shell import Shell
from tui.table import Column, Table
from tui.trades.blotter import Blotter
from tui.trades.cells import Accounts, side_style, side_text, signed_money
from tui.trades.worth import NOTHING, REAL, Purse, Running, Sum, purse_of, running, sums
from tui.words import age_text, countdown, money, plain, price_text

BAR = 10
EIGHTHS = " ▏▎▍▌▋▊▉"
MOVES = 2
"""So often a second what moves with time is worked out."""
OLD = 8.0
"""Seconds after which it is said how old this is."""


class OpenContracts(Table[Running]):
    """Contracts that run. `est` is an estimate: what each would come to if it ended at the last price; a tie is the
    venue's to decide. `entry` is the first price this engine saw after the acceptance, until the venue tells its own.

    Below are sums of one kind of money each: at stake, at best, at worst. There is no ticket: orders come from the
    flow alone, and a console can only have a contract closed early (`x`), where its venue takes one back.
    """

    NAME: ClassVar[str] = "Open contracts"
    hertz = 4.0

    def __init__(self, shell: Shell, place: str, blotter: Blotter, accounts: Accounts) -> None:
        super().__init__(shell, place)
        self._blotter, self._accounts = blotter, accounts
        self._all = self._columns_of(telling=False), self._columns_of(telling=True)
        self._added: object = None
        self._sums: Sequence[Sum] = ()
        self._contracts: Sequence[OrderRow] = ()
        self._moving: Sequence[Running] = ()

    def version(self) -> object:
        return self._blotter.version, id(self.store.feed), int(self.now() * MOVES)

    def rows(self) -> Iterable[Running]:
        feed, clock = self.store.feed, self.shell.clock
        prices: Mapping[str, PriceRow] = {} if feed is None else {each.product: each for each in feed.prices}
        self._moving = [running(row, prices.get(row.product), clock) for row in self._contracts]
        return self._moving

    def key(self, row: Running) -> Hashable:
        return row.row.order

    def columns(self) -> tuple[Column[Running], ...]:
        return self._all[self._accounts.telling]

    def title(self, shown: int, total: int) -> str:
        if not self._blotter.told:
            return self.NAME
        return f"{self.NAME} {shown}/{total}" if self.words else f"{self.NAME} {total}"

    def subtitle(self) -> str:
        age = self.now() - self._blotter.at
        if self._blotter.why and self._blotter.told:
            return f"{age_text(age)} old: {self._blotter.why}"
        return "est: if it ended at the last price" + (f" · {age_text(age)} old" if age > OLD else "")

    def empty(self) -> str:
        status = self.store.status
        if status is not None and not status.accounts:
            return "no contract runs: without an account the flow orders nothing"
        return why_empty(self.shell, self._blotter) or (
            "no contract runs; the flow orders when a bar passes all its gates, and 2 shows what each key decided last"
        )

    def ground(self, row: Running) -> str:
        return "raised" if self._accounts.kind(row.row.account) == REAL else "text"

    def frame(self, width: int, height: int) -> Frame:
        """Sums stand at the bottom, whatever of the rows fits above them."""
        self._add_up()
        found = self._sums[: max(0, height - 2)]
        frame = super().frame(width, height - len(found))
        worth = self._estimates()
        gap = [Line()] * (height - len(found) - len(frame.lines))
        below = [_sum(each, worth.get(each.purse), width) for each in found]
        return frame._replace(lines=[*frame.lines[: height - len(found)], *gap, *below])

    def _add_up(self) -> None:
        """What does not move with prices, when something else was told. Those that end first come first."""
        told = self._blotter.version, self._accounts.rows
        if told != self._added:
            self._added = told
            self._sums = sums(self._blotter.running, self._accounts.rows)
            rows = (row for row in self._blotter.running if row.status not in UNSURE)
            self._contracts = sorted(rows, key=lambda row: (not row.expiry, row.expiry, row.began, row.order))

    def _estimates(self) -> Mapping[Purse, Decimal | None]:
        """What all that run would come to now; None where one of a purse has no estimate."""
        found: dict[Purse, Decimal | None] = {}
        for each in self._moving:
            purse = purse_of(each.row, self._accounts.rows)
            before = found.get(purse, NOTHING)
            found[purse] = None if before is None or each.estimate is None else before + each.estimate
        return found

    def _columns_of(self, *, telling: bool) -> tuple[Column[Running], ...]:
        kind = Column[Running]("money", 8, self._kind, self._owner)
        return (
            Column("account", 7, _of("account"), self._owner, most=14),
            *([kind] if telling else []),
            Column("product", 7, _of("product"), most=12),
            Column("tf", 3, _of("timeframe"), goes=3),
            Column("side", 6, lambda each: side_text(each.row), lambda each: side_style(each.row)),
            Column("stake", 7, lambda each: money(each.row.stake), right=True, most=12),
            Column("entry", 9, _price("entry"), _price_style, right=True, goes=2),
            Column("now", 9, _price("now"), _price_style, right=True, goes=2, ages=True),
            Column("left", 7, left_text, _left_style, right=True, sort=lambda each: each.left, ages=True),
            Column("progress", BAR, lambda each: bar(each.part), lambda _: "second", goes=4, ages=True),
            Column("est", 7, _estimate_text, _estimate_style, right=True, most=12, ages=True),
        )

    def _kind(self, row: Running) -> str:
        return self._accounts.kind(row.row.account)

    def _owner(self, row: Running) -> str:
        return self._accounts.style(row.row.account)


def why_empty(shell: Shell, blotter: Blotter) -> str:
    """Why there is nothing to show before anything was told; "" once it was."""
    if blotter.told:
        return ""
    if shell.store.hello is None:
        return shell.store.why or "connecting"
    return blotter.why or "asking for orders"


def bar(part: float) -> str:
    """What of its time has passed, in eighths of a cell."""
    whole, rest = divmod(round(part * BAR * 8), 8)
    return ("█" * whole + EIGHTHS[rest].strip()).ljust(BAR, "·")


def left_text(row: Running) -> str:
    if not row.row.expiry:
        return "sending"
    return countdown(row.left) if row.left >= 0 else f"{MINUS}{countdown(-row.left)}"


def _left_style(row: Running) -> str:
    return "warn" if row.row.expiry and row.left < 0 else "text"


def _of(name: str) -> Callable[[Running], str]:
    return lambda each: str(getattr(each.row, name))


def _price(name: str) -> Callable[[Running], str]:
    return lambda each: price_text(getattr(each, name), each.digits)


def _price_style(row: Running) -> str:
    return "dim" if row.old else "text"


def _estimate_text(row: Running) -> str:
    if row.estimate is not None:
        return signed_money(row.estimate)
    return "tie" if row.now is not None and row.now == row.entry else "─"


def _estimate_style(row: Running) -> str:
    return "dim" if row.old or row.estimate is None else side(float(row.estimate))


def _sum(found: Sum, worth: Decimal | None, width: int) -> Line:
    """A purse in a line; what may have to go where there is no room comes last."""
    kind = Run(f" {found.purse.kind} {plain(found.purse.currency)} ", "real" if found.purse.kind == REAL else "second")
    runs = [kind, Run(f" at stake {signed_money(found.stake)[1:]}"), Run(f" best {signed_money(found.best)}")]
    runs.append(Run(f" worst {signed_money(-found.stake)}"))
    if found.unknown:
        runs.append(Run(f" · {found.unknown} UNKNOWN {signed_money(found.doubtful)[1:]}", "wrong"))
    if worth is not None and found.running:
        runs.append(Run(f" · est {signed_money(worth)}", side(float(worth))))
    return whole(runs, width)


def whole(runs: Iterable[Run], width: int) -> Line:
    """Runs beside each other; one that does not fit is left out, never cut."""
    kept, room = list[Run](), width
    for run in runs:
        if cell_len(run.text) > room:
            break
        room -= cell_len(run.text)
        kept.append(run)
    return Line(tuple(kept))
