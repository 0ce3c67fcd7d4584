"""How contracts end: by the prices that were known, rightly or not."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from msgspec.structs import replace

from pipeline.gains import NOTHING, profit_of
from pipeline.settlement import FOREVER, Price, PricePath, Tie, result_of, settled
from pipeline.times import SECOND
from pipeline.values import Settlement
from pipeline.venues.board import STALE
from pipeline.venues.book import Book, Deal
from pipeline.venues.faults import SHIFT, Strike
from pipeline.venues.rules import Rules
from pipeline.venues.selling import profit_now, result_by
from pipeline.venues.turns import Act, Turns
from pipeline.venues.weather import Weather

PATIENCE = 20 * SECOND
"""How long a due contract waits for prices that are on their way; an executor's own patience is longer."""
Told = Callable[[Deal, Strike | None], None]


class Endings:
    """Settles every open contract in its turn, and tells of it."""

    def __init__(self, rules: Rules, book: Book, path: PricePath, weather: Weather, turns: Turns, told: Told) -> None:
        self._rules, self._book, self._path = rules, book, path
        self._weather, self._turns, self._tell = weather, turns, told
        self._waiting: dict[str, dict[str, int]] = {}
        """By product and contract, until when a due contract waits for prices."""
        self._turn: dict[str, int] = {}
        for deal in list(book.open_deals()):
            self.await_end(deal)

    def take_prices(self, product: str) -> None:
        """Prices of a product have come: contracts may have waited for them."""
        for contract, until in tuple(self._waiting.get(product, {}).items()):
            self._settle_when_complete(self._book.deals[contract], until)

    def await_end(self, deal: Deal) -> None:
        """Settle a contract once it is due and its prices are known."""
        self._act_for(deal, self._due(deal), partial(self._settle_when_due, deal))

    def sell(self, deal: Deal, at: int) -> Settlement | str:
        """End an open contract early, by the last price that was known before a moment; or say why it runs on."""
        rule, left = self._rules.early_close, deal.expiry - at
        if rule is None:
            return "this venue takes no contract back before its expiry"
        if left <= 0:
            return "it has expired"
        if left < rule.cutoff_seconds * SECOND:
            return f"only {left / SECOND:g} s are left before its expiry"
        entry, last = self._path.entry(deal.product, deal.accepted_at), self._path.exit(deal.product, at, at)
        if entry is None or last is None or last.ts <= deal.accepted_at or at - last.ts > STALE:
            return "there is no price to take it back at"
        would = result_of(deal.direction, entry.price, last.price, self._tie(deal))
        return self.end_early(deal, profit_now(rule, would, deal.stake, deal.payout), entry, last, at)

    def end_early(self, deal: Deal, profit: Decimal, entry: Price, last: Price, at: int) -> Settlement:
        """End an open contract before its expiry, at what it gains by that."""
        end = Settlement(deal.order, result_by(profit), profit, entry.ts, entry.price, last.ts, last.price, at)
        self._stop_waiting(deal)
        self._turn.pop(deal.contract, None)
        self._book.end(deal.contract, end)
        return end

    def _tie(self, deal: Deal) -> Tie:
        return self._rules.tie if deal.tie is None else deal.tie

    def _due(self, deal: Deal) -> int:
        return deal.expiry + self._rules.settle_delay_ms

    def _settle_when_due(self, deal: Deal) -> None:
        due = self._due(deal)
        if self._path.suffices(deal.terms, due):
            self._settle(deal, due, due)
            return
        # Where nothing is known of a product (we have just been started), its prices may be a long while in coming.
        until = due + PATIENCE if self._path.knows(deal.product, due) else FOREVER
        self._waiting.setdefault(deal.product, {})[deal.contract] = until
        if until < FOREVER:
            self._act_for(deal, until, partial(self._settle, deal, until, until))
        self._settle_when_complete(deal, until)

    def _settle_when_complete(self, deal: Deal, until: int) -> None:
        complete = self._path.complete_at(deal.product, deal.expiry)
        if complete is not None and complete < until:
            self._stop_waiting(deal)
            at = max(self._due(deal), complete)
            self._act_for(deal, at, partial(self._settle, deal, at, at + 1))

    def _settle(self, deal: Deal, at: int, known_before: int) -> None:
        end = settled(deal.terms, self._path, at, self._tie(deal), known_before)
        if self._rules.two_ticks and end.entry_ts == end.exit_ts:
            end = Settlement(deal.order, "canceled", NOTHING, 0, 0.0, 0, 0.0, at)
        strike = None if self._weather.is_calm or not deal.number else self._weather.of_end(deal.number)
        if strike is not None and strike.what == "wrong_settlement" and end.entry_ts:
            self._weather.struck_by(strike)
            end = self._against(deal, end, end.exit * (1 + _worse(deal) * (strike.shift or SHIFT)))
        self._stop_waiting(deal)
        self._turn.pop(deal.contract, None)
        ended = self._book.end(deal.contract, end)
        if strike is not None and strike.what == "changed_settlement" and end.result == "win":
            self._turns.promise(at + strike.lateness, partial(self._change, ended, strike))
        self._tell(ended, strike)

    def _change(self, deal: Deal, strike: Strike) -> None:
        """The venue says a win was none."""
        end = deal.end
        if self._weather.is_calm or deal.contract not in self._book.deals:
            return
        assert end is not None, "only what has ended is changed"
        self._weather.struck_by(strike)
        other = self._against(deal, end, 2 * end.entry - end.exit)
        self._tell(self._book.end(deal.contract, replace(other, at=end.at + strike.lateness)), None)

    def _against(self, deal: Deal, end: Settlement, exit_: float) -> Settlement:
        """The end with another exit."""
        result = result_of(deal.direction, end.entry, exit_, self._tie(deal))
        return replace(end, exit=exit_, result=result, profit=profit_of(result, deal.stake, deal.payout))

    def _stop_waiting(self, deal: Deal) -> None:
        waiting = self._waiting.get(deal.product)
        if waiting is not None and waiting.pop(deal.contract, None) is not None and not waiting:
            del self._waiting[deal.product]

    def _act_for(self, deal: Deal, moment: int, act: Act) -> None:
        """Act for a contract at a moment, in place of what was going to be done for it."""
        turn = self._turn[deal.contract] = self._turn.get(deal.contract, 0) + 1

        def happens() -> None:
            if self._turn.get(deal.contract) == turn:
                act()

        self._turns.plan(moment, happens)


def _worse(deal: Deal) -> int:
    """Which way prices go against a contract."""
    return -1 if deal.direction == "call" else 1
