"""The time at a practice venue over HTTP, which may go faster than time passes."""

import asyncio

from pipeline.connections.budgets import Budgets
from pipeline.connections.http import Http
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.generic.site import Site


async def practice_time(site: Site, speed: float) -> int:
    """The time there; `InputError` where nobody answers, or whose clock goes at another pace."""
    loop = asyncio.get_running_loop()

    async def until(at: int) -> None:
        await asyncio.sleep(at / 1000 - loop.time())

    budgets = Budgets((), lambda: int(loop.time() * 1000), until)
    http = Http(site.url, hosts=site.hosts, deadline=site.deadline, budgets=budgets)
    try:
        await http.call("GET", "/ping", call="ping", priority="order")  # the first call takes the time to connect
        asked = loop.time()
        answer = await http.call("GET", "/ping", call="ping", priority="order")
        middle = (asked + loop.time()) / 2
        now, pace = answer.whole("server_time"), answer.real("speed", default=1.0)
    except CallFailed as failed:
        raise InputError(f"no practice venue answers at {site.url} ({failed}); start one: venue serve") from None
    finally:
        await http.close()
    if pace != speed:
        raise InputError(f"the practice venue at {site.url} goes at {pace:g} times real time; write speed = {pace:g}")
    return now + round((loop.time() - middle) * 1000 * pace)
