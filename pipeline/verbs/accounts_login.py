"""Store another login of an account, or give a one-time code for the login it has.

examples:
  python -m pipeline accounts login demo-1
  python -m pipeline accounts login demo-1 --otp
  python -m pipeline accounts login demo-1 --vault

An engine that was not let in tries again within seconds. With `--otp` only the code is asked for: it is handed out
for 90 seconds, so give it while the engine runs, or just before. What a code is made from is never asked for.
"""

import argparse

from pipeline.errors import InputError
from pipeline.keys.keeping import keep, store_of
from pipeline.keys.profiles import Kept, Profile, profile_of
from pipeline.secret import Login
from pipeline.verbs.accounts_common import (
    Owner,
    asked,
    is_running,
    options_of_login,
    otp_option,
    owner_of,
    place_of,
    private,
)
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    options_of_login(parser)
    otp_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    owner = owner_of(plan, options.account)
    before = profile_of(plan.base, owner.account)
    if before is None:
        raise InputError(f"{owner.account} has no login yet; store one with `accounts add {owner.account}`")
    private()
    kept: Kept = options.kept or before.kept
    codes = tuple(field for field in owner.fields if field.kind == "code")
    if options.otp and not codes:
        raise InputError(f"{owner.part} takes no one-time code; leave --otp out")
    store_of(plan.base, kept).unlock(ask=True)  # before anybody types anything in vain
    if options.otp:
        old = store_of(plan.base, before.kept)
        old.unlock(ask=True)
        secrets = old.take(before.entry, _lasting(before))
        login = Login(before.names, secrets | dict(asked(owner, options, codes).secrets))
    else:
        login = asked(owner, options, [field for field in owner.fields if field.kind != "code"], before.names)
    keep(plan.base, owner.account, owner.part, kept, login, tuple(field.name for field in codes if options.otp))
    print(_said(owner, kept, otp=options.otp))
    if is_running(plan):
        print("an engine runs on this flow: it tries the login within seconds")
    return 0


def _lasting(profile: Profile) -> list[str]:
    return [name for name in profile.secrets if name not in profile.codes]


def _said(owner: Owner, kept: Kept, *, otp: bool) -> str:
    if otp:
        return f"{owner.account}: the code is there for 90 s"
    return f"{owner.account}: its new login is in {place_of(kept)}; try it with `accounts test {owner.account}`"
