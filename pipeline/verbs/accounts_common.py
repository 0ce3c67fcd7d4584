"""What the verbs of accounts have in common: whose login it is, and how it is asked for."""

import argparse
import getpass
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputError
from pipeline.keys import logins_of
from pipeline.keys.passphrases import at_terminal
from pipeline.keys.profiles import Kept
from pipeline.live import LOCK_FILE
from pipeline.locking import locked
from pipeline.plan import Node, Plan
from pipeline.secret import LoggingIn, Login, LoginField, Secret
from pipeline.tables import nearest
from pipeline.verbs.stops import flow_of_account

LONGEST = 4096
"""Letters of a secret or a name."""
SPELT_OUT = ("--password", "--token", "--secret", "--passphrase", "--api-key")
"""Options that would show a secret to whoever looks at the commands of this machine."""


class Owner(NamedTuple):
    """Somebody who logs in: an account of the flow, or a source that has one."""

    account: str
    node: Node
    money: str
    currency: str
    fields: tuple[LoginField, ...]

    @property
    def part(self) -> str:
        return self.node.part.name

    @property
    def where(self) -> str:
        return self.node.id.split(".", 1)[1]


def options_of_login(parser: argparse.ArgumentParser) -> None:
    """The options of verbs that store a login."""
    parser.add_argument("account", metavar="ACCOUNT", help="an account of the flow")
    flow_of_account(parser)
    parser.add_argument(
        "--name", action="append", default=[], metavar="KEY=TEXT", help="what is no secret, as in username=ada"
    )
    parser.add_argument("--stdin", action="store_true", help="read the secrets from the standard input, a line each")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--vault", dest="kept", action="store_const", const="vault", help="keep it in an encrypted file")
    where.add_argument("--keyring", dest="kept", action="store_const", const="keyring", help="in the system's keyring")
    refused_options(parser)


def refused_options(parser: argparse.ArgumentParser) -> None:
    for name in SPELT_OUT:
        parser.add_argument(name, dest="spelt_out", help=argparse.SUPPRESS, action=_Refused, nargs="?")


def otp_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--otp", action=_Code, nargs="?", default=False, help="ask for a one-time code too")


class _Refused(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        del namespace, values
        seen = "the shell's history and other programs see what is part of a command"
        parser.error(f"{option_string} is not taken: {seen}; leave it out and you are asked, or use --stdin")


class _Code(_Refused):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        if values is not None:
            super().__call__(parser, namespace, values, f"a code behind {option_string}")
        namespace.otp = True


def owners(plan: Plan) -> Iterator[Owner]:
    """All who log in somewhere in a flow, and accounts that need not."""
    for name, account in plan.accounts.items():
        node = plan.by_id[f"venues.{account.venue}"]
        yield Owner(name, node, account.money, account.currency, _fields(node.instance))
    for node in (*plan.of("source"), *plan.of("sink")):
        name = getattr(node.instance, "account", "")
        if isinstance(name, str) and name and _fields(node.instance) and name not in plan.accounts:
            yield Owner(name, node, "", "", _fields(node.instance))


def owner_of(plan: Plan, account: str) -> Owner:
    """Whose login that is; `InputError` when nobody is called so, or logs in."""
    found = somebody(plan, account)
    if not found.fields:
        raise InputError(f"{account} is at {found.where}, where nobody logs in; there is nothing to store")
    return found


def somebody(plan: Plan, account: str) -> Owner:
    """Who that is, whether they log in or not; `InputError` when nobody is called so."""
    known = {each.account: each for each in owners(plan)}
    found = known.get(account)
    if found is None:
        raise InputError(f"there is no account {account!r}; {nearest(account, known)}")
    return found


def asked(
    owner: Owner, options: argparse.Namespace, fields: Sequence[LoginField], before: Mapping[str, str] | None = None
) -> Login:
    """A login as somebody gives it: names by option or at the terminal, secrets at the terminal or a line each."""
    given = _given(owner, options.name)
    if not options.stdin and not at_terminal():
        raise InputError("there is no terminal to ask at; give the secrets with --stdin, a line each")
    names: dict[str, str] = {}
    secrets: dict[str, Secret] = {}
    for field in fields:
        if field.kind == "name":
            names[field.name] = _checked(field, given.get(field.name) or _name(owner, field, options, before or {}))
        else:
            secrets[field.name] = Secret(_checked(field, _secret(owner, field, options)))
    if options.stdin and sys.stdin.readline():
        raise InputError(f"there are more lines than secrets; {owner.part} asks for {_listed(secrets)}")
    return Login(names, secrets)


def unlock(plan: Plan) -> None:
    """Open the logins of a flow before it begins: a passphrase is asked for now or never.

    What does not open is said, and the flow goes on without these accounts: they are not let in until it does.
    """
    said: dict[str, None] = {}
    for owner in owners(plan):
        try:
            if owner.fields:
                logins_of(plan.base, owner.part).unlock(owner.account)
        except InputError as failure:
            said[str(failure)] = None
    for sentence in said:
        print(sentence, file=sys.stderr)


def unlock_source(instance: Any, part: str, base: Path) -> None:
    """The same for a source alone, which has to be let in."""
    account = getattr(instance, "account", "")
    if account and _fields(instance):
        logins_of(base, part).unlock(account)


def is_running(plan: Plan) -> bool:
    """Whether an engine runs on the flow."""
    path = plan.folder / LOCK_FILE
    if not path.exists():
        return False
    with locked(path, 0o600) as ours:
        return not ours


def place_of(kept: Kept) -> str:
    return "the vault profiles/logins.vault" if kept == "vault" else "the keyring of the system"


def _fields(instance: Any) -> tuple[LoginField, ...]:
    return instance.login_fields if isinstance(instance, LoggingIn) else ()


def _given(owner: Owner, pairs: Sequence[str]) -> dict[str, str]:
    """Names from options; a secret there is refused without being said again."""
    known = {field.name: field for field in owner.fields}
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or key not in known:
            names = [name for name, field in known.items() if field.kind == "name"]
            raise InputError(f"--name takes KEY=TEXT; {owner.part} knows {_listed(names)}")
        if known[key].kind != "name":
            raise InputError(f"{key} is a secret and no part of a command; leave it out and you are asked")
        found[key] = text
    return found


def _name(owner: Owner, field: LoginField, options: argparse.Namespace, before: Mapping[str, str]) -> str:
    known = before.get(field.name, "")
    if options.stdin:
        if known:
            return known
        raise InputError(f"{owner.part} needs {field.name} ({field.what}); give it with --name {field.name}=…")
    sys.stderr.write(f"{owner.account}: {field.what}{f' [{known}]' if known else ''}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or known


def _secret(owner: Owner, field: LoginField, options: argparse.Namespace) -> str:
    if options.stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return getpass.getpass(f"{owner.account}: {field.what} (not shown): ", sys.stderr)


def _checked(field: LoginField, text: str) -> str:
    if not text:
        raise InputError(f"no {field.name} was given; nothing was stored")
    if len(text) > LONGEST or not text.isprintable():
        raise InputError(f"{field.name} is longer than {LONGEST} letters or has some that nobody types; copy it again")
    return text


def _listed(names: Sequence[str] | Mapping[str, Any]) -> str:
    return ", ".join(names) or "none"


def private() -> None:
    """What is written from here on is for its owner alone."""
    os.umask(0o077)
