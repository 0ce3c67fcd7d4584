"""Write down what Deriv says to a demo account, and ask it what its pages leave open.

examples:
  python -m pipeline venue record demo-1
  python -m pipeline venue record demo-1 --out frames.jsonl --buy

Every frame goes into the file, a JSON text a line, without ids, names and tokens. Nothing is bought, unless you say
--buy and then yes (or --yes): then four contracts of one unit of the demo's money. Accounts of real money are refused.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import IO

from pipeline.clocks import LoopClock
from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Holder
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.probing import Found, Probing
from pipeline.deriv.rest import named
from pipeline.deriv.session import Session
from pipeline.deriv.taping import Taped
from pipeline.errors import InputError, MoonlightError
from pipeline.keys import logins_of
from pipeline.keys.passphrases import at_terminal
from pipeline.live import wall
from pipeline.plan import Plan
from pipeline.secret import Logins, Practised
from pipeline.tables import nearest
from pipeline.times import SECOND
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.stops import flow_of_account
from sinks.deriv import Deriv

Until = Callable[[int], Awaitable[None]]
OUT = Path("frames.jsonl")
DEAR = "this buys four contracts of one unit of the demo's money; write yes to go on: "


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", metavar="ACCOUNT", help="a demo account of the flow, at a venue of use = deriv")
    flow_of_account(parser)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FILE", help=f"where the frames go ({OUT})")
    parser.add_argument("--buy", action="store_true", help="ask what has to be bought for, too")
    parser.add_argument("--yes", action="store_true", help="do not ask before buying")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    part, holder = _owner(plan, options.account)
    logins: Logins = Practised()
    if not part.practice:
        keys = logins_of(plan.base, "deriv")
        keys.unlock(holder.account)
        logins = keys
    dear = options.buy and _agreed(yes=options.yes)
    try:
        with options.out.open("wb") as file:
            asyncio.run(_recorded(part, holder, logins, file, dear=dear, as_json=options.json))
    except OSError as wrong:
        raise InputError(f"{options.out} cannot be written ({wrong.strerror}); name another file with --out") from None
    print(f"the frames are in {options.out}", file=sys.stderr)
    return 0


def _owner(plan: Plan, name: str) -> tuple[Deriv, Holder]:
    account = plan.accounts.get(name)
    if account is None:
        raise InputError(f"there is no account {name!r}; {nearest(name, plan.accounts)}")
    part = plan.by_id[f"venues.{account.venue}"].instance
    if not isinstance(part, Deriv):
        raise InputError(f"{name} is at {account.venue}, which is not Deriv; name an account of a venue of use = deriv")
    if account.money == "real":
        raise InputError(f"{name} has real money, and this is for demo accounts; name one of these")
    return part, Holder(account=name, money=account.money, currency=account.currency)


def _agreed(*, yes: bool) -> bool:
    if yes:
        return True
    if not at_terminal():
        raise InputError("there is no terminal to ask at before something is bought; say --yes, or leave out --buy")
    return input(DEAR).strip().lower() == "yes"


async def _recorded(part: Deriv, holder: Holder, logins: Logins, file: IO[bytes], *, dear: bool, as_json: bool) -> None:
    begin = await part.clock_of() if part.practice else wall()
    clock = LoopClock(asyncio.get_running_loop(), begin, part.speed)

    async def until(at: int) -> None:
        await asyncio.sleep(max(0.0, (at - clock.now()) / SECOND / part.speed))

    try:
        async with _connected(part, holder, logins, file, clock, until) as probing:
            await _told(probing.free(), as_json=as_json)
            if dear:
                await _told(probing.dear(), as_json=as_json)
    except CallFailed as failed:
        raise MoonlightError(f"{holder.account} could not be asked: {failed}") from None


@asynccontextmanager
async def _connected(
    part: Deriv,
    holder: Holder,
    logins: Logins,
    file: IO[bytes],
    clock: LoopClock,
    until: Until,
) -> AsyncGenerator[Probing]:
    manner, login, taped = part.manner, logins.of(holder.account), list[Taped]()
    budgets = Budgets(manner.capabilities.limits, clock.now, until)
    session = Session(manner, holder, login, budgets, _warn)

    def over(socket: Socket) -> Taped:
        taped.append(Taped(socket, file, clock.now, (named(login, holder),)))
        return taped[0]

    try:
        await session.open(over)
        symbols = tuple(manner.naming.symbols.values()) or ("R_100",)
        yield Probing(session.wire, taped[0].note, clock.now, until, symbols)
    finally:
        await session.close()


async def _told(answers: AsyncGenerator[Found], *, as_json: bool) -> None:
    async with aclosing(answers):
        async for found in answers:
            if as_json:
                say_json({"question": found.question, "answer": found.answer})
            else:
                print(f"{found.question}?\n    {found.answer}")
            sys.stdout.flush()


def _warn(failed: CallFailed) -> None:
    print(str(failed), file=sys.stderr)
