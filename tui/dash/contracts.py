"""The contracts that run, as on the page of trades; from here one goes to them there."""

from typing import ClassVar

from tui.going import Go
from tui.shell import Shell
from tui.trades.blotter import Blotter
from tui.trades.cells import Accounts
from tui.trades.contracts import OpenContracts


class ContractsPanel(OpenContracts):
    """Contracts that run, with what each would come to if it ended at the last price: an estimate, and never of a tie.

    Below is what is at stake of each kind of money, and how many orders there are of which nobody knows what became of
    them. `enter` goes to the order.
    """

    hertz: ClassVar[float] = 2.0

    def __init__(self, shell: Shell, place: str) -> None:
        self.blotter = Blotter(shell.engine, shell.now)
        super().__init__(shell, place, self.blotter, Accounts(shell.store))

    def action_open(self) -> None:
        self.post_message(Go("trades", self.row.row.order if self.row is not None else None))
