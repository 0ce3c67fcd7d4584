"""Log in as an account, show what its venue says of it, and log out again. Nothing is bought.

examples:
  python -m pipeline accounts test demo-1
  python -m pipeline accounts test demo-1 --otp

It shows whose money it is, the currency, the balance, what the login may do, how far the venue's clock is from this
machine's, and on whose word one may trade there. Ids are shown in part.
"""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.clocks import LoopClock
from pipeline.connections.contract import Connecting, Connector, Fetching, Holder, Introduced
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError, MoonlightError
from pipeline.evidence import Trouble
from pipeline.keys import logins_of
from pipeline.live import wall
from pipeline.masking import shortened
from pipeline.permission import permission_of
from pipeline.plan import Plan
from pipeline.secret import Login, Logins
from pipeline.times import MINUTE, SECOND
from pipeline.verbs.accounts_common import Owner, asked, otp_option, refused_options, somebody
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.stops import flow_of_account

PATIENCE = 60.0
"""Seconds for all of it."""
BARS = 10
"""Final bars that a source of prices is asked for."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="who logs in")
    flow_of_account(parser)
    otp_option(parser)
    parser.add_argument("--stdin", action="store_true", help="read the code from the standard input")
    refused_options(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    owner = somebody(plan, options.account)
    keys = logins_of(plan.base, owner.part)
    if owner.fields:
        keys.unlock(owner.account)
    logins: Logins = keys
    if options.otp:
        options.name = []
        logins = _WithCode(keys, asked(owner, options, [field for field in owner.fields if field.kind == "code"]))
    ids = set(keys.of(owner.account).names.values()) if owner.fields else set[str]()
    facts = asyncio.run(_tried(plan, owner, logins))
    facts = {key: shortened(text) if text in ids else text for key, text in facts.items()}
    if options.json:
        say_json({"account": owner.account, "venue": owner.where, **facts})
    else:
        width = max(map(len, facts))
        print(f"{owner.account} was let in at {owner.where}")
        print("\n".join(f"  {key:<{width}}  {text}" for key, text in facts.items()))
    return 0


class Here:
    """This machine, as far as a connector needs one, on the clock of the venue."""

    def __init__(self, base: Path, begin: int, speed: float) -> None:
        self.base = base
        self._clock = LoopClock(asyncio.get_running_loop(), begin, speed)

    def now(self) -> int:
        return self._clock.now()

    async def until(self, at: int) -> None:
        await asyncio.sleep((at - self.now()) / SECOND / self._clock.speed)


class _WithCode(NamedTuple):
    """Logins, with a code that is good for this once."""

    logins: Logins
    code: Login

    def of(self, account: str) -> Login:
        login = self.logins.of(account)
        return Login(login.names, {**login.secrets, **self.code.secrets})

    def stamp(self, account: str) -> int:
        return self.logins.stamp(account)


async def _tried(plan: Plan, owner: Owner, logins: Logins) -> Mapping[str, str]:
    part = owner.node.instance
    try:
        async with asyncio.timeout(PATIENCE):
            fast = getattr(part, "speed", 1) != 1
            here = Here(plan.base, await part.clock_of() if fast else wall(), part.speed if fast else 1.0)
            if isinstance(part, Connecting):
                money = plan.accounts[owner.account]
                holder = Holder(account=owner.account, money=money.money, currency=money.currency)
                return await _introduced(part.connector(here, holder, logins, _warn), part, here)
            if isinstance(part, Fetching):
                return await _priced(part, here)
    except CallFailed as failure:
        raise MoonlightError(f"{owner.account} was not let in at {owner.where}: {failure}") from None
    except TimeoutError:
        late = f"{owner.where} did not let {owner.account} in within {PATIENCE:.0f} s"
        raise MoonlightError(f"{late}; try again") from None
    raise InputError(f"nobody is let in at {owner.where}, so there is nothing to try; `run` the flow")


async def _introduced(connector: Connector, part: object, here: Here) -> Mapping[str, str]:
    try:
        await connector.open()
        facts = dict(connector.introduction) if isinstance(connector, Introduced) else {}
        before = here.now()
        venue = await connector.clock()
        apart = venue - (before + here.now()) // 2
        return facts | {"clock": f"{apart:+d} ms from ours", "permission": permission_of(part).sentence}
    finally:
        await connector.close()


async def _priced(part: Fetching, here: Here) -> Mapping[str, str]:
    feed = part.feed(here, _warn)
    try:
        product = getattr(part, "products", ("",))[0]
        until = here.now() // MINUTE * MINUTE
        bars = await feed.history(product, MINUTE, until - BARS * MINUTE, until)
        return {"prices": f"{len(bars)} final 1m bars of {product} in the last {BARS} minutes"}
    finally:
        await feed.close()


def _warn(trouble: Trouble) -> None:
    print(f"{trouble.kind}: {trouble.what}", file=sys.stderr)
