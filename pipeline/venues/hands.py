"""What others do on the accounts: contracts placed by hand, money that comes and goes."""

from functools import partial

from pipeline.evidence import Cash
from pipeline.times import HOUR, timeframe
from pipeline.venues.board import Board
from pipeline.venues.book import NOTHING, Book, Deal, Movement
from pipeline.venues.endings import Endings
from pipeline.venues.faults import OfMoment, Strike
from pipeline.venues.turns import Turns
from pipeline.venues.weather import Weather


class Hands:
    """Other people's hands, as the weather has them."""

    def __init__(self, book: Book, board: Board, endings: Endings, weather: Weather, turns: Turns) -> None:
        self._book, self._board, self._endings = book, board, endings
        self._weather, self._turns = weather, turns
        for strike in weather.listed_moments:
            turns.plan(weather.began + strike.at, partial(self._befall, strike))
        if weather.hourly:
            self._foresee_hour(0)

    def _foresee_hour(self, hour: int) -> None:
        for after, what, minute in self._weather.in_hour(hour):
            self._turns.plan(self._weather.began + after, partial(self._draw, what, minute, after))
        self._turns.plan(self._weather.began + (hour + 1) * HOUR, partial(self._foresee_hour, hour + 1))

    def _draw(self, what: OfMoment, minute: int, after: int) -> None:
        at = self._weather.began + after
        strike = self._weather.happening(what, minute, after, self._board.quoted(at))
        if strike is not None:
            self._befall(strike)

    def _befall(self, strike: Strike) -> None:
        at = self._weather.began + strike.at
        if self._weather.is_calm:
            return
        if strike.what == "external":
            self._by_hand(strike, at)
            return
        amount = strike.amount or NOTHING
        reference = f"{strike.what}-{strike.account}-{at}"
        signed = amount if strike.what == "deposit" else -amount
        if self._book.moved(strike.account, reference) or self._book.lacks(strike.account, -signed):
            return
        self._weather.struck_by(strike)
        self._book.move(Movement(strike.account, Cash(reference, at, signed, strike.what, strike.account), strike.told))

    def _by_hand(self, strike: Strike, at: int) -> None:
        """Somebody places a contract, if the venue takes it."""
        stake, name = strike.stake or NOTHING, f"HAND-{strike.account}-{at}"
        payout = self._board.payout(strike.product, at)
        if (
            self._book.lacks(strike.account, stake)
            or payout is None
            or name in self._book.deals
            or not self._board.priced(strike.product, at, at + 1)
        ):
            return
        self._weather.struck_by(strike)
        tf = timeframe(strike.timeframe or "1m")
        side = strike.direction or "call"
        deal = Deal(name, "", "", strike.account, strike.product, tf, side, stake, payout, at, at + tf)
        self._book.take(deal)
        self._endings.await_end(deal)
