"""Watch a running flow: its keys, the chart of one with its decisions, and the log.

examples:
  python -m pipeline console
  python -m pipeline console flows.toml --screenshot console.svg
  python -m pipeline console --url http://127.0.0.1:8750

It attaches to the engine that runs the flow file (start one with `run`) and looks; ^g stops all that trades, and
nothing else is changed. `q` leaves and the engine goes on, `?` lists the keys. Without a terminal it prints the status
once. Exit code 3: no engine answers.
"""

import argparse
import re
from pathlib import Path

from pipeline.errors import InputError
from pipeline.verbs.common import flow_option, plan_of
from tui.console import console

SIZE = re.compile(r"(\d{2,3})x(\d{2,3})")


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    parser.add_argument("--url", help="the engine's address; the one that runs the flow when left out")
    parser.add_argument("--screenshot", type=Path, metavar="SVG", help="draw the screen into a file and end")
    parser.add_argument("--size", default="120x36", metavar="COLUMNSxROWS", help="of the screenshot (120x36)")


def run(options: argparse.Namespace) -> int:
    match = SIZE.fullmatch(options.size)
    if match is None:
        raise InputError(f"{options.size!r} is not a size; write columns and rows like 120x36")
    size = (int(match[1]), int(match[2]))
    return console(options.url, plan_of(options).folder, options.flow, screenshot=options.screenshot, size=size)
