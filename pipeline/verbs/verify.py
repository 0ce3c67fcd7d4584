"""Make a recorded session again in virtual time and compare every decision with the recording.

examples:
  python -m pipeline run --for 2m --record session
  python -m pipeline verify session

Prints `n/n identical`, or the first thing that came out otherwise with both sides; exit code 1 then. The recording of
a program that was killed, or failed, is cut off: all that it has is compared.
"""

import argparse
from pathlib import Path

import numpy as np

from pipeline.journal import code_hash
from pipeline.times import utc_text
from pipeline.verbs.common import json_option, say_json
from pipeline.verifying import Verdict, verified


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", type=Path, metavar="DIR", help="the folder that `run --record DIR` wrote")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    verdict = verified(options.session, Path.cwd())
    difference = verdict.difference
    if options.json:
        found = (
            None
            if difference is None
            else {name: getattr(difference, name) for name in ("n", "at", "recorded", "replayed")}
        )
        counts = {"links": verdict.links, "identical": verdict.same, "decisions": verdict.decisions}
        say_json({**counts, "whole": verdict.whole, "difference": found})
    else:
        print("\n".join(_text(verdict)))
    return 0 if difference is None else 1


def _text(verdict: Verdict) -> list[str]:
    lines = [f"{verdict.same}/{verdict.links} identical ({verdict.decisions} decisions among them)"]
    if not verdict.whole:
        lines.append("note: the recording is cut off: its program was killed, or failed; all that it has was compared")
    if verdict.header.code != code_hash():
        lines.append("note: the code has changed since the recording")
    if verdict.header.numpy != np.__version__:
        lines.append(f"note: recorded with numpy {verdict.header.numpy}, replayed with {np.__version__}")
    if verdict.difference is not None:
        lines += [
            f"first difference at link {verdict.difference.n}, {utc_text(verdict.difference.at)}",
            f"  recorded: {verdict.difference.recorded}",
            f"  replayed: {verdict.difference.replayed}",
        ]
    return lines
