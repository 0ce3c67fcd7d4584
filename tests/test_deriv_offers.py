"""What is offered is asked once an hour, also what is not."""

import asyncio
from typing import Any

from pipeline.connections.contract import Priority
from pipeline.connections.reading import Answer
from pipeline.deriv.offers import Offers
from pipeline.deriv.refusals import Refused
from pipeline.deriv.requests import Request
from pipeline.times import DAY, HOUR, MINUTE, SECOND

SYMBOLS = [{"underlying_symbol": name} for name in ("R_100", "frxEURUSD", "frxGBPUSD")]


class Desk:
    """Somebody who is asked, and counts."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0
        self.longest = "1d"
        self.offers = Offers(self.answer, lambda: self.now)

    async def answer(self, request: Request, priority: Priority) -> Answer:
        del priority
        call = next(iter(request))
        self.asked.append(call)
        if call == "active_symbols":
            return Answer({"active_symbols": SYMBOLS}, "a frame")
        if request[call] != "R_100":
            raise Refused("InvalidSymbol", "no such symbol", call)
        rows: list[dict[str, Any]] = [
            {"contract_type": kind, "min_contract_duration": "15s", "max_contract_duration": self.longest}
            for kind in ("CALL", "PUT")
        ]
        return Answer({"contracts_for": {"available": rows}}, "a frame")

    def refusal(self, product: str, kind: str, tf: int, symbol: str = "") -> str:
        return asyncio.run(self.offers.refusal(product, symbol or product, kind, tf, "quote"))


def test_what_is_offered_is_read_once_an_hour() -> None:
    desk = Desk()
    assert [desk.refusal("R_100", kind, tf) for kind in ("CALL", "PUT") for tf in (MINUTE, DAY)] == [""] * 4
    assert desk.asked == ["contracts_for"]
    desk.longest = "1m"
    desk.now = HOUR - 1
    assert desk.refusal("R_100", "CALL", DAY) == ""
    desk.now = HOUR
    assert "CALL has 15s to 1m" in desk.refusal("R_100", "CALL", DAY)
    assert desk.asked == ["contracts_for"] * 2


def test_what_is_too_short_too_long_or_of_another_kind_is_refused_in_a_sentence() -> None:
    desk = Desk()
    assert desk.refusal("R_100", "CALL", 10 * SECOND) == "R_100 is not offered for 10s: CALL has 15s to 1d"
    assert "R_100 is not offered for 2d" in desk.refusal("R_100", "CALL", 2 * DAY)
    assert "CALLE has no duration that is a time" in desk.refusal("R_100", "CALLE", MINUTE)


def test_a_symbol_that_is_none_is_asked_for_once_an_hour_and_the_right_one_is_told() -> None:
    desk = Desk()
    told = desk.refusal("EURUSD", "CALL", MINUTE)
    assert told == 'EURUSD is no symbol that can be traded there; write symbols = { EURUSD = "frxEURUSD" }'
    assert desk.refusal("EURUSD", "PUT", MINUTE) == told
    assert desk.asked == ["contracts_for", "active_symbols"]
    assert "did you mean 'R_100'?" in desk.refusal("R_10O", "CALL", MINUTE)


def test_a_symbol_that_is_there_and_not_offered_now_is_asked_for_again_after_a_minute() -> None:
    desk = Desk()
    for now in (0, MINUTE - 1, MINUTE):
        desk.now = now
        assert desk.refusal("GOLD", "CALL", MINUTE, "frxGBPUSD") == "frxGBPUSD is not offered now"
    assert desk.asked == ["contracts_for", "active_symbols"] * 2
