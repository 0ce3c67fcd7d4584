"""One account: who logs in, what stops it and why, its limits and how much of them is used, what went wrong."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len

from pipeline.told.accounts import AccountWhole, Bound
from tui.accounts.table import kind_of, state_of, used, used_style
from tui.painted import Line, Run
from tui.scrolled import Scrolled, told
from tui.words import fit, money, plain

OF_BOUNDS = {
    "daily_loss": "lost today",
    "loss": "lost today",
    "target": "won today",
    "trades": "trades",
    "open": "open now",
}


class AccountPanel(Scrolled):
    """What there is to know of the chosen account. No secret is among it: only whom it logs in as, shortened."""

    hertz: ClassVar[float] = 2.0
    row: AccountWhole | None = None

    def show(self, row: AccountWhole) -> None:
        if self.row is None or row.id != self.row.id:
            self._first = 0
        self.row = row
        self.look()

    def title(self) -> str:
        return self.row.id if self.row is not None else "Account"

    def empty(self) -> str:
        return "no account is chosen"

    def lines(self, width: int) -> Sequence[Line]:
        return list(self._lines(self.row, width)) if self.row is not None else ()

    def _lines(self, row: AccountWhole, width: int) -> Iterator[Line]:
        kind = kind_of(row)
        whose = Run(" REAL ", "real") if kind == "REAL" else Run(kind)
        yield Line((Run("money       ", "dim"), whose, *self._armed(row)))
        state, style = state_of(row)
        since = f" since {self.shell.time(row.since_ms, '%Y-%m-%d %H:%M:%S')}" if row.since_ms else ""
        yield from told("state", f"{state}{since}{f': {row.reason}' if row.reason else ''}", width, style)
        if row.stopped:
            yield from told("stopped", f"{row.stopped}; r releases it", width, "wrong")
        if row.user:
            yield from told("logs in as", ", ".join(f"{name} {value}" for name, value in row.user.items()), width)
        if row.last_login_ms:
            yield from told("let in", self.shell.time(row.last_login_ms, "%Y-%m-%d %H:%M:%S"), width, "second")
        for bound in row.bounds:
            yield _bound(bound, row.currency, width)
        if row.win_rate_text:
            yield from told("win rate", row.win_rate_text, width, "bright")
        counts = ", ".join(f"{count} × {kind}" for kind, count in sorted(row.errors.items()))
        if counts:
            yield from told("errors", f"{counts}, last: {row.last_error}", width, "warn")
        for at, rule in enumerate(row.rules):
            yield from told("" if at else "limits", rule, width, "second")
        if row.permission:
            yield from told("permission", row.permission, width, "second")

    def _armed(self, row: AccountWhole) -> tuple[Run, ...]:
        if row.money != "real":
            return ()
        if not row.armed:
            return (Run("  not armed: nothing real can be traded; a says how", "second"),)
        return (Run(f"  ARMED until {self.shell.time(row.armed_until, '%Y-%m-%d %H:%M:%S')}", "warn"),)


def _bound(bound: Bound, currency: str, width: int) -> Line:
    unit = "" if bound.what in ("open", "trades") else f" {currency}"
    said = f" {money(bound.used)} of {money(bound.most)}{unit}, {bound.share * 100:.0f} %  {plain(bound.risk)}"
    head, gone = f"{OF_BOUNDS.get(bound.what, bound.what):<11} ", used(bound, 10)
    room = width - len(head) - len(gone)
    said = said if cell_len(said) <= room else fit(said, room)
    return Line((Run(head, "dim"), Run(gone, used_style(bound)), Run(said, used_style(bound))))
