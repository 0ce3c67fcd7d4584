"""List the accounts of a flow: what they log in with, where that is kept, and whether it would open now.

examples:
  python -m pipeline accounts list
  python -m pipeline accounts list --json
"""

import argparse
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.alerting.secrets import PART
from pipeline.errors import InputError
from pipeline.keys import logins_of
from pipeline.keys.profiles import Profile, profile_of, profiles
from pipeline.masking import shortened
from pipeline.plan import Plan
from pipeline.times import local_text
from pipeline.verbs.accounts_common import Owner, owners
from pipeline.verbs.common import json_option, say_json
from pipeline.verbs.planned import plan_of
from pipeline.verbs.stops import flow_of_account

COLUMNS = ("account", "at", "money", "login", "kept in", "stored", "opens")


def options(parser: argparse.ArgumentParser) -> None:
    flow_of_account(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = plan_of(options)
    rows = [*(_row(plan, owner) for owner in owners(plan)), *_left_over(plan)]
    if options.json:
        say_json(rows)
        return 0
    zone = ZoneInfo(plan.settings.display_timezone)
    texts = [COLUMNS, *(_texts(row, zone) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for line in texts:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    return 0


def _row(plan: Plan, owner: Owner) -> dict[str, Any]:
    row: dict[str, Any] = {
        "account": owner.account,
        "venue": owner.where,
        "money": owner.money,
        "currency": owner.currency,
        "login": None,
        "kept": None,
        "stored_at": None,
        "opens": None,
    }
    if not owner.fields:
        return row | {"opens": "needs none"}
    try:
        profile = profile_of(plan.base, owner.account)
        if profile is None:
            return row | {"opens": f"no: `accounts add {owner.account}` stores one"}
        row |= _facts(profile)
        logins_of(plan.base, owner.part).of(owner.account)
    except InputError as failure:
        return row | {"opens": f"no: {failure}"}
    return row | {"opens": "yes"}


def _facts(profile: Profile) -> dict[str, Any]:
    masked = {key: shortened(name) for key, name in profile.names.items()}
    return {"login": masked, "kept": profile.kept, "stored_at": profile.stored_at}


def _left_over(plan: Plan) -> Iterator[dict[str, Any]]:
    """Logins of accounts that this flow does not have."""
    known = {owner.account for owner in owners(plan)}
    try:
        for profile in profiles(plan.base):
            if profile.account not in known and profile.part != PART:
                facts = {"account": profile.account, "venue": None, "money": "", "currency": ""} | _facts(profile)
                yield facts | {"opens": "not asked: this flow has no such account"}
    except InputError:
        return  # whose it is says its own row


def _texts(row: dict[str, Any], zone: ZoneInfo) -> tuple[str, ...]:
    stored = "" if row["stored_at"] is None else local_text(row["stored_at"], zone)
    names: dict[str, str] = row["login"] or {}
    login = ", ".join(f"{key} {name}" for key, name in names.items())
    return row["account"], row["venue"] or "", row["money"], login, row["kept"] or "", stored, row["opens"]
