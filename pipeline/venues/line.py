"""What an engine hears of a venue: a wire with one end at the house and one at an engine, and the faults of both."""

from collections.abc import Callable, Mapping
from functools import partial

from pipeline.evidence import Closing, Declined, Inquiry, Lost, Statement, Unsent
from pipeline.values import Ack, Order, Reject, Settlement
from pipeline.venues.book import Deal
from pipeline.venues.faults import OfTime, Strike
from pipeline.venues.house import House

Reply = Ack | Reject | Unsent | Lost | Declined | Settlement | Statement
Told = Callable[[Reply], None]

AWAY, EXPIRED, NO_LISTS = "no connection", "HTTP 401: the token has expired", "this venue lists nothing"
UNTAKEN: Mapping[str, tuple[type[Reject | Unsent | Lost], str]] = {
    "refused": (Unsent, "the connection was refused"),
    "reset_before": (Lost, "the connection was reset"),
    "http_401": (Reject, "HTTP 401: not logged in"),
    "http_403": (Reject, "HTTP 403: not allowed"),
    "http_429": (Reject, "HTTP 429: too many requests"),
    "http_503": (Lost, "HTTP 503"),
}
"""What is heard of orders that the venue never took."""
TAKEN: Mapping[str, str] = {
    "reset_after": "the connection was reset",
    "http_503_accepted": "HTTP 503",
    "bad_body": "the answer cannot be read",
    "timeout": "no answer in time",
}
"""What is heard of orders that it took, or of which it said something else."""


