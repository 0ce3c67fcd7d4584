"""The command line: `python -m pipeline VERB`, installed `moonlight VERB`."""

import argparse
import os
import sys
from collections.abc import Sequence

import operators
import sinks
import sources
from pipeline.errors import MoonlightError
from pipeline.verbs import VERBS

PARTS = (operators, sinks, sources)
"""Imported for what they register."""

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except MoonlightError as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. Python would complain about it once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    program = "moonlight" if "moonlight" in sys.modules else "python -m pipeline"
    parser = argparse.ArgumentParser(
        prog=program,
        description="A dataflow pipeline for fixed-time trading. `VERB --help` tells more of each verb.",
        epilog="exit codes: 0 ok, 1 the thing asked for failed, 2 the input was wrong",
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in VERBS.items():
        summary, _, rest = (verb.__doc__ or "").partition("\n\n")
        of_verb = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=rest.strip() or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.options(of_verb)
        of_verb.set_defaults(run=verb.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
