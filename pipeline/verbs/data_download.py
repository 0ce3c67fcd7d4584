"""Download bars or quotes of a venue into the store.

examples:
  python -m pipeline data download --use binance --product BTCUSD --timeframe 1m --from 2026-01-01T00:00:00Z
  python -m pipeline data download --use kraken --product ETHUSD --timeframe 5m --from 2026-01-05T00:00:00Z
  python -m pipeline data download --flow flows.toml --source market --product EURUSD --from 2026-01-05T08:00:00Z

--use names a source that asks nothing of you but products; a source with keys of its own, or a login, is named by the
flow file that has it. Without --timeframe quotes are asked for, where the venue keeps them. It asks no faster than the
venue allows. What the store has is not asked for again (--force asks), so a download that was ended goes on where it
was: run it once more. Bars of another origin that say something else of the same moment are a conflict.
"""

import argparse
import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from pipeline.calendar import Calendar, calendar_of
from pipeline.checking import load
from pipeline.clocks import LoopClock
from pipeline.connections.contract import Feed
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.evidence import Trouble
from pipeline.live import wall
from pipeline.parts import registered
from pipeline.plan import Node, Plan
from pipeline.tables import nearest
from pipeline.times import DAY, timeframe_name, utc_text
from pipeline.verbs.accounts_common import unlock_source
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.data_common import archive, moment_of, progress, span_options, store_option, tf_of

AGO = DAY
"""From when on, unless somebody says: a day ago."""
SHOWN = 5
"""So many holes are named."""
TRIES = 5
PAUSE_MS = 5_000
"""Before a venue that could not be reached is tried again, then twice as long each time."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--use", metavar="SOURCE", help="a source by its name: binance, kraken …")
    parser.add_argument("--flow", type=Path, metavar="FILE", help="a flow file that has the source, with its keys")
    parser.add_argument("--source", metavar="NAME", help="which of its sources; needed where several can be asked")
    parser.add_argument("--product", required=True, metavar="NAME", help="whose prices: BTCUSD")
    parser.add_argument("--symbol", metavar="NAME", help="what the venue calls it, where that is not said already")
    parser.add_argument("--account", metavar="NAME", help="whose login, at a venue that asks for one")
    parser.add_argument("--timeframe", metavar="TF", help="1m, 5m … for bars; leave it out for quotes")
    span_options(parser)
    parser.add_argument("--force", action="store_true", help="ask for what the store has already, too")
    parser.add_argument(
        "--on-conflict",
        choices=("fail", "keep", "replace"),
        default="fail",
        help="what to do when one moment has two values: fail, keep the stored one, replace it (fail)",
    )
    store_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    source, base, calendar, venue = _source(options)
    unlock_source(source, venue, base)
    tf = tf_of(options.timeframe)
    done = feeds("downloading").Downloaded()
    wanted, failure = asyncio.run(_fetched(source, base, options, venue, tf, calendar, done))
    if options.json:
        say_json(_as_json(wanted, done, failure))
    else:
        print("\n".join(_text(wanted, done, options.store)))
        if failure is not None:
            again = "" if failure.final or failure.kind in ("rule", "auth") else ": run it again to go on"
            kept = f"; what came before is in the store{again}" if done.rows or again else ""
            print(f"{failure}{kept}", file=sys.stderr)
    return 0 if failure is None else failure.exit_code


def feeds(part: str) -> Any:
    """A module of downloads, with the libraries that read Parquet: loaded when the verb is run, not for its help."""
    return import_module(f"pipeline.feeds.{part}")


def _source(options: argparse.Namespace) -> tuple[Any, Path, Calendar, str]:
    """Whom to ask, where its relative paths begin, when the product's market is open, and what it is called."""
    if (options.use is None) == (options.flow is None):
        raise InputError("say whom to ask: --use binance, or --flow flows.toml for a source with its keys")
    if options.use is not None:
        return _part(options), Path.cwd(), calendar_of(options.product), options.use
    plan = load(options.flow)
    node = _node(plan, options)
    return node.instance, plan.base, plan.calendars.of(options.product), node.part.name


def _part(options: argparse.Namespace) -> Any:
    """A source by its name alone, with the keys that options say."""
    known = {name: part for name, part in registered("source").items() if hasattr(part.cls, "feed")}
    part = known.get(options.use)
    if part is None:
        raise InputError(f"there is no source {options.use!r} to download from; {nearest(options.use, known)}")
    symbols = {} if options.symbol is None else {"symbols": {options.product: options.symbol}}
    account = {} if options.account is None else {"account": options.account}
    keys = {field.name: field for field in part.fields}
    given = {"products": [options.product], **symbols, **account}
    if unknown := next((key for key in given if key not in keys), None):
        raise InputError(f"the source {options.use} has no {unknown}; leave out --{unknown.rstrip('s')}")
    if lacking := next((name for name, field in keys.items() if field.required and name not in given), None):
        fix = "--account" if lacking == "account" else "--flow with a file that says it"
        raise InputError(f"the source {options.use} needs {lacking}; give {fix}")
    try:
        return msgspec.convert(given, part.cls)
    except msgspec.ValidationError as wrong:
        what, _, fix = str(wrong).partition("; ")
        # It was not written into a file, so it is not mended in one.
        raise InputError(f"{what}; say it with --symbol" if what.startswith("symbols ") else f"{what}; {fix}") from None


