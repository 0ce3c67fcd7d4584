"""No secret leaves this program: a flow with canaries for logins fails in every way there is, and nothing holds one.

Brokers that repeat what they are told, in every form, answer a real engine; it crashes, is killed, and is asked for
everything it can tell. Then all that it wrote is searched, by a search that knows nothing of how the program masks.
"""

import asyncio
import base64
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web

from pipeline import secret
from pipeline.keys.keeping import keep
from pipeline.keys.vault import CHEAPEST, Vault, vault_of
from pipeline.secret import MASK, VARIABLE, Login, Secret
from tests.support import ROOT

PATIENCE = 120
WORDS = "Canary-words of a vault/1+1"
CANARIES = {
    "the password of demo-1": "cAnArY-1/Pass+word=9 ü",
    "the access token of demo-1": "cAnArY1access.token_77~xyz",
    "the refresh token of demo-1": "cAnArY1refresh.token_77~xyz",
    "the password of demo-2": "cAnArY-2/Pass+word=9 ü",
    "the code of demo-2": "cAnArY2code",
    "the token of demo-3": "cAnArY3PAT0123456789",
    "the password of demo-4": "cAnArY-4/Pass+word=9 ü",
    "the vault's passphrase": WORDS,
}

FLOW = """\
[moonlight]
block = 64
plugins = ["clumsy.py"]

[accounts.demo-1]
venue = "echo"
money = "demo"

[accounts.demo-2]
venue = "gate"
money = "demo"

[accounts.demo-3]
venue = "deriv"
money = "demo"

[accounts.demo-4]
venue = "clumsy"
money = "demo"

[accounts.paper-1]
venue = "practice"

[venues.practice]
use = "practice"
payout = 0.9

[venues.clumsy]
use = "clumsy"
how = "HOW"

[venues.echo]
use = "http"
url = "URL/echo"
permission_page = "https://broker.example/terms"
jurisdiction = "whoever has an account may trade"
evidence = { lists = false }

[venues.gate]
use = "http"
url = "URL/gate"
permission_page = "https://broker.example/terms"
jurisdiction = "whoever has an account may trade"
evidence = { lists = false }

[venues.deriv]
use = "deriv"
url = "URL/deriv"
app_id = "12345"

[sources.market]
use = "synthetic"
products = ["EURUSD"]
start = "2026-01-05T10:00:00Z"
speed = 60

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

[features]
fast = { use = "sma", period = 2 }
slow = { use = "sma", period = 3 }

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[sinks.orders]
use = "executor"
from = [GUARDS]

[sinks.ledger]
use = "store"
from = [GUARDS, "orders"]
"""
GUARD = """
[risk.of-ACCOUNT]
use = "guard"
from = "main"
accounts = ["ACCOUNT"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"
"""
ACCOUNTS = ("demo-1", "demo-2", "demo-3", "demo-4", "paper-1")

CLUMSY = '''
"""A venue whose author says too much, whatever happens."""

import base64
import logging
import warnings
from typing import Literal

from reactivex import Observable, create

from pipeline.evidence import Standing, Trouble
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import venue
from pipeline.secret import LoginField
from pipeline.values import Ack, Order, Reject, Settlement


@venue
class Clumsy:
    """Opens its login and fails, telling of it."""

    how: Literal["talk", "raise", "leak"] = "talk"
    login_fields = (LoginField("password", "the password", "secret"),)

    def __call__(
        self, host: Host, orders: Observable[Order]
    ) -> Observable[Ack | Reject | Settlement | Standing | Trouble]:
        secret = logins_of(host.base).of("demo-4").secrets["password"]
        password = secret.reveal()
        logging.getLogger("clumsy").warning("logging in with %s and %r", password, secret)
        warnings.warn(f"the header was Basic {base64.b64encode(password.encode()).decode()}", stacklevel=1)
        print("the password is", password, password.encode().hex(), flush=True)
        if self.how == "leak":
            (host.folder / "notes.txt").write_text(password, encoding="utf-8")
        if self.how == "raise":
            raise ValueError(f"cannot log in with {password}")

        def subscribe(observer, scheduler=None):
            said = f"the broker said {password[:14]}… and otp={password}"
            observer.on_next(Trouble("demo-4", "rule", said, host.now()))
            observer.on_next(Standing("demo-4", "REFUSED", host.now(), f"the broker refuses {password[::-1]}"))

            def act():
                raise ValueError(f"the broker did not like {password}")

            if self.how == "leak":
                return host.at(host.now() + 30_000, act)

        return create(subscribe)
'''


# --- brokers that say what they are told -----------------------------------------------------------------------------


