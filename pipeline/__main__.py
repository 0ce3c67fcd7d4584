"""The command line: `python -m pipeline VERB`, installed `moonlight VERB`."""

import sys

from pipeline import early

if __name__ == "__main__" or "moonlight" in sys.modules:  # the program itself, not somebody who imports it
    early.attend("".join(sys.argv[1:2]))

import argparse
import os
import sqlite3
from collections.abc import Sequence
from importlib import import_module

from pipeline.bringing import brought_by
from pipeline.errors import InputError, MoonlightError
from pipeline.masking import masked_output, tell_masked
from pipeline.secret import take_passphrase
from pipeline.verbs import NAMES, verb


def main(arguments: Sequence[str] | None = None) -> int:
    take_passphrase()
    sys.excepthook = tell_masked
    with masked_output():
        return _main(sys.argv[1:] if arguments is None else arguments)


def _main(arguments: Sequence[str]) -> int:
    options = _parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        early.attended()
        return int(options.run(options))
    except MoonlightError as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return early.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has left. Python would complain about it once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except sqlite3.Error as failure:
        mend = "put a backup in its place (`restore`), or move it away; then `reconcile` with the venue"
        print(
            f"the ledger of {getattr(options, 'flow', None) or 'this flow'} cannot be read ({failure}); {mend}",
            file=sys.stderr,
        )
        return MoonlightError.exit_code
    except OSError as failure:
        where = failure.filename if failure.filename is not None else "a file"
        print(f"{where} cannot be used ({failure.strerror}); mend it, or name another", file=sys.stderr)
        return InputError.exit_code


def _bring_parts() -> None:
    with early.attending():
        all_parts = import_module("pipeline.verbs.all_parts")
    for sentence in all_parts.SWITCHED_OFF:
        print(sentence, file=sys.stderr)


class _Roomy(argparse.HelpFormatter):
    """Puts every verb, the longest too, on one line with what it does."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self._action_max_length = len("  ") + max(map(len, NAMES)) + len("  ")


def _parser(asked: str) -> argparse.ArgumentParser:
    """The parser of every verb; when one is asked for, only that one knows its options."""
    program = "moonlight" if "moonlight" in sys.modules else "python -m pipeline"
    parser = argparse.ArgumentParser(
        prog=program,
        description="A dataflow pipeline for fixed-time trading. `VERB --help` tells more of each verb.",
        epilog="exit codes: 0 ok, 1 the thing asked for failed, 2 the input was wrong",
        formatter_class=_Roomy,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in NAMES:
        if asked in NAMES and asked != name:
            verbs.add_parser(name)
            continue
        module = verb(name)
        summary, _, rest = (module.__doc__ or "").partition("\n\n")
        of_verb = verbs.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=rest.strip() or None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.options(of_verb)
        of_verb.set_defaults(run=module.run)
    return parser


brought_by(_bring_parts)

if __name__ == "__main__":
    sys.exit(main())
