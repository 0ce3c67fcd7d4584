"""Whatever is asked of the practice venue over Deriv's protocols, in whatever order: each request has its answer."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.broker.core import Broker
from pipeline.broker.deriv import CURRENT
from pipeline.broker.deriv_session import Frame, Session
from pipeline.broker.legacy import LEGACY
from pipeline.broker.settings import Settings
from tests.broker_clients import ACCOUNTS, TERMS, HandClock, Table

ANN, BOB = ACCOUNTS
Step = tuple[str, Any]
TYPES = st.sampled_from(("CALL", "PUT", "CALLE", "PUTE"))
AMOUNTS = st.sampled_from((0.35, 1, 9.99, 10, 2_500))
LENGTHS = st.sampled_from(((15, "s"), (1, "m"), (5, "m"), (1, "t"), (5, "t"), (1, "h"), (2, "d")))
SYMBOLS = st.sampled_from(("R_100", "1HZ10V", "frxEURUSD"))
PLAIN: tuple[Table, ...] = (
    {"portfolio": 1},
    {"profit_table": 1, "description": 1},
    {"statement": 1, "description": 1},
    {"balance": 1},
    {"balance": 1, "subscribe": 1},
    {"transaction": 1, "subscribe": 1},
    {"proposal_open_contract": 1},
    {"proposal_open_contract": 1, "subscribe": 1},
    {"ticks": "R_100", "subscribe": 1},
    {"ticks": ["R_100", "1HZ10V"]},
    {"ticks_history": "R_100", "end": "latest", "count": 3, "style": "candles", "subscribe": 1},
    {"forget_all": ["ticks", "candles", "proposal"]},
    {"forget_all": "proposal_open_contract"},
    {"forget_all": ["balance", "transaction"]},
    {"contracts_for": "frxEURUSD"},
    {"active_symbols": "full"},
    {"ping": 1},
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(PLAIN)),
        st.tuples(st.just("offer"), st.tuples(TYPES, AMOUNTS, LENGTHS, SYMBOLS, st.booleans())),
        st.tuples(st.just("buy"), st.tuples(st.integers(0, 5), st.booleans())),
        st.tuples(st.just("sell"), st.integers(0, 5)),
        st.tuples(st.just("follow"), st.integers(0, 5)),
        st.tuples(st.just("forget"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 70)),
    ),
    max_size=25,
)


class Talk:
    """A session, and what it has said."""

    def __init__(self, *, legacy: bool) -> None:
        self.clock = HandClock()
        self.broker = Broker(Settings(accounts=ACCOUNTS, limits=False), self.clock)
        self.frames: list[Table] = []
        dialect = LEGACY if legacy else CURRENT
        self.symbol = dialect.frames.symbol_key
        self.session = Session(self.broker, dialect, self.broker.purses.get(ANN), self._hear)
        self.number = 0
        self.offers: list[str] = []
        self.contracts: list[int] = []
        self.streams: list[str] = []

    def step(self, step: Step) -> None:
        match step:
            case "ask", table:
                self.ask(table)
            case "offer", (name, amount, (duration, unit), symbol, subscribe):
                terms: Table = {**TERMS, "contract_type": name, "amount": amount, "duration": duration}
                more: Table = {"subscribe": 1} if subscribe else {}
                self.ask({"proposal": 1, **terms, "duration_unit": unit, self.symbol: symbol, **more})
            case "buy", (which, subscribe) if self.offers:
                more = {"subscribe": 1} if subscribe else {}
                self.ask({"buy": self.offers[which % len(self.offers)], "price": 2_500, **more})
            case "sell", which if self.contracts:
                self.ask({"sell": self.contracts[which % len(self.contracts)], "price": 0})
            case "follow", which if self.contracts:
                followed: Table = {"contract_id": self.contracts[which % len(self.contracts)], "subscribe": 1}
                self.ask({"proposal_open_contract": 1, **followed})
            case "forget", which if self.streams:
                self.ask({"forget": self.streams[which % len(self.streams)]})
            case "wait", seconds:
                self.clock.step(seconds * 1000)
            case _:
                pass

    def ask(self, table: Table) -> None:
        self.number += 1
        before = len(self.frames)
        self.session.take(json.dumps({**table, "req_id": self.number}))
        mine = [each for each in self.frames[before:] if each.get("req_id") == self.number]
        assert mine, table
        assert mine[0]["echo_req"] == {**table, "req_id": self.number}

    def _hear(self, frame: Frame) -> None:
        table = json.loads(json.dumps(frame.table, allow_nan=False))
        self.frames.append(table)
        known = [each.id for each in self.session.streams()]
        over = table.get("proposal_open_contract", {}).get("is_sold")
        if frame.pushed and not over and "error" not in table:
            assert table["subscription"]["id"] in known, "nobody is told of what was forgotten"
        if "subscription" in table:
            self.streams.append(table["subscription"]["id"])
        if "proposal" in table:
            self.offers.append(table["proposal"]["id"])
        if "buy" in table:
            self.contracts.append(table["buy"]["contract_id"])


@given(STEPS, st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_request_is_answered_and_money_adds_up_whatever_is_asked(steps: list[Step], legacy: bool) -> None:
    talk = Talk(legacy=legacy)
    for step in steps:
        talk.step(step)
    talk.clock.step(200_000)
    talk.ask({"statement": 1, "limit": 999})
    lines = talk.frames[-1]["statement"]["transactions"]
    balance = Decimal(0)
    for line in reversed(lines):
        balance += Decimal(str(line["amount"]))
        assert Decimal(str(line["balance_after"])) == balance
    assert balance == talk.broker.balance(ANN)
    assert [each["action_type"] for each in lines].count("buy") == len(set(talk.contracts))
    ticks = [each["tick"] for each in talk.frames if each["msg_type"] == "tick" and "subscription" in each]
    for stream in {each["id"] for each in ticks}:
        epochs = [each["epoch"] for each in ticks if each["id"] == stream]
        assert epochs == sorted(set(epochs))
    assert talk.broker.balance(BOB) == 10_000
    talk.session.close()
    heard = len(talk.frames)
    talk.clock.step(200_000)
    assert len(talk.frames) == heard
