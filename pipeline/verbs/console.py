"""Watch a running flow on pages: what is at stake, keys, charts, trades, the live graph, its file, its log.

examples:
  python -m pipeline console
  python -m pipeline console --page flow
  python -m pipeline console --screenshot chart.svg --page chart --size 200x50
  python -m pipeline console --attach http://127.0.0.1:8750
  python -m pipeline console --keys

It attaches to the engine that runs the flow file (start one with `run`) and looks: it changes nothing until ^y takes
control, but for ^g, which stops all that trades. `q` leaves and the engine goes on, `?` lists the keys. Without a
terminal it prints the status once. Exit code 3: no engine answers.
"""

import argparse
import re
from pathlib import Path

from pipeline.errors import InputError
from pipeline.kill_file import folder_in
from pipeline.verbs.common import flow_option
from tui.console import console, key_table
from tui.pages import FIRST, NAMES

SIZE = re.compile(r"(\d{2,3})x(\d{2,3})")


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument(
        "--attach",
        "--url",
        dest="url",
        metavar="URL",
        help="the engine's address; the one that runs the flow when left out",
    )
    parser.add_argument("--page", choices=NAMES, default=FIRST, help=f"what is in front at first ({FIRST})")
    parser.add_argument("--keys", action="store_true", help="print every key and what it does, and end")
    parser.add_argument("--screenshot", type=Path, metavar="SVG", help="draw the screen into a file and end")
    parser.add_argument("--size", default="120x36", metavar="COLUMNSxROWS", help="of the screenshot (120x36)")


def run(options: argparse.Namespace) -> int:
    match = SIZE.fullmatch(options.size)
    if match is None:
        raise InputError(f"{options.size!r} is not a size; write columns and rows like 120x36")
    if options.keys:
        print(key_table())
        return 0
    size = (int(match[1]), int(match[2]))
    folder, shot = folder_in(options.flow), options.screenshot
    return console(options.url, folder, options.flow, screenshot=shot, size=size, page=options.page)
