"""What tables of orders have in common: cells of an order, and their styles."""

from collections.abc import Mapping
from decimal import Decimal

from pipeline.states import UNSURE
from pipeline.told.orders import OrderRow
from pipeline.view import AccountRow
from tui.palette import CALL, EVEN, LOST, NEITHER, PUT, WON, WRONG, side
from tui.store import Store
from tui.trades.worth import REAL, amount, kind_of
from tui.words import gain, money

RESULTS = {"win": f"{WON} won", "lose": f"{LOST} lost", "push": f"{EVEN} even"}
VOID, NONE = "○ void", f"{NEITHER} none"


class Accounts:
    """Accounts by their names, as the engine told of them last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: object = None
        self._rows: Mapping[str, AccountRow] = {}

    @property
    def rows(self) -> Mapping[str, AccountRow]:
        status = self._store.status
        if status is not None and status is not self._told:
            self._told, self._rows = status, {each.name: each for each in status.accounts}
        return self._rows

    def kind(self, account: str) -> str:
        return kind_of(self.rows.get(account))

    def style(self, account: str) -> str:
        return "real" if self.kind(account) == REAL else "text"

    @property
    def telling(self) -> bool:
        """Whether the kind of money has to be said row by row."""
        kinds = {kind_of(each) for each in self.rows.values()}
        return len(kinds) > 1 or REAL in kinds


def side_text(row: OrderRow) -> str:
    return f"{CALL} CALL" if row.direction == "call" else f"{PUT} PUT"


def side_style(row: OrderRow) -> str:
    return "up" if row.direction == "call" else "down"


def result_text(row: OrderRow) -> str:
    """How it ended, in a mark and a word; where it stands while it has not."""
    if row.status in UNSURE:
        return f"{WRONG} UNKNOWN"
    match row.status:
        case "SETTLED":
            return RESULTS.get(row.result, row.result)
        case "CANCELED":
            return VOID
        case "ABORT":
            return NONE
        case "CONFIRM" | "CONFIRM_RETRY":
            return "OPEN"
        case _:
            return "sending"


def result_style(row: OrderRow) -> str:
    if row.status in UNSURE:
        return "wrong"
    return {"win": "up", "lose": "down"}.get(row.result, "second") if row.status == "SETTLED" else "second"


def profit_text(row: OrderRow) -> str:
    return signed_money(amount(row.profit)) if row.status == "SETTLED" else "─"


def profit_style(row: OrderRow) -> str:
    return side(gain(row.profit)) if row.status == "SETTLED" else "dim"


def signed_money(amount: Decimal) -> str:
    """`+0.90`, `−1.00`."""
    return money(f"{amount:+}")


def spaced(count: int) -> str:
    """`1 204`."""
    return f"{count:,}".replace(",", " ")
