"""The span of a flow's data that a verb goes over, as several verbs ask for it, and how far it has got."""

import argparse
import sys
from collections.abc import Callable

from pipeline.errors import InputError
from pipeline.plan import Plan
from pipeline.replaying import span_of
from pipeline.times import duration, parse_moment


def span_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="begin", metavar="MOMENT", help="where to begin: 2026-01-05T08:00:00Z")
    parser.add_argument("--to", dest="end", metavar="MOMENT", help="where to end")
    parser.add_argument("--for", dest="length", metavar="SPAN", help="how much to replay: 12h, 30d")


def span_asked(plan: Plan, options: argparse.Namespace) -> tuple[int, int]:
    """From when to when."""
    try:
        begin, end = (None if text is None else parse_moment(text) for text in (options.begin, options.end))
        length = None if options.length is None else duration(options.length)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None
    return span_of(plan, begin, end, length)


def progress(word: str) -> Callable[[float], None]:
    """A line that grows on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda _: None
    shown = -1

    def show(done: float) -> None:
        nonlocal shown
        percent = min(100, int(done * 100))
        if percent > shown:
            shown = percent
            sys.stderr.write(f"\r{word} {percent:3d} %" + ("\r\033[K" if percent == 100 else ""))
            sys.stderr.flush()

    return show
