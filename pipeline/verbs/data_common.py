"""What the verbs of the store ask and say in the same words."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.times import parse_moment, timeframe

STORE = "data/store"


def archive(part: str) -> Any:
    """A module of the store, with the libraries that read Parquet: loaded when a verb is run, not for its help."""
    return import_module(f"pipeline.archive.{part}")


def store_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, default=Path(STORE), metavar="DIR", help=f"the store's folder ({STORE})")


def series_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--product", required=True, metavar="NAME", help="EURUSD, as it was named when imported")
    parser.add_argument("--timeframe", metavar="TF", help="1m, 5m … for bars; leave it out for quotes")


def span_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="since", metavar="MOMENT", help="from when on: 2026-01-05T08:00:00Z")
    parser.add_argument("--until", metavar="MOMENT", help="before when")


def tf_of(text: str | None) -> int:
    """The timeframe in ms; 0 for quotes."""
    if text is None:
        return 0
    try:
        return timeframe(text)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None


def moment_of(text: str | None, otherwise: int) -> int:
    try:
        return otherwise if text is None else parse_moment(text)
    except ValueError as wrong:
        raise InputError(str(wrong)) from None


def zone_of(name: str | None) -> str | None:
    if name is not None and not archive("walls").is_zone(name):
        raise InputError(f"there is no time zone {name!r}; give one like UTC, EET or America/New_York")
    return name


def progress(doing: str) -> Callable[[float, int], None]:
    """A line that grows on a terminal; elsewhere a line for every tenth."""
    shown = -1
    grows = sys.stderr.isatty()

    def show(done: float, rows: int) -> None:
        nonlocal shown
        percent = min(100, int(done * 100))
        if percent // (1 if grows else 10) <= shown:
            return
        shown = percent // (1 if grows else 10)
        line = f"{doing} {percent:3d} %, {rows:,} rows"
        if grows:
            sys.stderr.write(f"\r{line}" + ("\r\033[K" if percent == 100 else ""))
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    return show
