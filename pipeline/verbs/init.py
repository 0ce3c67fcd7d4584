"""Make a folder with a flow that runs: a synthetic market, practice accounts, strategies, tests.

example:
  python -m pipeline init demo && cd demo && python -m pipeline run
"""

import argparse
from pathlib import Path

from pipeline.errors import InputError
from pipeline.verbs.common import DEFAULT

IGNORED = "data/\n"


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
    ignore = options.folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text(IGNORED, encoding="utf-8")
    print(f"made {flow}; next: cd {options.folder} and `run`, or `validate`, `graph`, `test`")
    return 0


def _template() -> str:
    """The flow we ship: it lies beside our folders, in a checkout and in the installed package."""
    text = (Path(__file__).resolve().parents[2] / DEFAULT).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.startswith("#:schema")) + "\n"
