"""The time at a practice venue, which may go faster than time passes."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

from pipeline.connections.budgets import Budgets
from pipeline.connections.http import Http
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.manner import DEADLINE
from pipeline.errors import InputError

CLOCK = "/admin/clock"


async def practice_time(url: str, speed: float) -> int:
    """The time at the practice venue of an address; `InputError` where none answers, or one at another pace."""
    parts = urlsplit(url)
    base = urlunsplit(("http", parts.netloc, "", "", ""))
    loop = asyncio.get_running_loop()

    async def until(at: int) -> None:
        await asyncio.sleep(at / 1000 - loop.time())

    budgets = Budgets((), lambda: int(loop.time() * 1000), until)
    http = Http(base, hosts={parts.hostname or ""}, deadline=DEADLINE, budgets=budgets)
    try:
        await http.call("GET", CLOCK, call="clock", priority="order")  # the first call takes the time to connect
        asked = loop.time()
        answer = await http.call("GET", CLOCK, call="clock", priority="order")
        middle = (asked + loop.time()) / 2
        now, pace = answer.whole("now_ms"), answer.real("speed")
    except CallFailed as failed:
        raise InputError(f"no practice venue answers at {base} ({failed}); start one: venue serve") from None
    finally:
        await http.close()
    if pace != speed:
        raise InputError(f"the practice venue at {base} goes at {pace:g} times real time; write speed = {pace:g}")
    return now + round((loop.time() - middle) * 1000 * pace)
