"""Read what an engine said, while it runs and after it ended; or have it say more.

examples:
  python -m pipeline logs
  python -m pipeline logs -f --level warning
  python -m pipeline logs --since 2h --module venues --grep refused
  python -m pipeline logs --order demo-1:EURUSD:1m:1767607200000
  python -m pipeline logs level venues=debug
  python -m pipeline logs level venues=

Files put aside are read too. Times are the flow's own, in its display time zone. --since takes a span of real time
(10m, 2h), or a moment of the flow's clock. Without any choice the last 50 lines are shown; with -f new ones as they
come, until Ctrl-C, whatever becomes of the engine. `logs level` changes what the running engine keeps of a module
(nothing behind =: as of what is above it), and without a module shows it; [logs] says what a start begins with.
"""

import argparse
import asyncio
import os
import sys
from collections import deque
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp
import msgspec

from pipeline.errors import InputError, MoonlightError
from pipeline.live import wall
from pipeline.logs.place import place_of
from pipeline.logs.plain import plain, plain_lines
from pipeline.logs.reading import Following, last_records
from pipeline.logs.records import GRAVITY, Choice, Fact, LogLevel, Record, line_of
from pipeline.logs.settings import check_module
from pipeline.logs.showing import shown
from pipeline.times import duration, parse_moment
from pipeline.verbs.common import DEFAULT, json_option, say_json
from tui.door import Address, Unreachable, find, refusal_in

SHOWN = 50
LEVEL = "level"
LOOKS_EVERY = 0.2
"""Seconds between two looks for something new."""
PATIENCE = 10.0
"""Seconds an engine has to answer."""
OVERLAP = 1_000
"""Records that may be both among the last and among the first new ones."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="*", metavar="FLOW", help=f"the flow file ({DEFAULT}); or `level MODULE=LEVEL …`"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on with what is said from now on")
    parser.add_argument("--level", choices=list(GRAVITY), default="debug", help="at least as grave")
    parser.add_argument("--module", default="", metavar="NAME", help="venues, risk.main, engine … and what is below it")
    parser.add_argument("--order", default="", metavar="ID", help="what belongs to an order, from its bar to its audit")
    parser.add_argument("--since", metavar="TIME", help="10m, 2h; or 2026-01-05T10:00 by the flow's clock")
    parser.add_argument("--tail", type=int, metavar="N", help=f"the last so many ({SHOWN}, or all that are asked for)")
    parser.add_argument("--grep", default="", metavar="WORD", help="with this word in them")
    parser.add_argument("--flow", type=Path, metavar="FLOW", help="the flow file, with `level`")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.words[:1] == [LEVEL]:
        return _levels(options, options.flow or Path(DEFAULT))
    if len(options.words) > 1:
        raise InputError(f"one flow file is read at a time, not {len(options.words)}: {' '.join(options.words)}")
    place = place_of(options.flow or Path(*options.words or [DEFAULT]))
    choice, printing = _choice(options, place.zone), _Printing(place.zone, as_json=options.json)
    following = Following(place.logs) if options.follow else None
    last = last_records(place.logs, choice, _most(options))
    printing.show(last)
    if following is not None:
        asyncio.run(_follow(following, choice, printing, deque(last, OVERLAP)))
    elif not last:
        print("nothing was said that is asked for", file=sys.stderr)
    return 0


class _Printing:
    """Prints records for people or for programs; on a terminal in colours."""

    def __init__(self, zone: ZoneInfo, *, as_json: bool) -> None:
        self._zone = zone
        self._json = as_json
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def show(self, records: list[Record]) -> None:
        for record in records:
            print(_harmless(record) if self._json else shown(record, self._zone, coloured=self._coloured))
        sys.stdout.flush()


async def _follow(following: Following, choice: Choice, printing: _Printing, last: deque[Record]) -> None:
    """What is new, and was not among the last already."""
    seen = {(each.seq, each.wall) for each in last}
    while True:
        printing.show([each for each in following.news() if choice.takes(each) and (each.seq, each.wall) not in seen])
        await asyncio.sleep(LOOKS_EVERY)


def _choice(options: argparse.Namespace, zone: ZoneInfo) -> Choice:
    if options.module:
        try:
            check_module(options.module)
        except ValueError as wrong:
            raise InputError(f"--module: {wrong}") from None
    since_wall, since = _since(options.since, zone)
    return Choice(options.level, options.module, options.order, options.grep, since_wall, since)


def _since(text: str | None, zone: ZoneInfo) -> tuple[int, int]:
    """From when on by the machine's clock, and by the flow's."""
    if text is None:
        return 0, 0
    try:
        return wall() - duration(text), 0
    except ValueError:
        pass
    try:
        return 0, parse_moment(text, zone)
    except ValueError as wrong:
        raise InputError(f"--since: {wrong}, or as a span: 10m") from None


def _most(options: argparse.Namespace) -> int | None:
    if options.tail is not None and options.tail < 0:
        raise InputError("--tail cannot be below 0; say how many of the last lines are wanted")
    asked = options.since or options.order or options.grep
    return options.tail if options.tail is not None else None if asked else SHOWN


def _harmless(record: Record) -> str:
    """The record as JSON that does nothing to a terminal either."""
    fields: dict[str, Fact] = {
        plain(name): plain_lines(each) if isinstance(each, str) else each for name, each in record.fields.items()
    }
    words = {name: plain(getattr(record, name)) for name in ("module", "text", "correlation")}
    return line_of(msgspec.structs.replace(record, fields=fields, **words)).decode().rstrip("\n")


# --- levels ----------------------------------------------------------------------------------------------------------


def _levels(options: argparse.Namespace, flow: Path) -> int:
    changes = dict(map(_change, options.words[1:]))
    try:
        address = find(None, place_of(flow).data)
    except Unreachable as problem:
        raise MoonlightError(f"{problem}; without one, [logs] modules of {flow} says what is kept") from None
    levels = asyncio.run(_asked(address, changes))
    if options.json:
        say_json(levels)
    else:
        print("\n".join(f"{module or 'all others'}: {level}" for module, level in sorted(levels.items(), reverse=True)))
    return 0


def _change(text: str) -> tuple[str, LogLevel | None]:
    """`venues=debug`; with nothing behind it the module has no level of its own any more."""
    module, equals, level = text.partition("=")
    try:
        check_module(module or "engine")
    except ValueError as wrong:
        raise InputError(f"{text!r}: {wrong}") from None
    if not equals or level not in ("", *GRAVITY) or not (module or level):
        raise InputError(f"{text!r} is no change; write MODULE=LEVEL with one of {', '.join(GRAVITY)}")
    return module, msgspec.convert(level, LogLevel) if level else None


async def _asked(address: Address, changes: dict[str, LogLevel | None]) -> dict[str, LogLevel]:
    """What the running engine keeps, after it was told of changes."""
    headers = {"Authorization": f"Bearer {address.token}"}
    method = "PUT" if changes else "GET"
    failure = ""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE), trust_env=False) as session,
            session.request(
                method,
                f"{address.url}/logs/levels",
                json=changes or None,
                headers=headers,
                ssl=address.trusted,
                allow_redirects=False,
            ) as answer,
        ):
            body = await answer.read()
            if answer.status == 200:
                return msgspec.json.decode(body, type=_Levels).levels
            failure = refusal_in(body)
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as problem:
        failure = f"{type(problem).__name__}"
    raise MoonlightError(f"the engine at {address.url} did not say what it keeps ({failure}); is it the one that runs?")


class _Levels(msgspec.Struct):
    levels: dict[str, LogLevel]