def _node(plan: Plan, options: argparse.Namespace) -> Node:
    known = {node.id.split(".", 1)[1]: node for node in plan.of("source") if hasattr(node.instance, "feed")}
    if not known:
        raise InputError(f"{plan.file} has no source to download from; add one such as binance, or give --use")
    if options.source is None and len(known) > 1:
        raise InputError(f"{plan.file} has several sources to ask; say which with --source: {', '.join(sorted(known))}")
    name = next(iter(known)) if options.source is None else options.source.removeprefix("sources.")
    if name not in known:
        raise InputError(f"{plan.file} has no source {name!r} to download from; {nearest(name, known)}")
    products = getattr(known[name].instance, "products", ())
    if options.product not in products:
        raise InputError(f"[sources.{name}] has no product {options.product!r}; it has {', '.join(products)}")
    return known[name]


class _Outside:
    """A clock that goes with time, and waiting on it: what a feed needs where there is no flow."""

    def __init__(self, base: Path, begin: int, speed: float) -> None:
        self.base = base
        self._clock = LoopClock(asyncio.get_running_loop(), begin, speed)

    def now(self) -> int:
        return self._clock.now()

    async def until(self, at: int) -> None:
        reached = asyncio.Event()
        planned = self._clock.at(at, reached.set)
        try:
            await reached.wait()
        finally:
            planned.cancel()


async def _outside(source: Any, base: Path) -> _Outside:
    """By the venue's clock, where that goes faster than time passes."""
    speed = float(getattr(source, "speed", 1.0))
    return _Outside(base, wall() if speed == 1 else await source.clock_of(), speed)


async def _fetched(
    source: Any, base: Path, options: argparse.Namespace, venue: str, tf: int, calendar: Calendar, done: Any
) -> tuple[Any, CallFailed | None]:
    """What was wanted, and why not all of it came."""
    outside = await _outside(source, base)
    wanted = _wanted(options, venue, tf, outside.now())
    if not options.json:
        symbols: dict[str, str] = source.called() if hasattr(source, "called") else getattr(source, "symbols", {})
        name = symbols.get(options.product, options.product)
        print(f"{wanted.series} from {venue}, where it is called {name}", flush=True)
    feed: Feed = source.feed(outside, _warned)
    show, pause = progress("downloading"), PAUSE_MS
    try:
        for left in reversed(range(TRIES)):
            try:
                await feeds("downloading").downloaded(feed, wanted, options.store, calendar, outside.now(), done, show)
            except CallFailed as failed:
                if not left or failed.final or failed.kind not in ("network", "throttle", "maintenance"):
                    return wanted, failed
                wait = max(pause, int(1000 * (failed.wait or 0)))
                print(f"{failed}; again in {wait / 1000:g} s", file=sys.stderr, flush=True)
            else:
                break
            await outside.until(outside.now() + wait)
            pause *= 2
    finally:
        await feed.close()
    return wanted, None


def _wanted(options: argparse.Namespace, venue: str, tf: int, now: int) -> Any:
    until = moment_of(options.until, now)
    since = moment_of(options.since, until - AGO)
    if since >= until:
        raise InputError(f"--from {utc_text(since)} is not before --until {utc_text(until)}; give an earlier moment")
    return feeds("downloading").Wanted(
        series=archive("series").Series(options.product, tf),
        venue=venue,
        since=since,
        until=until,
        force=options.force,
        on_conflict=options.on_conflict,
    )


def _warned(trouble: Trouble) -> None:
    print(trouble.what, file=sys.stderr, flush=True)


def _text(wanted: Any, done: Any, store: Path) -> list[str]:
    if done.there:
        return [f"nothing to ask for: the store {store} has it all, or was told that the venue has no more"]
    lines = [f"{done.rows:,} rows came, {done.added:,} of them new, {done.same:,} were there already"]
    if done.conflicts:
        lines.append(f"  {done.conflicts:,} conflicts; the first: {done.first_conflict}")
    if done.holes:
        slots = sum(end - begin for begin, end in done.holes) // wanted.series.tf
        lines.append(f"  the venue has no {timeframe_name(wanted.series.tf)} bar of {slots:,} slots of open time:")
        lines += [f"    from {utc_text(begin)} until {utc_text(end)}" for begin, end in done.holes[:SHOWN]]
        if len(done.holes) > SHOWN:
            lines.append(f"    and {len(done.holes) - SHOWN:,} more stretches")
    return [*lines, f"store: {store}"]


def _as_json(wanted: Any, done: Any, failure: CallFailed | None) -> dict[str, Any]:
    return {
        "product": wanted.series.product,
        "timeframe": wanted.series.timeframe,
        "venue": wanted.venue,
        "since": wanted.since,
        "until": wanted.until,
        "runs": done.asked,
        "rows": done.rows,
        "added": done.added,
        "same": done.same,
        "conflicts": done.conflicts,
        "first_conflict": done.first_conflict,
        "holes": done.holes,
        "failure": None if failure is None else str(failure),
    }
