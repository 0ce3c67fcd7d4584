"""How one account's venue is asked what it holds: one question at a time, each with an end."""

from pipeline.evidence import Evidence, Inquiry, Statement
from pipeline.execution.alarms import Alarms
from pipeline.execution.manner import Manner
from pipeline.execution.reconciling import Spans
from pipeline.execution.register import Register
from pipeline.orders import UNANSWERED
from pipeline.states import UNSURE
from pipeline.times import DAY, MINUTE

MARGIN = MINUTE
"""How far before what is accounted for a listing begins."""
OVERDUE = frozenset({"CONFIRM_RETRY", "UNKNOWN_RESULT"})
"""States of an order whose end is asked for."""
PURSUED = UNSURE | OVERDUE


class Asking:
    """What is asked of one account's venue and when, and up to when what it lists is accounted for.

    A venue that lists nothing is asked nothing. Who asks of doubts alone takes all before yesterday as accounted for:
    that is for replays, where nobody else trades.
    """

    def __init__(
        self, account: str, evidence: Evidence, manner: Manner, orders: Register, spans: Spans, alarms: Alarms
    ) -> None:
        self.lists = evidence.lists
        self.fault = ""
        """Why the last question has no answer."""
        self._account, self.manner, self._orders, self._spans, self._alarms = account, manner, orders, spans, alarms
        self._whose = account, ""
        self._open: Inquiry | None = None
        self._whole = False
        """Whether a complete pass came since the account was last in doubt as a whole."""
        self._again = False
        """Whether something came up that the open question came too early for."""
        self._all = False
        """Whether the next question must be of all."""
        self._of_one = False
        """Whether the last question was for one contract."""
        self._number = 0
        self._began = 0
        self._until: int | None = None

    @property
    def ready(self) -> bool:
        """Whether orders may be sent by what is known of the account."""
        return self._whole or not self.lists

    @property
    def of_doubts_alone(self) -> bool:
        """Whether nothing is asked while all is quiet."""
        return not (self.lists and self.manner.reconcile)

    @property
    def horizon(self) -> int:
        """What ended before is not looked at: it was accounted for, or was there before the first run."""
        return self._began if self._until is None else self._until

    def begin(self, at: int, reconciled: int | None) -> None:
        self._began, self._until = at, reconciled

    def doubt(self) -> None:
        """Nothing that was asked before counts any more."""
        self._open, self._whole, self.fault = None, False, ""

    def ask(self, at: int) -> Inquiry:
        """The next question. Of one overdue contract every other time, else of all since what is accounted for."""
        if self._open is not None:
            self.fault = "no answer in time"
        if self.of_doubts_alone:
            self._until = max(self._until or self._began, at - DAY)
        alive = tuple(self._orders.alive())
        unanswered = any(each.state in UNANSWERED for each in alive)
        overdue = [each for each in alive if each.state in OVERDUE]
        self._of_one = bool(overdue) and self._whole and not (unanswered or self._of_one or self._all)
        contract = overdue[self._number % len(overdue)].contract if self._of_one else ""
        since = [self._began if self._until is None else self._until]
        since += [self._spans.of(each)[0] for each in alive if each.state in UNANSWERED]
        since += [each.expiry for each in alive if each.state in ("CONFIRM", "CONFIRM_RETRY")]
        self._number += 1
        self._again = self._all = False
        self._open = Inquiry(self._account, self._number, max(0, min(since) - MARGIN), at, contract)
        self._alarms.set(self._whose, at + self.manner.answer)
        return self._open

    def at_once(self, at: int, *, all_: bool) -> None:
        """Ask now; the answer to an open question is waited for first."""
        self._again = True
        self._all |= all_
        if self.lists and self._open is None:
            self._ask_by(at)

    def answered(self, statement: Statement) -> Inquiry | None:
        """The question that a statement answers; None when it is of an earlier one or says that there is no answer.

        A late answer tells of contracts, as any listing does; it proves nothing of the account as a whole: how far the
        venue's clock is from ours cannot be told by it.
        """
        asked = self._open
        if asked is None or (statement.number, statement.contract) != (asked.number, asked.contract):
            return None
        self._open = None
        self.fault = statement.fault
        if not self.fault and statement.since > asked.since:
            self.fault = "it lists less than it was asked for"
        return None if self.fault else asked

    def passed(self, as_of: int) -> int:
        """A complete pass: up to when all is accounted for now."""
        self._whole = True
        self._until = max(as_of, self._until or 0)
        return self._until

    def plan(self, at: int) -> None:
        """When to ask next, unless a question is open."""
        if self._open is not None or not self.lists:
            return
        self._alarms.clear(self._whose)
        pursued = [each for each in self._orders.alive() if each.state in PURSUED]
        if self._again:
            self._ask_by(at)
        elif not self._whole or any(each.at > at - self.manner.unknown for each in pursued):
            self._ask_by(at + self.manner.ask)
        elif pursued or self.manner.reconcile:
            self._ask_by(at + (self.manner.reconcile or MINUTE))

    def _ask_by(self, moment: int) -> None:
        planned = self._alarms.at(self._whose)
        if planned is None or moment < planned:
            self._alarms.set(self._whose, moment)
