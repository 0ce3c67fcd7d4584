"""What a socket may say in which order, and what follows from it: frames written by hand, one by one."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from decimal import Decimal
from typing import Any

import pytest

from pipeline.connections.budgets import Budgets
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.deriv import requests
from pipeline.deriv.buying import Buying
from pipeline.deriv.ends import Naming
from pipeline.deriv.limits import ACCOUNT_LIMITS
from pipeline.deriv.refusals import Refused
from pipeline.deriv.shapes import Contract
from pipeline.deriv.wire import Wire
from pipeline.values import Order

Table = dict[str, Any]
Says = Callable[[Table], list[Table]]
"""What the other side says to a request."""
WORD = "CALL_R_100_19.54_1795200000_1795200060_S0P_0"
ORDER = Order(
    order="mine",
    account="demo-1",
    product="R_100",
    tf=60_000,
    bar=0,
    direction="call",
    stake=Decimal("10.00"),
    payout=0.95,
    state="SEND",
    at=0,
    request="asked",
)


class Scripted:
    """A socket whose other side says what a test wants."""

    def __init__(self, says: Says) -> None:
        self.sent: list[Table] = []
        self._says = says
        self._frames: asyncio.Queue[Table | CallFailed] = asyncio.Queue()

    async def send(self, table: Mapping[str, object]) -> None:
        self.sent.append(dict(table))
        for frame in self._says(dict(table)):
            self.say(frame)

    def say(self, frame: Table | CallFailed) -> None:
        self._frames.put_nowait(frame)

    async def frames(self) -> AsyncGenerator[Answer]:
        while True:
            frame = await self._frames.get()
            if isinstance(frame, CallFailed):
                raise frame
            yield Answer(frame, "a frame")


class Line:
    """A wire over a scripted socket."""

    def __init__(self, says: Says) -> None:
        loop = asyncio.get_running_loop()
        self.socket = Scripted(says)
        self.wrong: list[CallFailed] = []
        budgets = Budgets(ACCOUNT_LIMITS, lambda: int(loop.time() * 1000), lambda at: asyncio.sleep(0))
        self.wire = Wire(self.socket, budgets, 0.05, self.wrong.append)
        self.reading = asyncio.create_task(self.wire.run())
        self.overheard: list[Contract] = []
        self.followed: list[Contract] = []

    def buying(self, order: Order = ORDER, slack: float = 0.0) -> Buying:
        def overheard(buying: Buying) -> None:
            assert buying.contract is not None
            self.overheard.append(buying.contract)

        def followed(_: Buying, contract: Contract) -> None:
            self.followed.append(contract)

        return Buying(order, Naming({}), lambda: 0, "USD", slack, overheard, followed)

    async def all_read(self) -> None:
        """Let everything that was said be read."""
        for _ in range(20):
            await asyncio.sleep(0)


def played(says: Says, test: Callable[[Line], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        line = Line(says)
        try:
            async with asyncio.timeout(10):
                await test(line)
        finally:
            line.reading.cancel()
            await asyncio.gather(line.reading, return_exceptions=True)

    asyncio.run(main())


def reply(request: Table, **payload: Any) -> Table:
    return {"req_id": request["req_id"], "echo_req": request, **payload}


def priced(request: Table, **changes: Any) -> Table:
    told = {"id": "p", "ask_price": 10, "payout": 19.54, "date_start": 1795200000, "date_expiry": 1795200060}
    return reply(request, msg_type="proposal", proposal=told | changes)


def sold_to_us(request: Table, **changes: Any) -> Table:
    told = {"contract_id": 7, "buy_price": 10, "payout": 19.54, "start_time": 1795200000, "shortcode": WORD}
    return reply(request, msg_type="buy", buy=told | changes)


def runs(request: Table, **changes: Any) -> Table:
    told = {"contract_id": 7, "contract_type": "CALL", "underlying_symbol": "R_100", "buy_price": "10.00"}
    told |= {"payout": "19.54", "date_start": 1795200000, "date_expiry": 1795200060, "shortcode": WORD, "is_sold": 0}
    frame = reply(request, msg_type="proposal_open_contract", proposal_open_contract=told | changes)
    return frame | {"subscription": {"id": "s"}}


def broker(**changes: Any) -> Says:
    """Sells what is asked for, but for some fields."""
    return lambda asked: [priced(asked)] if "proposal" in asked else [sold_to_us(asked, **changes), runs(asked)]


async def failure_of(call: Coroutine[Any, Any, Any]) -> CallFailed:
    with pytest.raises(CallFailed) as failed:
        await call
    return failed.value


# --- requests and answers --------------------------------------------------------------------------------------------


def test_answers_find_their_requests_in_any_order() -> None:
    held: list[Table] = []

    def says(asked: Table) -> list[Table]:
        held.append(asked)
        return [reply(each, time=each["req_id"]) for each in reversed(held)] if len(held) == 3 else []

    async def test(line: Line) -> None:
        frames = await asyncio.gather(*(line.wire.ask(requests.TIME, "result") for _ in range(3)))
        assert [each.whole("time") for each in frames] == [1, 2, 3]

    played(says, test)


def test_an_answer_is_known_by_what_it_echoes_where_its_number_is_missing() -> None:
    def says(asked: Table) -> list[Table]:
        return [{"echo_req": asked, "time": 5}]

    async def test(line: Line) -> None:
        assert (await line.wire.ask(requests.TIME, "result")).whole("time") == 5

    played(says, test)


def test_a_frame_of_a_subscription_is_known_by_its_name_alone() -> None:
    heard: list[int] = []

    async def test(line: Line) -> None:
        await line.wire.ask(requests.live("R_100"), "quote", later=lambda frame: heard.append(frame.whole("n")))
        line.socket.say({"n": 2, "subscription": {"id": "s"}})
        line.socket.say({"n": 3, "subscription": {"id": "another"}})
        await line.all_read()
        assert heard == [2]

    played(lambda asked: [reply(asked, n=1, subscription={"id": "s"})], test)


def test_an_answer_is_taken_before_what_follows_it_in_the_same_breath() -> None:
    heard: list[int] = []

    def take(frame: Answer) -> None:
        heard.append(frame.whole("n"))

    async def test(line: Line) -> None:
        await line.wire.ask(requests.live("R_100"), "quote", first=take, later=take)
        await line.all_read()
        assert heard == [1, 2, 3]

    played(lambda asked: [reply(asked, n=number) for number in (1, 2, 3)], test)


def test_an_answer_to_another_request_is_left_out_and_told() -> None:
    def says(asked: Table) -> list[Table]:
        return [{"req_id": asked["req_id"], "echo_req": {"balance": 1}, "time": 4}, reply(asked, time=5)]

    async def test(line: Line) -> None:
        assert (await line.wire.ask(requests.TIME, "result")).whole("time") == 5
        assert [each.kind for each in line.wrong] == ["format"]

    played(says, test)


def test_no_answer_in_time_is_a_failure_and_a_late_one_disturbs_nobody() -> None:
    async def test(line: Line) -> None:
        failed = await failure_of(line.wire.ask(requests.TIME, "result"))
        assert (failed.kind, failed.fate) == ("network", "unknown")
        line.socket.say({"req_id": 1, "time": 5})
        await line.all_read()
        assert not line.reading.done()

    played(lambda _: [], test)


def test_all_who_wait_hear_that_the_connection_ended_and_nobody_sends_after_it() -> None:
    async def test(line: Line) -> None:
        asking = [asyncio.create_task(line.wire.ask(requests.TIME, "result")) for _ in range(3)]
        await line.all_read()
        line.socket.say(CallFailed("network", "it broke"))
        failed = [await failure_of(_await(each)) for each in asking]
        assert {(each.kind, each.fate) for each in failed} == {("network", "unknown")}
        assert (await failure_of(line.wire.ask(requests.TIME, "result"))).fate == "unsent"
        assert len(line.socket.sent) == 3

    played(lambda _: [], test)


async def _await(task: "asyncio.Task[Answer]") -> Answer:
    return await task


# --- purchases -------------------------------------------------------------------------------------------------------


def test_a_purchase_is_by_the_price_that_was_told_and_names_our_order() -> None:
    async def test(line: Line) -> None:
        ack = await line.buying().bought(line.wire, None, 0)
        assert (ack.order, ack.contract, ack.expiry - ack.at, ack.payout) == ("mine", "7", 60_000, 0.954)
        await line.all_read()
        asked, bought = line.socket.sent
        assert asked == {**requests.proposal("CALL", "R_100", ORDER.stake, "USD", 60_000), "req_id": 1}
        assert bought["buy"] == "p"
        assert (bought["price"], bought["passthrough"]) == (10, {"coid": "asked"})
        assert line.overheard == []
        assert len(line.followed) == 1

    played(broker(), test)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ask_price": 10.01}, "it would cost 10.01"),
        ({"date_expiry": 1795200120}, "it would last 120 s"),
        ({"payout": 18.54}, "the payout fell to 0.854 from 0.95"),
    ],
)
def test_a_price_for_something_else_is_not_taken(changes: Table, words: str) -> None:
    async def test(line: Line) -> None:
        failed = await failure_of(line.buying().bought(line.wire, None, 1))
        assert (failed.kind, failed.fate) == ("rule", "refused")
        assert words in str(failed)
        assert len(line.socket.sent) == 1

    played(lambda asked: [priced(asked, **changes)], test)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shortcode": WORD.replace("CALL", "PUT")}, "it is a PUT, and CALL was ordered"),
        ({"shortcode": WORD.replace("R_100", "R_10")}, "it is of R_10, and R_100 was ordered"),
        ({"shortcode": WORD.replace("1795200060", "1795200900")}, "it lasts 900 s, and 60 s were ordered"),
        ({"shortcode": WORD.replace("S0P", "S5P")}, "a barrier 5 pips"),
        ({"buy_price": 9}, "it cost 9, and the stake is 10.00"),
    ],
)
def test_a_contract_that_is_not_what_was_ordered_is_told(changes: Table, words: str) -> None:
    async def test(line: Line) -> None:
        buying = line.buying()
        await buying.bought(line.wire, None, 0)
        assert buying.contract is not None
        assert words in buying.amiss(buying.contract)

    played(broker(**changes), test)


def test_a_contract_says_for_itself_that_it_is_the_other_way_round() -> None:
    async def test(line: Line) -> None:
        buying = line.buying()
        await buying.bought(line.wire, None, 0)
        await line.all_read()
        assert buying.amiss(line.followed[0]) == "it is a PUT, and CALL was ordered"

    played(
        lambda asked: (
            [priced(asked)]
            if "proposal" in asked
            else [sold_to_us(asked, shortcode=None), runs(asked, contract_type="PUT", shortcode=None)]
        ),
        test,
    )


def test_what_the_contract_says_stands_for_an_answer_that_is_lost() -> None:
    async def test(line: Line) -> None:
        ack = await line.buying().bought(line.wire, None, 0)
        assert ack.contract == "7"
        assert [each.contract for each in line.overheard] == ["7"]

    played(lambda asked: [priced(asked)] if "proposal" in asked else [runs(asked)], test)


def test_a_purchase_that_was_denied_and_made_all_the_same_is_not_made_again() -> None:
    """The contract tells of itself while another price is asked for."""
    bought: list[Table] = []

    def says(asked: Table) -> list[Table]:
        if "proposal" in asked:
            return [*map(runs, bought), priced(asked)]
        bought.append(asked)
        return [reply(asked, msg_type="buy", error={"code": "PriceMoved", "message": "it moved"})]

    async def test(line: Line) -> None:
        ack = await line.buying().bought(line.wire, None, 3)
        assert ack.contract == "7"
        assert len(bought) == 1

    played(says, test)


def test_an_answer_after_its_time_is_still_heard_and_nothing_is_bought_twice() -> None:
    async def test(line: Line) -> None:
        failed = await failure_of(line.buying().bought(line.wire, None, 3))
        assert failed.fate == "unknown"
        line.socket.say(sold_to_us(line.socket.sent[1]))
        await line.all_read()
        assert [each.contract for each in line.overheard] == ["7"]
        assert sum("buy" in each for each in line.socket.sent) == 1

    played(lambda asked: [priced(asked)] if "proposal" in asked else [], test)


def test_an_answer_that_makes_no_sense_does_not_say_that_there_is_no_contract() -> None:
    async def test(line: Line) -> None:
        failed = await failure_of(line.buying().bought(line.wire, None, 3))
        assert (failed.kind, failed.fate) == ("format", "unknown")
        assert sum("buy" in each for each in line.socket.sent) == 1

    played(lambda asked: [priced(asked)] if "proposal" in asked else [reply(asked, msg_type="buy", buy={})], test)


@pytest.mark.parametrize(
    ("code", "fate"), [("InsufficientBalance", "refused"), ("RateLimit", "refused"), ("NobodyKnows", "unknown")]
)
def test_an_error_to_a_purchase_is_sent_once_and_is_what_its_code_says(code: str, fate: str) -> None:
    async def test(line: Line) -> None:
        failed = await failure_of(line.buying().bought(line.wire, None, 3))
        assert isinstance(failed, Refused)
        assert failed.fate == fate
        assert sum("buy" in each for each in line.socket.sent) == 1

    def says(asked: Table) -> list[Table]:
        return [priced(asked)] if "proposal" in asked else [reply(asked, error={"code": code, "message": "so"})]

    played(says, test)


def test_a_price_that_is_not_told_leaves_nothing_behind() -> None:
    async def test(line: Line) -> None:
        failed = await failure_of(line.buying().bought(line.wire, None, 3))
        assert failed.fate == "unsent"
        assert len(line.socket.sent) == 1

    played(lambda _: [], test)
