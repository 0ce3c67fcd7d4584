"""What is over is let go of: a connector that has worked for months holds no more than one of an hour."""

import asyncio
import gc
import weakref
from itertools import count
from pathlib import Path

import pytest

from pipeline.deriv import wire
from pipeline.deriv.buying import Buying
from pipeline.masking import masked
from pipeline.secret import MASK, Secret, revealed
from tests.deriv_trading import played as traded
from tests.deriv_trading import trading
from tests.test_deriv_wire import Line, Table, failure_of, played, priced, reply, runs, sold_to_us


def refusing(asked: Table) -> list[Table]:
    error = {"code": "InsufficientBalance", "message": "no"}
    return [priced(asked)] if "proposal" in asked else [reply(asked, msg_type="buy", error=error)]


def test_orders_that_were_refused_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FAILED", 16)
    kept: list[weakref.ref[Buying]] = []

    async def test(line: Line) -> None:
        async def bought() -> None:
            buying = line.buying()
            kept.append(weakref.ref(buying))
            await failure_of(buying.bought(line.wire, None, 0))

        for _ in range(150):
            await bought()
        gc.collect()
        assert sum(each() is not None for each in kept) < 30

    played(refusing, test)


def test_contracts_that_ended_are_forgotten() -> None:
    kept: list[weakref.ref[Buying]] = []
    number = count(1)

    def says(asked: Table) -> list[Table]:
        if "proposal" in asked:
            return [priced(asked)]
        contract = next(number)
        end = {"contract_id": contract, "is_sold": 1, "status": "won", "sell_price": "19.54", "sell_time": 1795200061}
        return [sold_to_us(asked, contract_id=contract), runs(asked, contract_id=contract), runs(asked, **end)]

    async def test(line: Line) -> None:
        async def bought() -> None:
            buying = line.buying()
            kept.append(weakref.ref(buying))
            await buying.bought(line.wire, None, 0)
            await line.all_read()

        for _ in range(150):
            await bought()
        gc.collect()
        assert sum(each() is not None for each in kept) < 30

    played(says, test)


def test_many_connections_leave_no_task_and_no_socket_behind() -> None:
    def descriptors() -> int:
        folder = Path("/proc/self/fd")
        return len(list(folder.iterdir())) if folder.exists() else 0

    async def test() -> None:
        async with trading(connect=False) as trader:
            await trader.connect()
            await trader.leave()
            before, tasks = descriptors(), len(asyncio.all_tasks())
            for _ in range(40):
                await trader.connect()
                await trader.leave()
            assert len(asyncio.all_tasks()) <= tasks + 2
            assert descriptors() <= before + 10

    traded(test)


def test_addresses_that_open_a_socket_once_are_not_kept_for_ever() -> None:
    for number in range(2000):
        Secret(f"wss://api.example/ws?otp=one-time-{number:06}-abcdef", passing=True).reveal()
    assert len(revealed()) < 500
    lasting = Secret("a-password-that-lasts")
    lasting.reveal()
    for number in range(2000):
        Secret(f"token-{number:06}-0123456789abcdef", passing=True).reveal()
    assert lasting in {Secret(each) for each in revealed()}
    assert masked("it said a-password-that-lasts") == f"it said {MASK}"
    assert masked("it said token-001999-0123456789abcdef") == f"it said {MASK}"