class Echo:
    """Brokers that answer with all they were told, and with whatever else they can know."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.enough = asyncio.Event()
        """Once the life that is killed has told of all failures but the last."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.seen[path] += 1
        if self.seen["/talk/echo/account"] == len(FAILURES):
            self.enough.set()
        told = KNOWN[path.split("/")[2]]
        said = f"{request.method} {path} {dict(request.headers)} {await request.text()} {told}"
        if path.endswith("/capabilities"):
            return web.json_response(CAPABILITIES)
        if path.endswith(("/echo/auth/login", "/echo/auth/refresh")):
            return web.json_response(TOKENS)
        if path.endswith("/gate/auth/login"):
            return web.json_response(wrong("bad_login", said), status=401)
        return FAILURES[(self.seen[path] - 1) % len(FAILURES)](said)


def wrong(code: str, said: str) -> dict[str, object]:
    """An error as either broker words it."""
    return {"error": {"code": code, "message": said, "token": said}, "errors": [{"code": code, "message": said}]}


FAILURES: tuple[Callable[[str], web.StreamResponse], ...] = (
    lambda said: web.json_response(wrong("oops", said), status=500),
    lambda said: web.json_response(wrong("throttled", said), status=429, headers={"Retry-After": "0"}),
    lambda said: web.Response(text=said, status=503, headers={"X-Said": quote(said)[:4000]}),
    lambda said: web.Response(text=f'{{"half": "{said}'),
    lambda said: web.Response(status=302, headers={"Location": f"/x?token={quote(said)[:4000]}"}),
    lambda said: web.json_response({"kind": said, "currency": said, "data": said}),
    lambda said: web.json_response(wrong(said[:80], said), status=400),
    lambda said: web.json_response({"kind": "demo", "currency": CANARIES["the access token of demo-1"]}),
)
TOKENS = {
    "access_token": CANARIES["the access token of demo-1"],
    "refresh_token": CANARIES["the refresh token of demo-1"],
    "expires_in": 900,
}
CAPABILITIES = {
    "contract": 1,
    "evidence": {"lists": False},
    "tie": "lose",
    "currencies": ["USD"],
    "durations": {"least": "1m", "most": "1h"},
    "stake": {"least": "0.50"},
    "permission_page": "https://broker.example/terms",
    "limits": [],
}


# --- searching -------------------------------------------------------------------------------------------------------


