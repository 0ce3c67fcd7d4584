"""Listen in on a node of a running flow: one line for each thing it gives. Without a node: all there are, with rates.

examples:
  python -m pipeline tap
  python -m pipeline tap operators.bars
  python -m pipeline tap features --edge providers.trend --count 20
  python -m pipeline tap 'sinks.orders->venues.practice' --json
  python -m pipeline tap sources.market --for 30s

It asks the engine of the flow over the console's line, and changes nothing: while nobody listens a node tells nothing
of this. Of a node that gives more than can be read a part is told, and how much was passed over. --edge says only what
one of those who take from the node is given, by its kind. A node that an edit of the flow takes away is waited for.
Times are the flow's own, in its display time zone. Exit code 3 when no engine answers, or it ends.
"""

import argparse
import asyncio
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from pipeline.errors import InputError
from pipeline.logs.plain import plain
from pipeline.tables import nearest
from pipeline.times import SECOND, duration, local_text
from pipeline.verbs.common import DEFAULT, json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.tap_flow import as_json, first_flow, listed, two_flows
from pipeline.verbs.tap_line import TapLine, line_to
from pipeline.view import FlowNews, TapNews, TapOf, Topics
from pipeline.view import TapLine as Heard
from tui.door import Address, find

RATE = 20
"""Messages a second at the most."""
ARROW = "->"


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("node", nargs="?", metavar="NODE", help="operators.bars, features …; or an edge: A->B")
    parser.add_argument("--edge", metavar="TARGET", help="only what this node takes of it")
    parser.add_argument("--count", type=int, metavar="N", help="end after so many lines")
    parser.add_argument("--for", dest="length", metavar="SPAN", help="end after this much real time: 30s, 5m")
    parser.add_argument("--flow", type=Path, default=Path(DEFAULT), metavar="FLOW", help=f"the flow file ({DEFAULT})")
    parser.add_argument("--url", help="the engine's address; the one that runs the flow when left out")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    node, target = _ends(options)
    if options.count is not None and options.count < 1:
        raise InputError("--count is how many lines are wanted, 1 or more")
    seconds = _seconds(options.length)
    address = find(options.url, plan_of(options).folder)
    if node is None:
        asyncio.run(_list(address, options))
    else:
        asyncio.run(_listen(address, node, target, seconds, options))
    return 0


def _ends(options: argparse.Namespace) -> tuple[str | None, str | None]:
    """The node, and whose edge from it is meant, if one is."""
    node, arrow, target = (options.node or "").partition(ARROW)
    if arrow and options.edge is not None:
        raise InputError(f"say the edge once: {options.node!r}, or --edge {options.edge}")
    if options.edge is not None and not node:
        raise InputError("--edge says who takes from a node; name the node before it")
    return node.strip() or None, target.strip() or options.edge


def _seconds(text: str | None) -> float | None:
    if text is None or text.isdecimal():
        return None if text is None else float(text)
    try:
        return duration(text) / SECOND
    except ValueError as wrong:
        raise InputError(f"--for: {wrong}") from None


async def _list(address: Address, options: argparse.Namespace) -> None:
    async with line_to(address) as line:
        first, last = await two_flows(line)
    if options.json:
        say_json(as_json(first, last))
    else:
        print("\n".join(plain(each) for each in listed(first, last)))


async def _listen(
    address: Address, node: str, target: str | None, seconds: float | None, options: argparse.Namespace
) -> None:
    async with line_to(address) as line:
        kinds = None if target is None else _carried(await first_flow(line), node, target)
        await line.ask(Topics(tap=TapOf(node, RATE)))
        printing = _Printing(ZoneInfo(line.hello.display_timezone), kinds, options)
        try:
            async with asyncio.timeout(seconds):
                await _print(line, printing)
        except TimeoutError:
            return


async def _print(line: TapLine, printing: "_Printing") -> None:
    began = False
    while True:
        news = await line.news()
        if not isinstance(news, TapNews):
            continue
        if news.why and not began:
            raise InputError(news.why)
        began = True
        if printing.done(news):
            return


class _Printing:
    """Prints what is heard, for people or for programs, until it is enough."""

    def __init__(self, zone: ZoneInfo, kinds: frozenset[str] | None, options: argparse.Namespace) -> None:
        self._zone, self._kinds = zone, kinds
        self._json: bool = options.json
        self._left: int | None = options.count

    def done(self, news: TapNews) -> bool:
        if news.skipped and not self._json:
            print(f"… {news.skipped:,} more, which came too fast to be told")
        for each in news.lines:
            if self._kinds is None or each.kind in self._kinds:
                self._print(each, news)
                if self._left is not None:
                    self._left -= 1
                    if not self._left:
                        return True
        if news.why:
            print(news.why, flush=True) if not self._json else say_json({"why": news.why})
        return False

    def _print(self, heard: Heard, news: TapNews) -> None:
        if self._json:
            said = msgspec.structs.replace(heard, text=plain(heard.text))
            say_json({"node": news.of.node, **msgspec.to_builtins(said)})
        else:
            at = f"{local_text(heard.at, self._zone, '%H:%M:%S')}.{heard.at % SECOND:03d}"
            print(f"{at}  {heard.kind:<10}  {plain(heard.text)}", flush=True)


def _carried(flow: FlowNews, node: str, target: str) -> frozenset[str]:
    """Which kinds of values go along an edge."""
    known = [each.id for each in flow.nodes]
    if node not in known:
        raise InputError(f"this flow has no node {node!r}; {nearest(node, known)}")
    takers: Iterable[str] = [each.target for each in flow.edges if each.source == node]
    for each in flow.edges:
        if (each.source, each.target) == (node, target):
            return frozenset(each.carries)
    raise InputError(f"nothing goes from {node} to {target!r}; {nearest(target, takers)}")
