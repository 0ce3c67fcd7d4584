"""Store what an account logs in with, for the first time.

examples:
  python -m pipeline accounts add demo-1
  python -m pipeline accounts add demo-1 --vault
  python -m pipeline accounts add demo-1 --name account_id=DOT90004580 --stdin < token

The venue of the account says what it asks for. Secrets go into the keyring of the system; where there is none that
keeps them safe, `--vault` keeps them in an encrypted file with a passphrase. Two accounts cannot have one login.
"""

import argparse

from pipeline.errors import InputError
from pipeline.keys.keeping import keep, store_of
from pipeline.keys.profiles import profile_of
from pipeline.permission import permission_of
from pipeline.verbs.accounts_common import asked, is_running, options_of_login, otp_option, owner_of, place_of, private
from pipeline.verbs.planned import plan_of


def options(parser: argparse.ArgumentParser) -> None:
    options_of_login(parser)
    otp_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    owner = owner_of(plan, options.account)
    if profile_of(plan.base, owner.account) is not None:
        raise InputError(f"{owner.account} has a login already; store another with `accounts login {owner.account}`")
    private()
    kept = options.kept or "keyring"
    store_of(plan.base, kept).unlock(ask=True)  # before anybody types anything in vain
    fields = [field for field in owner.fields if options.otp or field.kind != "code"]
    login = asked(owner, options, fields)
    codes = tuple(field.name for field in fields if field.kind == "code")
    keep(plan.base, owner.account, owner.part, kept, login, codes)
    print(f"{owner.account}: its login is in {place_of(kept)}; try it with `accounts test {owner.account}`")
    if owner.node.part.kind == "venue":
        print(f"on whose word one may trade there: {permission_of(owner.node.instance).sentence}")
    if is_running(plan):
        print("an engine runs on this flow: it tries the login within seconds")
    return 0