def forms(canary: str) -> dict[str, bytes]:
    """The forms that are searched for; nothing of the program is asked."""
    raw = canary.encode()
    found = {
        "itself": raw,
        "backwards": canary[::-1].encode(),
        "in an address": quote(canary, safe="").encode(),
        "in a form": quote_plus(canary).encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "json": json.dumps(canary)[1:-1].encode(),
        "utf-16": canary.encode("utf-16-le"),
        "UTF-16": canary.encode("utf-16-be"),
        "cut short": canary[:14].encode(),
        "backwards and cut short": canary[::-1][:14].encode(),
    }
    for shift in range(3):  # without the first and the last letters, which what stands beside it has a part in
        inner = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
        found[f"base64 {shift}"] = inner
        found[f"base64 {shift} for addresses"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def leaks(where: str, raw: bytes) -> Iterator[str]:
    for whose, canary in CANARIES.items():
        for form, text in forms(canary).items():
            if text in raw:
                yield f"{whose}, {form}, in {where}"


def searched(folder: Path) -> list[str]:
    """Every leak in every file under a folder, and in its name."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.name in ("clumsy.py", "logins.vault") or "__pycache__" in path.parts:
            continue
        found += leaks(f"the name of {path.name}", str(path).encode())
        if path.is_file():
            found += leaks(path.name, path.read_bytes())
    return found


def every_form(whose: str) -> str:
    """All that a broker could make of what somebody told it."""
    known = [text for name, text in CANARIES.items() if name.endswith(whose)]
    return " ".join(form.decode("utf-8", "replace") for each in known for form in forms(each).values())


KNOWN = {"echo": every_form("demo-1"), "gate": every_form("demo-2"), "deriv": every_form("demo-3")}
"""What each broker says of its own account's login, beside what it was told just now."""


# --- a flow that fails -----------------------------------------------------------------------------------------------


async def asked(folder: Path, *arguments: str, until: asyncio.Event | None = None) -> tuple[int, str]:
    """What a program ended with, and all that it said; `until`: it is killed then."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), VARIABLE: WORDS, "PYTHONWARNINGS": "default"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE):
        said = asyncio.ensure_future(process.communicate())
        if until is not None:
            await until.wait()
            process.kill()
        out, _ = await said
    return process.returncode or 0, out.decode("utf-8", "replace")


def prepared(folder: Path, url: str, how: str) -> Path:
    """A folder with the flow and the logins of its accounts."""
    folder.mkdir()
    text = FLOW.replace("URL", url).replace("HOW", how)
    text = text.replace("GUARDS", ", ".join(f'"risk.of-{account}"' for account in ACCOUNTS))
    text += "".join(GUARD.replace("ACCOUNT", account) for account in ACCOUNTS)
    (folder / "flows.toml").write_text(text, encoding="utf-8")
    (folder / "clumsy.py").write_text(CLUMSY, encoding="utf-8")

    def canary(whose: str) -> Secret:
        return Secret(CANARIES[whose])

    keep(folder, "demo-1", "http", "vault", Login({"username": "ada"}, {"password": canary("the password of demo-1")}))
    both = {"password": canary("the password of demo-2"), "otp": canary("the code of demo-2")}
    keep(folder, "demo-2", "http", "vault", Login({"username": "bob"}, both), codes=("otp",))
    keep(folder, "demo-3", "deriv", "vault", Login({"account_id": "DOT1"}, {"token": canary("the token of demo-3")}))
    keep(folder, "demo-4", "clumsy", "vault", Login({}, {"password": canary("the password of demo-4")}))
    return folder


class Aftermath(NamedTuple):
    """What is left of three lives, and of the questions that were asked about the first."""

    base: Path
    said: Mapping[str, tuple[int, str]]
    seen: Counter[str]
    answers: Mapping[str, int]
    """What each question ended with."""


QUESTIONS = (
    "report",
    "export decisions --out decisions.csv",
    "export orders --out orders.csv",
    "why --last --json",
    "logs --tail 100000",
    "logs --tail 100000 --json",
    "verify session",
    "accounts list --json",
    "doctor --json",
    "accounts test demo-1 --json",
    "accounts test demo-2",
    "accounts test demo-3",
)
ASKING = r"""
import sys
from pipeline.__main__ import main
for words in sys.argv[1:]:
    print(f"\n== {main(words.split())} {words}", flush=True)
"""


async def lived(base: Path) -> Aftermath:
    """Three lives beside each other, and questions about the first of them, which was killed."""
    echo = Echo()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", echo.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    folder = {how: prepared(base / how, f"{url}/{how}", how) for how in ("talk", "raise", "leak")}
    lives = {
        "talk": asked(folder["talk"], "-m", "pipeline", "run", "--json", "--record", "session", until=echo.enough),
        "raise": asked(folder["raise"], "-m", "pipeline", "run"),
        "leak": asked(folder["leak"], "-m", "pipeline", "run", "--record", "session"),
    }
    try:
        said = dict(zip(lives, await asyncio.gather(*lives.values()), strict=True))
        said["questions"] = await asked(folder["talk"], "-c", ASKING, *QUESTIONS)
    finally:
        await runner.cleanup()
    answers = re.findall(r"^== (\d) (.*)$", said["questions"][1], re.MULTILINE)
    return Aftermath(base, said, echo.seen, {words: int(code) for code, words in answers})


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Vault.__init__, "__defaults__", (CHEAPEST,))
        patch.setattr(secret, "_passphrase", [])
        patch.setenv(VARIABLE, WORDS)
        yield asyncio.run(lived(tmp_path_factory.mktemp("canary")))
        vault_of.cache_clear()


def test_the_lives_failed_in_every_way_and_said_so(aftermath: Aftermath) -> None:
    codes = {what: code for what, (code, _) in aftermath.said.items()}
    out = {what: text for what, (_, text) in aftermath.said.items()}
    assert codes == {"talk": -9, "raise": 1, "leak": 1, "questions": 0}, out["questions"][-2000:]
    for words in (
        "(network)",
        "(throttle)",
        "(maintenance)",
        "(format)",
        "(rule)",
        "demo-2 is REFUSED",
        f"with {MASK}",
    ):
        assert words in out["talk"]
    assert f"demo-4: the broker said {MASK}… and otp={MASK} (rule)" in out["talk"]
    assert f"demo-4 is REFUSED, nothing is sent: the broker refuses {MASK}" in out["talk"]
    assert out["raise"].endswith(f"ValueError: cannot log in with {MASK}\n")
    assert out["leak"].endswith(
        f"a venue or source failed (ValueError: the broker did not like {MASK}); the flow ended\n"
    )
    assert aftermath.seen["/talk/echo/account"] >= len(FAILURES)


def test_the_questions_were_answered(aftermath: Aftermath) -> None:
    failing = {words: code for words, code in aftermath.answers.items() if code}
    assert failing == {words: 1 for words in QUESTIONS if words.startswith("accounts test")}
    assert set(aftermath.answers) == set(QUESTIONS)


def test_nothing_that_was_written_or_said_holds_a_secret(aftermath: Aftermath) -> None:
    said = [leak for what, (_, out) in aftermath.said.items() for leak in leaks(what, out.encode())]
    assert said == []
    assert searched(aftermath.base / "talk") + searched(aftermath.base / "raise") == []


def test_a_part_that_writes_a_secret_into_a_file_is_found_out(aftermath: Aftermath) -> None:
    found = searched(aftermath.base / "leak")
    assert "the password of demo-4, itself, in notes.txt" in found
    assert [leak for leak in found if not leak.endswith("in notes.txt")] == []


@pytest.mark.parametrize("form", forms("any-secret-that-is-long"))
def test_the_search_finds_a_secret_in_every_form(tmp_path: Path, form: str) -> None:
    whose, text = next((whose, forms(each)[form]) for whose, each in CANARIES.items())
    (tmp_path / "file").write_bytes(b"before" + text + b"after")
    assert f"{whose}, {form}, in file" in searched(tmp_path)
