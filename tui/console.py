"""The way into the console: on a terminal, into a picture, or as plain lines where there is no terminal."""

import asyncio
import gc
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import aiohttp
import msgspec
from textual.constants import DRIVER

from pipeline.errors import InputError, MoonlightError
from pipeline.live import on_hangup, on_signals
from pipeline.times import utc_text
from pipeline.view import AccountRow, Status
from tui.app import KINDS, Console
from tui.asking import Engine
from tui.brake import Brake
from tui.door import Address, Unreachable, find, refusal_in
from tui.every_act import every_act
from tui.link import Link
from tui.pages import FIRST, PAGES
from tui.preferences.keys import named
from tui.settings import Settings, read_settings, settings_file
from tui.shell import Shell
from tui.store import Store
from tui.words import plain

FONTS = re.compile(r"@font-face\s*{[^}]*}")
"""What a picture would fetch from elsewhere: whoever looks at it has a font of fixed width."""
PATIENCE = 30.0
"""Seconds a picture waits for everything on it to have been told, and for a checker to be imported."""


def console(
    url: str | None,
    folder: Path,
    flow: Path,
    *,
    screenshot: Path | None = None,
    size: tuple[int, int] = (120, 36),
    page: str = FIRST,
) -> int:
    """Attach to the engine at `url`, or to the one running in `folder`; what the process should end with.

    0: left, or drawn, or told; 1: something failed; 3: no engine answers and there is nobody to wait for one. On a
    terminal it waits, and `size` is the terminal's.
    """
    try:
        if screenshot is not None:
            _write(screenshot, asyncio.run(_picture(lambda: find(url, folder), flow, folder, size, page)))
        elif not (DRIVER or _on_a_terminal()):
            asyncio.run(_print(find(url, folder)))
        else:
            return _watch(lambda: find(url, folder), flow, folder, page)
    except MoonlightError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    return 0


def key_table() -> str:
    """Every act of the console with its keys, a line each."""
    rows = [
        (placed.act.id or "", named(placed.act.key), placed.where, placed.act.tooltip)
        for placed in every_act(Console.BINDINGS, PAGES)
    ]
    wide = [max(len(row[at]) for row in rows) for at in range(3)]
    return "\n".join("  ".join((*(cell.ljust(w) for cell, w in zip(row, wide, strict=False)), row[3])) for row in rows)


def _on_a_terminal() -> bool:
    """A terminal that cannot move its cursor is none to draw on."""
    if os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.__stderr__))


def _watch(where: Callable[[], Address], flow: Path, folder: Path, page: str) -> int:
    """Until the person leaves. With COLUMNS or LINES set, the screen would keep that size for ever.

    The terminal is drawn through the standard error, so all three standard streams have to be one; unless Textual was
    given a driver, as by `textual serve`, which says the size in COLUMNS.
    """
    if not DRIVER:
        for frozen in ("COLUMNS", "LINES"):
            os.environ.pop(frozen, None)
    app = _app(where, flow, folder, page, welcoming=True)
    KINDS[page].page()
    gc.freeze()  # what imports left behind stays for good: looking it through again and again made keys wait
    asyncio.run(_shown(app))
    return app.return_code or 0


async def _shown(app: Console) -> None:
    """Who is asked to end, as by an engine that ends, gives the terminal back as it was."""
    on_signals(app.exit)
    with on_hangup(app.exit):
        await app.run_async(mouse=app.shell.settings.look.mouse)


def _app(where: Callable[[], Address], flow: Path, folder: Path, page: str, *, welcoming: bool = False) -> Console:
    store = Store(since=monotonic())
    file = settings_file()
    try:
        settings = read_settings(file)
    except InputError as wrong:
        settings, file = Settings(), None
        store.note("error", str(wrong))
    far = "SSH_CONNECTION" in os.environ
    shell = Shell(store, Engine(where), monotonic, flow, settings, file, far, bool(DRIVER), folder=folder)
    return Console(shell, Link(store, where, monotonic), Brake(where, flow), page=page, welcoming=welcoming)


async def _picture(where: Callable[[], Address], flow: Path, folder: Path, size: tuple[int, int], page: str) -> str:
    """The screen as SVG, once everything on it was told."""
    where()
    KINDS[page].page()
    app = _app(where, flow, folder, page)
    async with app.run_test(size=size) as pilot:
        latest = monotonic() + PATIENCE
        while missing := app.missing:
            if monotonic() > latest:
                raise Unreachable(f"the engine did not tell everything within {PATIENCE:g} s: {missing}")
            await pilot.pause(0.1)
        await pilot.pause(app.page.SETTLES if app.page is not None else 0.0)
        return FONTS.sub("", app.export_screenshot(title="moonlight console"))


def _write(to: Path, picture: str) -> None:
    try:
        to.write_text(picture, "utf-8")
    except OSError as problem:
        raise MoonlightError(f"cannot write {to} ({problem.strerror}); choose another place") from None


class _Overview(msgspec.Struct):
    """As much of the engine's answer as is printed."""

    engine: Status


async def _print(engine: Address) -> None:
    headers = {"Authorization": f"Bearer {engine.token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.get(f"{engine.url}/v1/status", headers=headers, ssl=engine.trusted) as answer,
        ):
            body = await answer.read()
            if answer.status != 200:
                raise Unreachable(f"the engine at {engine.url} refused: {refusal_in(body)}")
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        raise Unreachable(f"no engine answers at {engine.url} ({problem}); start one with `run`") from None
    try:
        status = msgspec.json.decode(body, type=_Overview).engine
    except msgspec.DecodeError as problem:
        raise MoonlightError(
            f"what answers at {engine.url} is no engine of this version ({problem}); look at the address"
        ) from None
    sys.stdout.writelines(f"{plain(line)}\n" for line in _told(status))


def _allowed(account: AccountRow) -> str:
    """Whether it may trade: real money only while it is armed, and nothing while it is stopped."""
    armed = f"; ARMED until {utc_text(account.armed_until)}" if account.armed else "; not armed"
    rehearsal = "; a rehearsal, nobody's money moves" if account.rehearsal else ""
    stopped = f"; STOPPED: {account.stopped}" if account.stopped else ""
    away = f"; {account.standing}, nothing is sent" if account.standing else ""
    return f"{armed if account.money == 'real' else ''}{rehearsal}{stopped}{away}"


def _told(status: Status) -> Iterator[str]:
    """The status in lines that a person and a program can read."""
    orders = status.orders
    yield f"state      {status.state}, {status.keys} keys, {status.bars} bars, {status.decisions} decisions"
    yield f"clock      {utc_text(status.clock)}, up {status.uptime_s:.0f} s, lag {status.lag_ms:.0f} ms"
    counts = f"{orders.open} open, {orders.settled} settled, {orders.rejected} rejected, {orders.unknown} unknown"
    yield f"orders     {orders.sent} sent, {counts}"
    rate = status.win_rate_text or "none yet"
    yield f"results    {status.wins} won, {status.losses} lost, {status.pushes} even; {rate}"
    for account in status.accounts:
        balance = f"{account.balance} {account.currency}, day {account.day_profit}"
        yield f"account    {account.name} ({account.money}): {balance}{_allowed(account)}"
    for reason, count in status.drops.items():
        yield f"dropped    {count} {reason}"
    if status.faults:
        yield f"faults     {status.faults}, last: {status.last_fault}"
