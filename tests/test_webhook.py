"""Tips posted over HTTP, on loopback, to a flow that runs."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from pipeline.__main__ import main
from pipeline.checking import load_text
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.journal import read_lines
from pipeline.private import kept_token
from pipeline.times import DAY, MINUTE, SECOND, utc_text
from pipeline.trying import NoRecords
from pipeline.values import Past, Tips
from sources.webhook import AT_ONCE, LARGEST, Posted, Webhook
from tests.support import MONDAY, ROOT, SMALL

FLOW = (
    SMALL.replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "signal_list"\nfrom = "hook"')
    + '\n[sources.hook]\nuse = "webhook"\nport = 0\nvalid_for = "10m"\nper_minute = 60\n'
)
CALL = {"product": "EURUSD", "direction": "call", "timeframe": "M1"}


class Line:
    """A caller with the token, and what the flow heard."""

    def __init__(self, url: str, token: str, session: ClientSession, heard: list[Tips]) -> None:
        self.url, self.heard = url, heard
        self._token, self._session = token, session

    async def post(self, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {"Authorization": f"Bearer {self._token}"} | headers
        async with self._session.post(self.url, data=raw, headers=said) as answer:
            return answer.status, await answer.json()

    async def ask(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        url = self.url.removesuffix("/tips") + path
        async with self._session.request(method, url, headers={"Authorization": f"Bearer {self._token}"}) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def attached(folder: Path, text: str) -> AsyncGenerator[Line]:
    """A flow on the loop's own clock that began on MONDAY, and a caller of its webhook."""
    plan = load_text(text, "flows.toml", folder)
    heard: list[Tips] = []

    def told(_: str, value: Any) -> None:
        if isinstance(value, Tips):
            heard.append(value)

    setting = Setting(mode="paper", begin=MONDAY, outside=("source",))
    async with running(plan, setting, NoRecords(), Past((), {}), taps=(told,)) as flow, ClientSession() as session:
        where = plan.folder / "webhook.url"
        while not where.exists():
            if flow.ended.done():
                flow.ended.result()
            await flow.border.until(flow.border.now() + 1)
        yield Line(where.read_text().strip(), kept_token(plan.folder / "webhook.token"), session, heard)


def over(folder: Path, talk: Callable[[Line], Awaitable[None]], text: str = FLOW) -> None:
    async def whole() -> None:
        async with attached(folder, text) as line:
            await talk(line)

    asyncio.run(whole())


def test_a_tip_that_is_posted_enters_the_flow(tmp_path: Path) -> None:
    async def talk(line: Line) -> None:
        status, said = await line.post(CALL)
        assert status == 202
        (tips,) = line.heard
        assert (tips.product, tips.score.tolist(), tips.tf.tolist()) == ("EURUSD", [1.0], [MINUTE])
        assert said["as_of"] == utc_text(int(tips.as_of[0]))
        assert said["valid_until"] == utc_text(int(tips.valid_until[0]))
        assert MONDAY < tips.as_of[0] < MONDAY + MINUTE

    over(tmp_path, talk)


WRONG = {
    b"": "cannot take that (Input data was truncated); send something like",
    b"[]": "cannot take that (Expected `object`, got `array`); send something like",
    b"{}": "cannot take that (Object missing required field `product`); send something like",
    b'{"product": "EURUSD", "directoin": "call"}': "cannot take that (Object contains unknown field `directoin`)",
    b"[" * 4000: "cannot take that (",
    b'{"product": "EURUSS", "direction": "call"}': "this flow has no product 'EURUSS'; did you mean 'EURUSD'?",
    b'{"product": "EURUSD"}': "a tip has either a direction or a score; write call or put, or a number from -1 to 1",
    b'{"product": "EURUSD", "direction": "left"}': "'left' is no direction; write call or put",
    b'{"product": "EURUSD", "score": 2}': "the score is 2.0; write a number from -1 (put) to 1 (call) that is not 0",
    b'{"product": "EURUSD", "score": 1, "timeframe": "M7"}': "'7m' does not divide a day into whole slots",
    b'{"product": "EURUSD", "score": 1, "as_of": "soon"}': "'soon' is not a moment; write it like",
    b'{"product": "EURUSD", "score": 1, "as_of": 99999999999999999999}': "as_of is more than a day from now",
    b'{"product": "EURUSD", "score": 1, "as_of": -99999999999999999999}': "as_of is more than a day from now",
    b'{"product": "EURUSD", "score": 1, "valid_for": "a bit"}': "'a bit' is not a duration; write a number and a unit",
    b'{"product": "EURUSD", "score": 1, "valid_for": "9999d"}': "the tip would hold for more than a day; post it again",
    b'{"product": "EURUSD", "score": 1, "valid_until": 1}': "the tip ends before it begins; write a valid_until",
    b'{"product": "EURUSD", "score": 1, "valid_for": "1m", "valid_until": 1}': "a tip has either valid_until or",
}


def test_a_body_that_is_no_tip_is_told_why_and_enters_nothing(tmp_path: Path) -> None:
    async def talk(line: Line) -> None:
        for body, sentence in WRONG.items():
            status, said = await line.post(body)
            assert status == 422
            assert said["error"].startswith(sentence), said
        assert line.heard == []

    over(tmp_path, talk, FLOW.replace("per_minute = 60", "per_minute = 6000"))


