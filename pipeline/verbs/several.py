"""A verb that is several: `data import`, `accounts add`, `venue serve`. Each is a module `VERB_NAME`."""

import argparse
from collections.abc import Iterable
from importlib import import_module
from typing import cast

from pipeline.verbs import Verb


def add_verbs(parser: argparse.ArgumentParser, package: str, names: Iterable[str], usual: str = "") -> None:
    """The verbs of a module, each with its docstring as help; `usual` is the one that is meant where none is given."""
    verbs = parser.add_subparsers(dest=f"of_{package.rpartition('.')[2]}", metavar="VERB", required=not usual)
    for name in names:
        module = cast("Verb", import_module(f"{package}_{name}"))
        summary, _, rest = (module.__doc__ or "").partition("\n\n")
        of_verb = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=rest.strip() or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.options(of_verb)
        of_verb.set_defaults(run_of_several=module.run)
        if name == usual:
            parser.set_defaults(**vars(of_verb.parse_args([])))


def run_one(options: argparse.Namespace) -> int:
    """Run the one that was asked for."""
    return int(options.run_of_several(options))
