"""What `doctor` finds of logins and venues: the keyring, the vault, profiles, secrets in the clear, permissions."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.checking import load
from pipeline.errors import InputError
from pipeline.keys import logins_of
from pipeline.keys.places import refuse_shared
from pipeline.keys.profiles import FOLDER, folder_of, profile_of
from pipeline.keys.rings import judged
from pipeline.keys.searching import in_the_clear
from pipeline.keys.vault import VAULT_FILE, vault_of
from pipeline.permission import UNSAID, permission_of
from pipeline.plan import Plan
from pipeline.verbs.accounts_common import Owner, owners
from pipeline.verbs.finding import Finding

NAMED = 10
"""How many places with a secret are named one by one."""


def of_keyring() -> Finding:
    found = judged()
    if found.backend is None:
        mend = "none that keeps a secret safe: give logins with `accounts add --vault`; practice accounts need none"
        return Finding("keyring", "note", found.name, mend)
    if found.unsafe:
        return Finding("keyring", "note", found.name, f"{', '.join(found.unsafe)} beside it is never given anything")
    return Finding("keyring", "ok", found.name)


def of_folder(folder: Path) -> Iterator[Finding]:
    """Of the vault, the profiles and the files of a folder."""
    folder = folder.resolve()
    yield from _vault(folder)
    yield from _profiles(folder)
    found = list(in_the_clear(folder))
    for path, line, key in found[:NAMED]:
        mend = "take it out, take it back at the venue, and store a new one with `accounts login`"
        yield Finding("secrets", "bad", f"{path.relative_to(folder)}:{line} has {key} in the clear", mend)
    if len(found) > NAMED:
        yield Finding("secrets", "bad", f"and {len(found) - NAMED} more places")
    if not found:
        yield Finding("secrets", "ok", "none in the clear in flow files, .env files and profiles")


def of_flow(flow: Path) -> Iterator[Finding]:
    """Of the accounts and the venues of a flow."""
    try:
        plan = load(flow)
    except InputError:
        yield Finding("accounts", "note", f"{flow.name} has mistakes", "`validate` names them")
        return
    known = list(owners(plan))
    yield from (_login(plan, owner) for owner in known if owner.fields)
    for node in plan.of("venue"):
        name, permission = node.id.split(".", 1)[1], permission_of(node.instance)
        state = "note" if permission == UNSAID else "ok"
        yield Finding("permission", state, f"{name}: {permission.sentence}")
    for name in sorted({owner.where for owner in known if owner.fields}):
        account = next(owner.account for owner in known if owner.where == name and owner.fields)
        mend = f"`accounts test {account}` asks it, and so does each engine that connects"
        yield Finding("clock", "note", f"how far {name}'s is from ours is not known here", mend)


def _login(plan: Plan, owner: Owner) -> Finding:
    try:
        if profile_of(plan.base, owner.account) is None:
            return Finding("login", "note", f"{owner.account} has none", f"`accounts add {owner.account}` stores one")
        logins_of(plan.base, owner.part).of(owner.account)
    except InputError as failure:
        what, _, mend = str(failure).partition("; ")
        return Finding("login", "bad", f"{owner.account}: {what}", mend)
    return Finding("login", "ok", f"{owner.account}'s opens")


def _vault(folder: Path) -> Iterator[Finding]:
    path = folder_of(folder) / VAULT_FILE
    if not path.exists():
        return
    try:
        vault = vault_of(folder_of(folder))
        vault.look()
        yield Finding("vault", "ok", f"{path.relative_to(folder)} is whole and ours alone")
    except InputError as failure:
        what, _, mend = str(failure).partition("; ")
        yield Finding("vault", "bad", what, mend)


def _profiles(folder: Path) -> Iterator[Finding]:
    if not folder_of(folder).is_dir():
        return
    amiss = 0
    for path in (folder_of(folder), *sorted(folder_of(folder).iterdir())):
        try:
            refuse_shared(path, folder=path.is_dir())
            if path.is_dir() and path != folder_of(folder):
                profile_of(folder, path.name)
        except InputError as failure:
            amiss += 1
            what, _, mend = str(failure).partition("; ")
            yield Finding("profiles", "bad", what, mend)
    if not amiss:
        yield Finding("profiles", "ok", f"{FOLDER}/ is ours alone")
    lines = (folder / ".gitignore").read_text(encoding="utf-8").split() if (folder / ".gitignore").is_file() else []
    if (folder / ".git").exists() and not {"profiles/", "/profiles/", "profiles"} & set(lines):
        yield Finding("profiles", "bad", "a repository here does not pass over them", "add profiles/ to .gitignore")