def test_only_who_can_read_the_token_is_let_in(tmp_path: Path) -> None:
    async def talk(line: Line) -> None:
        assert await line.post(CALL, Authorization="Bearer guess") == (
            401,
            {"error": "send 'Authorization: Bearer' with the text of webhook.token"},
        )
        status, said = await line.post(CALL, Host="example.com")
        assert (status, said["error"].split(";")[1]) == (421, " use one of these")
        status, said = await line.post(CALL, Origin="http://example.com")
        assert (status, said["error"].split(";")[1]) == (403, " post from a program")
        assert line.heard == []

    over(tmp_path, talk)


def test_what_is_no_post_of_a_small_body_to_its_path_is_told_so(tmp_path: Path) -> None:
    async def talk(line: Line) -> None:
        status, said = await line.ask("GET", "/tips")
        assert (status, said["error"][:23]) == (405, "this takes POST only; s")
        assert await line.ask("POST", "/") == (404, {"error": "there is nothing here; post to /tips"})
        status, said = await line.post(b" " * (LARGEST + 1))
        assert (status, said["error"][:40]) == (413, "the body is larger than 4096 bytes; send")

    over(tmp_path, talk)


def test_more_than_its_rate_is_refused(tmp_path: Path) -> None:
    async def talk(line: Line) -> None:
        answers = [(await line.post(CALL))[0] for _ in range(AT_ONCE + 5)]
        assert answers[:AT_ONCE] == [202] * AT_ONCE
        assert 429 in answers[AT_ONCE:]
        assert len(line.heard) == answers.count(202)

    over(tmp_path, talk)


# --- when a tip counts -----------------------------------------------------------------------------------------------


def test_a_tip_counts_from_when_it_came_if_its_moment_has_passed() -> None:
    hook, now = Webhook(), MONDAY
    posted = Posted("EURUSD", "call", as_of=utc_text(now - 20 * SECOND))
    tip = hook.tip(posted, now)
    assert (tip.as_of, tip.valid_until) == (now + 1, now + 10 * SECOND)
    stale = hook.tip(Posted("EURUSD", "call", as_of=utc_text(now - MINUTE)), now)
    assert stale.valid_until < stale.as_of, "it enters all the same: its bar shall say that it was stale"


def test_a_moment_is_text_or_seconds_or_milliseconds() -> None:
    hook = Webhook(timezone="Europe/Istanbul")
    later = MONDAY + MINUTE
    for said in ("2026-01-05T13:01:00", "2026-01-05T10:01:00Z", later, later // SECOND):
        assert hook.tip(Posted("EURUSD", "put", as_of=said), MONDAY).as_of == later
    with pytest.raises(ValueError, match="as_of is more than a day from now"):
        hook.tip(Posted("EURUSD", "put", as_of=MONDAY + DAY + 1), MONDAY)


# --- its files and its port ------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="elsewhere files have no such mode")
def test_the_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "webhook.token"
    token = kept_token(path)
    assert kept_token(path) == token
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(InputError, match=r"webhook\.token can be read by others; remove it, and a new one is made"):
        kept_token(path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(InputError, match=r"webhook\.token holds no token of 32 letters or more; remove it"):
        kept_token(path)


def test_a_port_that_is_taken_ends_the_flow_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = FLOW.replace("port = 0", f"port = {port}")
        with pytest.raises(
            InputError, match=rf"the webhook cannot listen on 127\.0\.0\.1:{port} \(.*\); choose another"
        ):
            over(tmp_path, _nothing, text)


async def _nothing(_: Line) -> None: ...


def test_in_a_replay_it_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "flows.toml"
    path.write_text(FLOW, encoding="utf-8")
    assert main(["replay", str(path), "--for", "30m"]) == 0
    assert not (tmp_path / "data" / "webhook.url").exists()


# --- a whole run -----------------------------------------------------------------------------------------------------


def test_a_tip_posted_to_a_run_is_decided_on_recorded_and_verified(tmp_path: Path) -> None:
    path = tmp_path / "flows.toml"
    path.write_text(FLOW.replace('start = "2026', 'speed = 300\nstart = "2026'), encoding="utf-8")
    command = [sys.executable, "-m", "pipeline", "run", str(path), "--json", "--for", "60s", "--record"]
    scores: list[float] = []
    with subprocess.Popen(
        [*command, str(tmp_path / "session")], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as run:
        assert run.stdout is not None
        posted = False
        for line in run.stdout:
            said = json.loads(line)
            if not posted and said["what"] == "status":
                _post(tmp_path / "data")
                posted = True
            if said["what"] == "decision" and said["score"] and said["score"] > 0:
                scores.append(said["score"])
                run.terminate()
        assert run.wait(30) == 0
    assert scores, "a bar was decided on what was posted"
    entered = [line for line in read_lines(tmp_path / "session") if line.type == "Tips"]
    assert [line.value["score"] for line in entered] == [[1.0]]
    assert main(["verify", str(tmp_path / "session")]) == 0


def _post(folder: Path) -> None:
    url, token = (folder / "webhook.url").read_text().strip(), (folder / "webhook.token").read_text()
    request = urllib.request.Request(  # noqa: S310  # our own address on loopback
        url, json.dumps(CALL).encode(), {"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
        assert answer.status == 202
