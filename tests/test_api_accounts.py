"""What the API says of accounts is true while their venue is away, and one that was refused can be let try again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pipeline.aside import here
from pipeline.checking import load
from pipeline.control import accounts
from pipeline.control.accounts import Holders
from pipeline.control.beside import Beside
from pipeline.control.errors import Refused
from pipeline.control.routing import Nothing
from pipeline.evidence import Standing, StandingState
from pipeline.keys import logins_of
from pipeline.told.accounts import AccountWhole, LogIn
from pipeline.watch import Watch
from tests.support import MONDAY
from tests.test_accounts_verbs import Say, add
from tests.test_accounts_verbs import folder as folder  # noqa: PLC0414  # a fixture
from tests.test_accounts_verbs import say as say  # noqa: PLC0414  # a fixture


class Bank:
    """A flow's accounts as they are told of, without a venue behind them."""

    def __init__(self, folder: Path) -> None:
        self.plan = load(folder / "flows.toml")
        self.watch, self.beside = Watch(self.plan, MONDAY, 1.0), Beside(self.plan)
        self.holders = Holders(self.watch, self.beside, here)

    def tell(self, account: str, state: StandingState, at: int, reason: str = "") -> None:
        standing = Standing(account, state, at, reason)
        self.watch.told("venues.bank", standing)
        self.beside.told("venues.bank", standing)

    async def rows(self) -> dict[str, AccountWhole]:
        return {each.id: each for each in (await self.holders.accounts(Nothing(), None)).accounts}

    async def refused(self, asked: LogIn) -> tuple[str, str]:
        with pytest.raises(Refused) as refusal:
            await self.holders.login(Nothing(), asked)
        return refusal.value.code, str(refusal.value)


def on_bank(folder: Path, check: Callable[[Bank], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(check(Bank(folder)), 20))


def test_how_an_account_stands_is_told_with_its_reason_and_when_it_was_let_in_last(say: Say, folder: Path) -> None:
    add(say)

    async def check(bank: Bank) -> None:
        bank.tell("demo-1", "AUTHENTICATING", MONDAY)
        bank.tell("demo-1", "CONNECTED", MONDAY + 5)
        bank.tell("demo-1", "RECONNECT", MONDAY + 9, "the line broke")
        row = (await bank.rows())["demo-1"]
        assert (row.standing, row.since_ms, row.reason) == ("RECONNECT", MONDAY + 9, "the line broke")
        assert row.last_login_ms == MONDAY + 5
        assert row.user == {"username": "…"}
        other = (await bank.rows())["demo-2"]
        assert (other.standing, other.last_login_ms, other.user) == ("CONNECTED", 0, {})

    on_bank(folder, check)


def test_one_that_was_refused_tries_again_with_the_login_there_is_and_the_answer_waits_for_it(
    say: Say, folder: Path
) -> None:
    add(say)

    async def check(bank: Bank) -> None:
        bank.tell("demo-1", "REFUSED", MONDAY, "POST /login: 401")
        before = logins_of(bank.plan.base, "bank").stamp("demo-1")
        asking = asyncio.ensure_future(bank.holders.login(Nothing(), LogIn("demo-1")))
        while logins_of(bank.plan.base, "bank").stamp("demo-1") == before:
            assert not asking.done()
            await asyncio.sleep(0)
        bank.tell("demo-1", "AUTHENTICATING", MONDAY + 1)
        bank.tell("demo-1", "CONNECTED", MONDAY + 2)
        told = await asking
        assert (told.standing, told.since_ms) == ("CONNECTED", MONDAY + 2)
        assert (await bank.holders.login(Nothing(), LogIn("demo-1"))) == told
        kept = logins_of(bank.plan.base, "bank").of("demo-1")
        assert set(kept.secrets) == {"password"}

    on_bank(folder, check)


def test_a_code_goes_with_the_login_and_a_venue_that_says_no_is_an_answer(say: Say, folder: Path) -> None:
    add(say)

    async def check(bank: Bank) -> None:
        bank.tell("demo-1", "REFUSED", MONDAY, "POST /login: a code is wanted")
        asking = asyncio.ensure_future(bank.refused(LogIn("demo-1", "123 456")))
        while "otp" not in logins_of(bank.plan.base, "bank").of("demo-1").secrets:
            assert not asking.done()
            await asyncio.sleep(0)
        bank.tell("demo-1", "REFUSED", MONDAY + 1, "POST /login: 401")
        assert await asking == ("AUTH", "demo-1 is REFUSED: POST /login: 401")
        bank.tell("demo-1", "READ_ONLY", MONDAY + 2, "closed until two")
        assert await bank.refused(LogIn("demo-1")) == ("MAINTENANCE", "demo-1 is READ_ONLY: closed until two")

    on_bank(folder, check)


def test_a_venue_that_does_not_answer_is_told_so_in_time(
    say: Say, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(say)
    monkeypatch.setattr(accounts, "PATIENCE", 0.2)
    monkeypatch.setattr(accounts, "LOOKS_EVERY", 0.01)

    async def check(bank: Bank) -> None:
        bank.tell("demo-1", "RECONNECT", MONDAY, "the line broke")
        code, why = await bank.refused(LogIn("demo-1"))
        assert code == "NETWORK"
        assert why.startswith("demo-1 is RECONNECT: the line broke")

    on_bank(folder, check)


def test_who_has_no_login_is_told_how_to_store_one(folder: Path) -> None:
    async def check(bank: Bank) -> None:
        bank.tell("demo-2", "REFUSED", MONDAY, "there is no login")
        assert (await bank.refused(LogIn("demo-2")))[0] == "AUTH"
        assert "accounts add demo-2" in (await bank.refused(LogIn("demo-2")))[1]
        assert (await bank.refused(LogIn("paper-1"))) == (
            "BUSINESS_RULE",
            "paper-1 is at practice, where nobody logs in",
        )
        assert (await bank.refused(LogIn("demo-9")))[0] == "NOT_FOUND"

    on_bank(folder, check)
