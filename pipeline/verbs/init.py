"""Make a folder with a flow that runs: a synthetic market, practice accounts, strategies, tests.

example:
  python -m pipeline init demo && cd demo && python -m pipeline run
"""

import argparse
from pathlib import Path

from pipeline.errors import InputError
from pipeline.verbs.common import DEFAULT

IGNORED = ("data/", "profiles/")
"""What is nobody else's: the ledger and its token, and what accounts log in with."""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=Path(), type=Path, metavar="DIR", help="the folder (this one)")


def run(options: argparse.Namespace) -> int:
    flow = options.folder / DEFAULT
    if flow.exists():
        raise InputError(f"{flow} is there already; choose another folder, or remove it")
    if options.folder.exists() and not options.folder.is_dir():
        raise InputError(f"{options.folder} is not a folder; choose another name")
    options.folder.mkdir(parents=True, exist_ok=True)
    flow.write_text(_template(), encoding="utf-8")
    _ignore(options.folder / ".gitignore")
    print(f"made {flow}; next: cd {options.folder} and `run`, or `validate`, `graph`, `test`")
    return 0


def _ignore(path: Path) -> None:
    """See to it that a repository passes over what is not to be told; what it passes over already stays."""
    there = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    lines = [*there, *(line for line in IGNORED if line not in there)]
    if lines != there:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _template() -> str:
    """The flow we ship: it lies beside our folders, in a checkout and in the installed package."""
    text = (Path(__file__).resolve().parents[2] / DEFAULT).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("#:schema")) + "\n"
