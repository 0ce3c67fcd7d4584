"""Text without secrets and without people's folders; accounts under other names where that is asked for."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.errors import InputError, MoonlightError
from pipeline.keys import logins_of
from pipeline.keys.profiles import profile_of
from pipeline.keys.searching import CALLED, HARMLESS, LONGEST, LOOKING
from pipeline.masking import SHORTEST, forms, masked
from pipeline.plan import Plan
from pipeline.secret import MASK, PRACTISED, LoggingIn, Secret, revealed

NAMED_LIKE_ONE = re.compile(r"token|passw|passphrase|secret|api_?key|private_?key|credential|webhook", re.IGNORECASE)
URL = re.compile(r"\b(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[^\s\"'<>\\]+)", re.IGNORECASE)
SHOWN = ("http", "https", "ws", "wss", "redis", "rediss")
"""Of addresses of these the host is shown; what follows it, or stands in any other, may be a key."""


class Leak(MoonlightError):
    """A secret would have left: nothing is written."""


class Redactor:
    """Takes out of texts what must not leave, and counts it by where it stood."""

    def __init__(self, plan: Plan, *, pseudonyms: bool) -> None:
        self._known = tuple(sorted(set(_known(plan)), key=len, reverse=True))
        for each in self._known:
            Secret(each).reveal()  # whoever masks knows it from here on, in each form
        self.unopened = tuple(_opened(plan))
        """Accounts whose login could not be opened here; what is locked gives nothing away either."""
        self.names: Mapping[str, str] = _pseudonyms(plan) if pseudonyms else {}
        self._named = _words(self.names)
        self._folders = {str(plan.base.resolve()): "FLOW", str(Path.home()): "HOME"}
        self.counts: dict[str, Counter[str]] = {}

    def text(self, name: str, text: str) -> str:
        """A text as it may leave; `name` is the file that it will stand in."""
        counts = self.counts.setdefault(name, Counter())
        text = self.keyed(URL.sub(_address, text))
        clean = masked(text)
        counts["secrets"] += clean.count(MASK)
        for folder, word in self._folders.items():
            if len(folder) > 1:
                counts["folders"] += clean.count(folder)
                clean = clean.replace(folder, word)
        return self.renamed(name, clean)

    def renamed(self, name: str, text: str) -> str:
        """Accounts under their other names."""
        if self._named is None:
            return text
        renamed, times = self._named.subn(lambda match: self.names[match[0]], text)
        self.counts.setdefault(name, Counter())["account names"] += times
        return renamed

    def keyed(self, text: str) -> str:
        """Without what stands behind a word like `token`, whatever it looks like."""
        return CALLED.sub(_without_value, LOOKING.sub(MASK, text))

    def refuse_leaks(self, files: Mapping[str, bytes]) -> None:
        """The last look: whatever is known to be secret stands in none of these, in no form."""
        known = [each for secret in revealed() if not secret.startswith(PRACTISED) for each in forms(secret)]
        for name, content in files.items():
            text = content.decode("utf-8", "replace")
            if any(len(form) >= SHORTEST and form in text for form in known):
                raise Leak(f"{name} would still hold a secret, so nothing is written; tell whoever made this program")


def _known(plan: Plan) -> Iterator[str]:
    """What is secret by what it is called, or where it is kept."""
    base = plan.base
    for path in sorted({*base.glob("*.toml"), *base.glob(".env*"), *base.glob("*.env")}):
        text = _read(path)
        yield from (match["value"] for match in CALLED.finditer(text) if not HARMLESS.match(match["value"]))
        yield from (match[0] for match in LOOKING.finditer(text))
    for path in sorted(plan.folder.glob("*.token")):
        yield from filter(None, [_read(path).strip()])
    for name, value in os.environ.items():
        if NAMED_LIKE_ONE.search(name) and len(value) >= SHORTEST and not HARMLESS.match(value):
            yield value


def _opened(plan: Plan) -> Iterator[str]:
    """Open each login that opens without anybody being asked, so that its secrets are known; whose does not."""
    for node in (*plan.of("venue"), *plan.of("source"), *plan.of("sink")):
        if not isinstance(node.instance, LoggingIn) or not node.instance.login_fields:
            continue
        named = getattr(node.instance, "account", "")
        accounts = [name for name, each in plan.accounts.items() if f"venues.{each.venue}" == node.id]
        for account in accounts or filter(None, [named]):
            try:
                if profile_of(plan.base, account) is None:
                    continue
                for secret in logins_of(plan.base, node.part.name).of(account).secrets.values():
                    secret.reveal()
            except InputError:
                yield account


def _pseudonyms(plan: Plan) -> dict[str, str]:
    """Other names for the accounts, in the same order: what goes by the order of names goes on as it was."""
    width = len(str(len(plan.accounts)))
    return {name: f"account-{number:0{width}}" for number, name in enumerate(sorted(plan.accounts), 1)}


def _words(names: Mapping[str, str]) -> re.Pattern[str] | None:
    known = "|".join(re.escape(each) for each in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9])(?:{known})(?![A-Za-z0-9])") if known else None


def _address(match: re.Match[str]) -> str:
    scheme, rest = match["scheme"], match["rest"]
    if scheme.lower() not in SHOWN:
        return f"{scheme}://{MASK}"
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2].partition("?")[0].partition("#")[0]
    return f"{scheme}://{host}{slash}{MASK if len(path) >= SHORTEST or '?' in rest else path}"


def _without_value(match: re.Match[str]) -> str:
    value = match["value"]
    if HARMLESS.match(value) or value.startswith(MASK):
        return match[0]
    return match[0][: match.start("value") - match.start()] + MASK


def _read(path: Path) -> str:
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LONGEST or not os.access(path, os.R_OK):
        return ""
    return path.read_text(encoding="utf-8", errors="replace")