class Line:
    """One engine's connection. What is on its way to the venue arrives even when the engine is gone by then."""

    def __init__(self, house: House, told: Told) -> None:
        self.house = house
        self._told: Told | None = told
        self._asked = set[str]()
        self._held: dict[str, Ack] = {}
        """Answers that are told after the end of their contract."""
        self._overtaken: list[Settlement] = []
        """Ends that others overtake."""
        house.listener = self

    def close(self) -> None:
        """The engine hears nothing more."""
        self._told = None
        if self.house.listener is self:
            self.house.listener = None

    # --- orders ---

    def send(self, order: Order) -> None:
        house = self.house
        house.orders += 1
        strike = house.weather.of_order(house.orders)
        moment = order.at + house.rules.latency(order.order)
        house.turns.promise(moment, partial(self._arrive, order, house.orders, strike, moment))

    def _arrive(self, order: Order, number: int, strike: Strike | None, at: int) -> None:
        if not self.house.weather.is_calm and self._in_trouble(order, at):
            return
        what = strike.what if strike is not None else ""
        if strike is not None and what == "lost_request":
            self._strike(strike)
        elif strike is not None and what in UNTAKEN:
            self._strike(strike)
            kind, reason = UNTAKEN[what]
            self._say(kind(order.order, reason, at))
        elif strike is not None and what == "late_accept":
            self._strike(strike)
            moment = max(at, order.at + strike.lateness)
            self.house.turns.promise(moment, partial(self.house.place, order, moment, number))
        else:
            reply = self.house.place(order, at, number)
            self._answer(reply, strike, at)
            if isinstance(reply, Ack) and reply.at < at and (end := self.house.book.deals[reply.contract].end):
                self._tell(end, at)  # it was sent before, and its contract has ended since

    def _in_trouble(self, order: Order, at: int) -> bool:
        """Whether an order does not arrive because nothing does at that time."""
        if away := self._during("outage", at):
            since = self.house.weather.began + away.at
            self._say(
                Unsent(order.order, AWAY, at)
                if order.at >= since
                else Lost(order.order, "the connection was reset", at)
            )
            return True
        if self._during("half_open", at):
            return True
        if expired := self._during("token_expiry", at):
            kind = Reject if order.at >= self.house.weather.began + expired.at else Lost
            self._say(kind(order.order, EXPIRED, at))
            return True
        return False

    def _answer(self, reply: Ack | Reject, strike: Strike | None, at: int) -> None:
        what = strike.what if strike is not None else ""
        if strike is None:
            self._tell(reply, at)
        elif what == "lost_ack":
            self._strike(strike)
        elif what == "duplicate_ack":
            self._strike(strike)
            self._tell(reply, at)
            self._tell_later(reply, at + strike.lateness)
        elif what == "late_ack":
            self._strike(strike)
            self._tell_later(reply, at + strike.lateness)
        elif what == "ack_after_settlement" and isinstance(reply, Ack):
            self._strike(strike)
            self._held[reply.contract] = reply
        elif what in TAKEN:
            self._strike(strike)
            moment = at + strike.lateness if what == "timeout" else at
            self.house.turns.promise(moment, partial(self._say, Lost(reply.order, TAKEN[what], moment)))
        else:
            self._tell(reply, at)

    # --- ends ---

    def ended(self, deal: Deal, end: Settlement, strike: Strike | None) -> None:
        """The venue tells how a contract ended."""
        what = strike.what if strike is not None else ""
        if strike is not None and what == "lost_settlement":
            self._strike(strike)
        elif strike is not None and what == "late_settlement":
            self._strike(strike)
            self._tell_later(end, end.at + strike.lateness)
        elif strike is not None and what == "reordered_settlement":
            self._strike(strike)
            self._overtaken.append(end)
            self.house.turns.promise(end.at + strike.lateness, partial(self._let_go, end, end.at + strike.lateness))
        else:
            self._push(end, end.at)
            if strike is not None and what == "duplicate_settlement":
                self._strike(strike)
                self._tell_later(end, end.at + strike.lateness)
            for other in tuple(self._overtaken):
                self._let_go(other, end.at)
        held = self._held.pop(deal.contract, None)
        if held is not None:
            self._tell(held, end.at)

    def sell(self, closing: Closing) -> None:
        """Ask for a contract to be taken back."""
        moment = closing.at + self.house.rules.latency(f"sale of {closing.order}")
        self.house.turns.promise(moment, partial(self._sell, closing, moment))

    def _sell(self, closing: Closing, at: int) -> None:
        reasons: tuple[tuple[OfTime, str], ...] = (("outage", AWAY), ("token_expiry", EXPIRED))
        for what, reason in reasons:
            if trouble := self._during(what, at):
                if closing.at >= self.house.weather.began + trouble.at:
                    self._say(Declined(closing.order, reason, at))
                return
        if self._during("half_open", at):
            return
        reply = self.house.take_back(closing, at)
        number = self.house.book.deals[closing.contract].number if isinstance(reply, Settlement) else 0
        if number and (strike := self.house.weather.of_sale(number)) is not None:
            self._strike(strike)
        else:
            self._tell(reply, at)
        if isinstance(reply, Settlement) and (held := self._held.pop(closing.contract, None)) is not None:
            self._tell(held, at)

    def _let_go(self, end: Settlement, at: int) -> None:
        if end in self._overtaken:
            self._overtaken.remove(end)
            self._push(end, at)

    def _push(self, end: Settlement, at: int) -> None:
        """Tell what nobody asked for: it needs a token that holds."""
        if not self._during("token_expiry", at):
            self._tell(end, at)

    # --- inquiries ---

    def ask(self, inquiry: Inquiry) -> None:
        """Answer an inquiry; the first of each account at once."""
        house = self.house
        house.inquiries += 1
        strike = house.weather.of_inquiry(house.inquiries)
        takes = house.rules.latency(f"question {inquiry.number} of {inquiry.account}")
        moment = inquiry.at + (takes if inquiry.account in self._asked else 0)
        self._asked.add(inquiry.account)
        house.turns.promise(moment, partial(self._state, inquiry, strike, moment), last=True)

    def _state(self, inquiry: Inquiry, strike: Strike | None, at: int) -> None:
        if self._during("half_open", at):
            return
        if self._during("outage", at):
            self._refuse(inquiry, AWAY, at)
        elif self._during("token_expiry", at):
            self._refuse(inquiry, EXPIRED, at)
        elif strike is not None and strike.what == "failed_listing":
            self._strike(strike)
            self._refuse(inquiry, "HTTP 503", at)
        elif strike is not None and strike.what == "lost_listing":
            self._strike(strike)
        elif not self.house.rules.evidence.lists:
            self._refuse(inquiry, NO_LISTS, at)
        else:
            as_of = at
            if strike is not None:
                self._strike(strike)
                as_of = at - strike.lateness
            self._say(self.house.statement(inquiry, as_of, at))

    def _refuse(self, inquiry: Inquiry, reason: str, at: int) -> None:
        self._say(
            Statement(inquiry.account, inquiry.number, inquiry.since, at, at, contract=inquiry.contract, fault=reason)
        )

    # --- the wire ---

    def _tell_later(self, reply: Reply, moment: int) -> None:
        self.house.turns.promise(moment, partial(self._tell, reply, moment))

    def _tell(self, reply: Reply, at: int) -> None:
        """Tell, where the connection that it comes by still stands."""
        if self.house.weather.is_calm or not (self._during("outage", at) or self._during("half_open", at)):
            self._say(reply)

    def _say(self, reply: Reply) -> None:
        """What the engine's own end of the wire says, whatever the other does."""
        if self._told is not None:
            self._told(reply)

    def _during(self, what: OfTime, at: int) -> Strike | None:
        weather = self.house.weather
        if weather.is_calm:
            return None
        strike = weather.during(what, at)
        return None if strike is None else weather.struck_by(strike)

    def _strike(self, strike: Strike) -> None:
        self.house.weather.struck_by(strike)
