"""What is asked again at the very moment an order would leave."""

from pipeline.evidence import Terms
from pipeline.execution.asking import Asking
from pipeline.execution.manner import Manner, Stops
from pipeline.execution.reconciling import fingerprint
from pipeline.execution.register import Register
from pipeline.leave import Leave, leave_of
from pipeline.orders import UNANSWERED, slot_end
from pipeline.states import UNSURE
from pipeline.values import Arming, Order


class Preflight:
    """Gives the leave to send an order of one account, or says why there is none."""

    def __init__(
        self, account: str, terms: Terms, manner: Manner, stops: Stops, orders: Register, asking: Asking
    ) -> None:
        self.arming: Arming | None = None
        self._account, self._terms, self.manner = account, terms, manner
        self._stops, self._orders, self._asking = stops, orders, asking

    def __call__(self, order: Order, at: int) -> Leave | str:
        if late := self._late(order, at):
            return late
        if stopped := self._stops.on(order.key):
            return stopped
        if not self._asking.ready:
            why = f": {self._asking.fault}" if self._asking.fault else ""
            return f"the venue has not yet said what it holds of the account{why}"
        if crowded := self._crowded(order):
            return crowded
        leave = leave_of(self._account, self._terms.money, self.arming, at)
        return leave or f"it plays with real money and is not armed; `arm {self._account}` does that"

    def in_time(self, order: Order, at: int) -> bool:
        return not self._late(order, at)

    def _late(self, order: Order, at: int) -> str:
        left = slot_end(order) - at
        if left <= 0:
            return f"its slot ended {-left / 1000:g} s ago"
        return f"only {left / 1000:g} s left in the slot" if left < self.manner.cutoff else ""

    def _crowded(self, order: Order) -> str:
        """Why what is not known of other orders forbids one more."""
        unsure = 0
        alone = self._terms.evidence.echoes
        for each in self._orders.alive():
            if each.order == order.order:
                continue
            unsure += each.state in UNSURE
            if not alone and each.state in UNANSWERED and fingerprint(each) == fingerprint(order):
                return f"{each.order} has no answer yet, and the venue could not tell the two apart"
        if unsure < self.manner.most_unknown:
            return ""
        return f"nobody knows what became of {unsure} orders of the account; `reconcile` tells more"
