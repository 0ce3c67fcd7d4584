"""Store a secret of a way out for alerts, or forget it: an address with a token in it, a key to sign with.

examples:
  python -m pipeline alerts secret phone
  python -m pipeline alerts secret phone --vault
  python -m pipeline alerts secret phone --stdin < address
  python -m pipeline alerts secret phone --remove

It is asked for and not shown, and is kept as logins are: in the keyring of the system, or with `--vault` in an
encrypted file. A service is better given it as the systemd credential moonlight-alert-NAME, or in the variable
MOONLIGHT_ALERT_NAME; these come before what is stored.
"""

import argparse
import getpass
import sys
from pathlib import Path

from pipeline.alerting.secrets import NAME, entry_of, store
from pipeline.errors import InputError
from pipeline.keys.keeping import forget, store_of
from pipeline.keys.passphrases import at_terminal
from pipeline.keys.profiles import profile_of
from pipeline.secret import Secret
from pipeline.verbs.accounts_common import LONGEST, place_of, private, refused_options
from pipeline.verbs.stops import flow_of_account


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("secret", metavar="NAME", help="the name that the flow file has in its place")
    flow_of_account(parser)
    parser.add_argument("--stdin", action="store_true", help="read it from the standard input, one line")
    parser.add_argument("--remove", action="store_true", help="forget it")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--vault", dest="kept", action="store_const", const="vault", help="keep it in an encrypted file")
    where.add_argument("--keyring", dest="kept", action="store_const", const="keyring", help="in the system's keyring")
    refused_options(parser)


def run(options: argparse.Namespace) -> int:
    """It needs no sound flow file: one that names a secret may be waiting for it."""
    name, base = options.secret, Path(options.flow).resolve().parent
    if not NAME.fullmatch(name):
        raise InputError("a secret's name is letters, digits, - and _; the secret itself is asked for")
    private()
    before = profile_of(base, entry_of(name))
    if options.remove:
        if before is None:
            raise InputError(f"there is no secret {name!r} to forget")
        forget(base, entry_of(name))
        print(f"{name}: forgotten")
        return 0
    kept = options.kept or (before.kept if before is not None else "keyring")
    store_of(base, kept).unlock(ask=True)  # before anybody types anything in vain
    store(base, name, Secret(_asked(name, stdin=options.stdin)), kept)
    print(f"{name}: it is in {place_of(kept)}; try it with `alerts test`")
    return 0


def _asked(name: str, *, stdin: bool) -> str:
    if stdin:
        text = sys.stdin.readline().rstrip("\r\n")
        if sys.stdin.readline():
            raise InputError("there is more than one line; a secret is one line")
    elif at_terminal():
        text = getpass.getpass(f"{name} (not shown): ", sys.stderr)
    else:
        raise InputError("there is no terminal to ask at; give the secret with --stdin, one line")
    if not text:
        raise InputError("nothing was given; nothing was stored")
    if len(text) > LONGEST or not text.isprintable():
        raise InputError(f"the secret is longer than {LONGEST} letters or has some that nobody types; copy it again")
    return text
