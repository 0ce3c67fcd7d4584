"""Ways out, against real servers on this machine: what arrives, what is tried again, and what nobody gets to see."""

import asyncio
import hmac
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import web

from pipeline.alerting import ways
from pipeline.alerting.posting import address, check_address
from pipeline.alerting.route import Alert, Letter, Route
from pipeline.alerting.secrets import AlertSecrets
from pipeline.alerting.ways import Way
from pipeline.connections.backoff import Profile
from pipeline.errors import InputError, MoonlightError
from pipeline.secret import Secret
from sinks.alerts.apprise import Apprise
from sinks.alerts.command import Command
from sinks.alerts.heartbeat import Heartbeat
from sinks.alerts.webhook import Webhook
from tests.loopback import rough, run, self_signed, serving
from tests.support import MONDAY

TOKEN = "cänary/T0ken+9-of-alerts"  # noqa: S105  # what is looked for
KILLED = Alert("KILL_SWITCH", "critical", "demo-1", "demo-1 is stopped", MONDAY, number=1)
ARMED = Alert("ARMED", "medium", "real-1", "real-1 is ARMED", MONDAY, number=2)


class Heard:
    """A server's word on what came: its answers in turn, the last one for all further requests."""

    def __init__(self, *answers: int, **headers: str) -> None:
        self.answers = list(answers) or [204]
        self.headers = headers
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.came = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path_qs, dict(request.headers), await request.read()))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.came.set()
        headers = {name.replace("_", "-"): text for name, text in self.headers.items()} if status >= 300 else {}
        return web.Response(status=status, headers=headers)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.requests]

    async def until(self, requests: int) -> None:
        while len(self.requests) < requests:
            self.came.clear()
            await self.came.wait()


class Engine:
    """An engine as ways know it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.flow, self.run = folder, "flows", 7
        self.facts: Mapping[str, object] | None = {"orders": 3}

    def alive(self) -> Mapping[str, object] | None:
        return self.facts

    def amiss(self) -> str:
        return "" if self.facts is not None else "what is due is not done"


class Outside:
    """A way out at work, with what it says of itself."""

    def __init__(self, route: Any, folder: Path, *alerts: Alert) -> None:
        self.engine = Engine(folder)
        self.said: list[str] = []
        self.way = Way("out", route, self.engine, AlertSecrets(folder), lambda _, why: self.said.append(why))
        for each in alerts:
            self.way.put(each)

    async def whole(self) -> list[str]:
        """Send what waits, and end; what it said of itself."""
        self.way.end()
        await self.way.attend()
        return self.said

    async def __aenter__(self) -> Self:
        self.work = asyncio.create_task(self.way.attend())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.work.cancel()
        await asyncio.gather(self.work, return_exceptions=True)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again without a pause worth the name."""
    monkeypatch.setattr(ways, "AGAIN", Profile(0.001, cap=0.002, jitter=0.0))
    monkeypatch.setattr(ways, "AT_THE_END", 0.001)


# --- webhook ----------------------------------------------------------------------------------------------------------


def test_a_webhook_posts_what_docs_say(tmp_path: Path) -> None:
    async def main() -> None:
        heard = Heard()
        async with serving(hook=heard.answer) as url:
            assert await Outside(Webhook(url=f"{url}/hook"), tmp_path, KILLED, ARMED).whole() == []
        (body,) = heard.bodies
        ((_, headers, _),) = heard.requests
        assert headers["Content-Type"] == "application/json"
        assert headers["Idempotency-Key"] == "7-out-1"
        assert body | {"sent": 0} == {
            "moonlight": 1,
            "flow": "flows",
            "run": 7,
            "way": "out",
            "letter": 1,
            "try": 1,
            "sent": 0,
            "severity": "critical",
            "alerts": [
                {
                    "code": "KILL_SWITCH",
                    "severity": "critical",
                    "subject": "demo-1",
                    "text": "demo-1 is stopped",
                    "at": MONDAY,
                    "on": True,
                    "times": 1,
                    "lasted": 0,
                    "number": 1,
                },
                body["alerts"][1],
            ],
        }

    run(main())


def test_two_ways_to_one_address_are_told_apart_by_it(tmp_path: Path) -> None:
    async def main() -> None:
        heard = Heard()
        async with serving(hook=heard.answer) as url:
            for name in ("first", "the second"):
                outside = Outside(Webhook(url=f"{url}/hook"), tmp_path, KILLED)
                outside.way.name = name
                await outside.whole()
        assert [headers["Idempotency-Key"] for _, headers, _ in heard.requests] == ["7-first-1", "7-the%20second-1"]
        assert [each["way"] for each in heard.bodies] == ["first", "the second"]

    run(main())


def test_the_secret_is_in_the_address_the_header_and_the_signature_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soon: None
) -> None:
    for name in ("PLACE", "BEARER", "KEY"):
        monkeypatch.setenv(f"MOONLIGHT_ALERT_{name}", f"{TOKEN}-{name}" if name != "BEARER" else "plain-bearer-text-77")

    async def main() -> None:
        heard = Heard(500, 204)

        async def answer(request: web.Request) -> web.StreamResponse:
            return await heard.answer(request)

        app = web.Application()
        app.router.add_post("/{rest:.*}", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        route = Webhook(url=f"{url}/a/{{secret}}?b=1", secret="PLACE", bearer="BEARER", signed="KEY")  # noqa: S106
        outside = Outside(route, tmp_path, KILLED)
        try:
            said = await outside.whole()
        finally:
            await runner.cleanup()
        path, headers, body = heard.requests[1]
        assert path.startswith("/a/c%C3%A4nary/T0ken%2B9")
        assert headers["Authorization"] == "Bearer plain-bearer-text-77"
        signed = f"{headers['X-Moonlight-Timestamp']}.".encode() + body
        expected = hmac.digest(f"{TOKEN}-KEY".encode(), signed, "sha256").hex()
        assert headers["X-Moonlight-Signature"] == f"sha256={expected}"
        assert said == ["POST to 127.0.0.1 failed at the other end (500)", ""]
        assert TOKEN not in repr(route) + repr(outside.way) + body.decode()

    run(main())


def test_of_an_address_that_is_secret_as_a_whole_not_even_its_host_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soon: None
) -> None:
    monkeypatch.setenv("MOONLIGHT_ALERT_WHOLE", "https://eo7t0k3n9x2.localhost:1/")

    async def main() -> None:
        route = Webhook(url="{secret}", secret="WHOLE", gather="1ms")  # noqa: S106
        async with Outside(route, tmp_path, KILLED) as out:
            while not out.said:  # noqa: ASYNC110  # what a way says is looked at
                await asyncio.sleep(0.005)
        assert out.said[0].startswith("POST to the secret address ")
        assert "eo7t0k3n9x2" not in out.said[0]

    run(main())


def test_what_was_not_taken_is_sent_again_as_it_was_and_says_so(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        heard = Heard(500, 429, 503, 204)
        async with serving(hook=heard.answer) as url:
            said = await Outside(Webhook(url=f"{url}/hook"), tmp_path, KILLED).whole()
        assert [each["try"] for each in heard.bodies] == [1, 2, 3, 4]
        assert {each["letter"] for each in heard.bodies} == {1}
        assert len({headers["Idempotency-Key"] for _, headers, _ in heard.requests}) == 1
        assert len(said) == 2, "that it is broken is said once, and that it is not any more"
        assert said[1] == ""

    run(main())


def test_a_letter_without_anything_critical_is_given_up_and_counted(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        heard = Heard(*[500] * ways.TRIES, 204)
        async with (
            serving(hook=heard.answer) as url,
            Outside(Webhook(url=f"{url}/hook", gather="1ms"), tmp_path) as out,
        ):
            out.way.put(ARMED)
            await heard.until(ways.TRIES)
            out.way.put(KILLED)
            await heard.until(ways.TRIES + 1)
        last = heard.bodies[-1]
        assert [each["code"] for each in last["alerts"]] == ["KILL_SWITCH", "ALERTS_LOST"]
        assert last["try"] == 1

    run(main())


def test_critical_ones_are_sent_until_they_arrive(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        heard = Heard(*[500] * (ways.TRIES + 5), 204)
        async with serving(hook=heard.answer) as url:
            await Outside(Webhook(url=f"{url}/hook"), tmp_path, KILLED).whole()
        assert heard.bodies[-1]["try"] == ways.TRIES + 6

    run(main())


def test_whoever_says_how_long_to_wait_is_waited_for(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        heard = Heard(429, 204, Retry_After="1")
        loop = asyncio.get_running_loop()
        async with (
            serving(hook=heard.answer) as url,
            Outside(Webhook(url=f"{url}/hook", gather="1ms"), tmp_path) as out,
        ):
            out.way.put(KILLED)
            await heard.until(1)
            first = loop.time()
            await heard.until(2)
            assert loop.time() - first > 0.9

    run(main())


def test_one_who_waits_does_not_wait_when_the_engine_ends(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        heard = Heard(429, 204, Retry_After="600")
        async with (
            serving(hook=heard.answer) as url,
            Outside(Webhook(url=f"{url}/hook", gather="1ms"), tmp_path) as out,
        ):
            out.way.put(KILLED)
            await heard.until(1)
            out.way.end()
            await heard.until(2)
            await out.work

    run(main())


async def _silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _hangs_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    return


async def _babbles(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff" * 400 + b"\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("serve", "sentence"),
    [
        (_silent, "POST to 127.0.0.1 got no answer within 0.2 s"),
        (_hangs_up, "POST to 127.0.0.1 lost the connection"),
        (_babbles, "POST to 127.0.0.1 got an answer that is not HTTP"),
    ],
)
def test_a_server_that_misbehaves_is_told_of_in_a_sentence(
    tmp_path: Path, soon: None, serve: Any, sentence: str
) -> None:
    async def main() -> None:
        async with (
            rough(serve) as url,
            Outside(Webhook(url=f"{url}/x", timeout="200ms", gather="1ms"), tmp_path) as out,
        ):
            out.way.put(KILLED)
            while not out.said:  # noqa: ASYNC110  # what a way says is looked at
                await asyncio.sleep(0.005)
        assert out.said[0] == sentence

    run(main())


def test_nothing_is_followed_to_another_place(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        elsewhere = Heard()
        async with serving(stolen=elsewhere.answer) as other:
            heard = Heard(307, Location=f"{other}/stolen")
            async with (
                serving(hook=heard.answer) as url,
                Outside(Webhook(url=f"{url}/hook", gather="1ms"), tmp_path) as out,
            ):
                out.way.put(KILLED)
                await heard.until(2)
        assert elsewhere.requests == []
        assert out.said[0] == "POST to 127.0.0.1 was sent elsewhere, which is not followed"

    run(main())


def test_who_cannot_prove_who_they_are_is_told_nothing(tmp_path: Path, soon: None) -> None:
    async def main() -> None:
        heard = Heard()
        async with (
            serving(self_signed(tmp_path), hook=heard.answer) as url,
            Outside(Webhook(url=f"{url}/hook", gather="1ms"), tmp_path) as out,
        ):
            out.way.put(KILLED)
            while not out.said:  # noqa: ASYNC110  # what a way says is looked at
                await asyncio.sleep(0.005)
        assert heard.requests == []
        assert "prove who they are (TLS)" in out.said[0]

    run(main())


def test_a_secret_that_is_missing_is_told_and_taken_once_it_is_there(
    tmp_path: Path, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        heard = Heard()
        async with serving(hook=heard.answer) as url:
            route = Webhook(url="{secret}", secret="later", gather="1ms")  # noqa: S106
            async with Outside(route, tmp_path) as out:
                out.way.put(KILLED)
                while not out.said:  # noqa: ASYNC110  # what a way says is looked at
                    await asyncio.sleep(0.005)
                assert out.said == ["there is no secret 'later'; store it with `alerts secret later`"]
                (tmp_path / "credentials").mkdir()
                (tmp_path / "credentials" / "moonlight-alert-later").write_text(f"{url}/hook\n")
                monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
                await heard.until(1)

    run(main())


@pytest.mark.parametrize(
    ("url", "secret", "why"),
    [
        ("example.com/alerts", "", "is not an address"),
        ("ftp://example.com/alerts", "", "is not an address"),
        ("http://example.com/alerts", "", "would send in the clear to example.com"),
        ("https://ada:pw@example.com/", "", "looks like a password or a token"),
        ("https://hooks.example.com/services/T01ABCDEF/B01ABCDEF/x8Kq2LmN4pQr6StU", "", "looks like a password or"),
        ("https://hc.example.com/5e1b0a0e-8a2c-4f6e-9c1d-1234567890ab", "", "looks like a password or a token"),
        ("https://example.com/{secret}", "", "belong together"),
        ("https://example.com/x", "name", "belong together"),
        ("https://{secret}.example.com/x", "name", "is not an address"),
    ],
)
def test_an_address_that_nothing_may_be_sent_to_is_refused_with_the_file(url: str, secret: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        check_address("url", url, secret)
    assert "x8Kq2LmN4pQr6StU" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://example.com/alerts", "http://127.0.0.1:8080/a/b?c=d", "https://ntfy.example.com/my-own-topic"]
)
def test_an_address_without_a_secret_is_taken(url: str) -> None:
    check_address("url", url, "")
    assert str(address(url, None)) == url


@pytest.mark.parametrize("stored", ["http://example.com/x", "no address", "https:///path"])
def test_a_secret_address_is_held_to_the_same_rules_and_is_not_shown(stored: str) -> None:
    with pytest.raises(InputError, match="the secret address is none that may be sent to") as refused:
        address("{secret}", Secret(stored))
    assert stored not in str(refused.value)


# --- heartbeat --------------------------------------------------------------------------------------------------------


def test_a_heartbeat_beats_while_the_engine_goes_on_and_says_why_when_it_does_not(tmp_path: Path) -> None:
    async def main() -> None:
        beats, fails = Heard(), Heard()
        async with serving(beat=beats.answer, fail=fails.answer) as url:
            route = Heartbeat(url=f"{url}/beat", fail_url=f"{url}/fail", path="alive.json", every="1s")
            async with Outside(route, tmp_path) as out:
                await beats.until(1)
                assert json.loads((tmp_path / "alive.json").read_text())["orders"] == 3
                out.engine.facts = None
                (tmp_path / "alive.json").unlink()
                await fails.until(1)
                assert fails.bodies[0]["amiss"] == "what is due is not done"
                assert not (tmp_path / "alive.json").exists(), "its age must grow"
                assert len(beats.requests) == 1
                out.engine.facts = {}
                await beats.until(2)

    run(main())


def test_a_heartbeat_of_an_engine_that_fails_says_so_before_it_ends(tmp_path: Path) -> None:
    async def main() -> None:
        beats, fails = Heard(), Heard()
        async with serving(beat=beats.answer, fail=fails.answer) as url:
            async with Outside(Heartbeat(url=f"{url}/beat", fail_url=f"{url}/fail", every="1h"), tmp_path) as out:
                await beats.until(1)
                out.engine.facts = None
                out.way.end()
                await out.work
            assert (len(beats.requests), len(fails.requests)) == (1, 1)

    run(main())


def test_a_heartbeat_of_an_engine_that_was_asked_to_end_just_stops(tmp_path: Path) -> None:
    async def main() -> None:
        beats, fails = Heard(), Heard()
        async with serving(beat=beats.answer, fail=fails.answer) as url:
            async with Outside(Heartbeat(url=f"{url}/beat", fail_url=f"{url}/fail", method="GET"), tmp_path) as out:
                await beats.until(1)
                out.way.end()
                await out.work
            assert (len(beats.requests), len(fails.requests)) == (1, 0)
            assert beats.requests[0][2] == b""

    run(main())


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"path": "x", "fail_url": "https://example.com"},
        {"url": "https://example.com", "every": "10ms"},
        {"path": "x", "secret": "name"},
    ],
)
def test_a_heartbeat_that_could_not_beat_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"url|every|secret"):
        Heartbeat(**keys)


# --- command ----------------------------------------------------------------------------------------------------------


def _program(*lines: str) -> tuple[str, ...]:
    return (sys.executable, "-c", "\n".join(lines))


def test_a_program_is_written_the_alerts(tmp_path: Path) -> None:
    target = tmp_path / "heard.json"
    program = _program("import sys", "open(sys.argv[1], 'w').write(sys.stdin.read())")

    async def main() -> None:
        assert await Outside(Command(run=(*program, str(target))), tmp_path, KILLED).whole() == []

    run(main())
    assert json.loads(target.read_text())["alerts"][0]["code"] == "KILL_SWITCH"


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (("/nowhere/at/all",), "/nowhere/at/all cannot be started (No such file or directory)"),
        (_program("raise SystemExit(3)"), f"{sys.executable} ended with 3: it has not taken the alerts"),
        (_program("import time", "time.sleep(60)"), f"{sys.executable} was not done within 300ms and was ended"),
    ],
)
def test_a_program_that_fails_or_hangs_is_told_of(tmp_path: Path, program: tuple[str, ...], why: str) -> None:
    async def main() -> None:
        route = Command(run=program, timeout="300ms")
        with pytest.raises(MoonlightError) as failed:
            await route(Once(tmp_path))
        assert why in str(failed.value)

    run(main())


# --- apprise ----------------------------------------------------------------------------------------------------------

LOADING = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""What Apprise tries to import where there still is such a module."""


@LOADING
def test_apprise_sends_by_one_of_its_own_services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        heard = Heard(200)
        async with serving(hook=heard.answer) as url:
            monkeypatch.setenv("MOONLIGHT_ALERT_PHONE", url.replace("http://", "json://") + "/hook")
            assert await Outside(Apprise(secret="phone"), tmp_path, KILLED, ARMED).whole() == []  # noqa: S106
        (body,) = heard.bodies
        assert body["title"] == "flows: ✖ KILL_SWITCH and 1 more"
        assert body["message"] == "✖ KILL_SWITCH demo-1 is stopped\n! ARMED real-1 is ARMED"
        assert body["type"] == "failure"

    run(main())


@LOADING
def test_apprise_gives_nothing_of_its_address_away_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        heard = Heard(500)
        async with serving(hook=heard.answer) as url:
            where = url.replace("http://", f"json://ada:{TOKEN.replace('/', '')}@") + "/hook"
            monkeypatch.setenv("MOONLIGHT_ALERT_PHONE", where)
            outlet = Once(tmp_path)
            with pytest.raises(MoonlightError) as failed:
                await Apprise(secret="phone")(outlet)  # noqa: S106
        assert str(failed.value).startswith("the service has not taken the alerts from Apprise")

    run(main())
    shown = "".join(capfd.readouterr())
    assert "nary" not in shown
    assert "ada" not in shown


@LOADING
def test_apprise_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with rough(_silent) as url:
            monkeypatch.setenv("MOONLIGHT_ALERT_PHONE", url.replace("http://", "json://") + "?rto=1&cto=1")
            with pytest.raises(MoonlightError, match="has not answered Apprise within 200ms"):
                await Apprise(secret="phone", timeout="200ms")(Once(tmp_path))  # noqa: S106

    run(main())


@LOADING
def test_an_address_that_apprise_does_not_know_is_told_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOONLIGHT_ALERT_PHONE", f"nosuchthing://{TOKEN}")

    async def main() -> None:
        with pytest.raises(InputError, match="none that Apprise knows") as failed:
            await Apprise(secret="phone")(Once(tmp_path))  # noqa: S106
        assert TOKEN not in str(failed.value)

    run(main())


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "tgram://123456789:abcdefg_hijklmnop/12315544/"},
        {"url": "mailto://ada:pw@example.com"},
        {"url": "json://ada:pw@localhost"},
        {"url": "json://localhost?token=abc"},
        {"secret": "tgram://123456789:abcdefg_hijklmnop/12315544/"},
        {"secret": "phone", "url": "syslog://"},
        {},
    ],
)
def test_an_address_with_a_secret_in_the_file_is_refused_with_how_to_store_it(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="alerts secret NAME") as refused:
        Apprise(**keys)
    assert "abcdefg_hijklmnop" not in str(refused.value)


@pytest.mark.parametrize("url", ["syslog://", "json://localhost:8080/hook", "dbus://"])
def test_an_address_of_this_machine_may_stand_in_the_file(url: str) -> None:
    assert Apprise(url=url).confidences == ()


class Once:
    """An outlet with one letter to send, whose route's failure is the test's."""

    def __init__(self, folder: Path) -> None:
        self.name, self.folder, self.flow, self.run = "out", folder, "flows", 7
        self._secrets = AlertSecrets(folder)
        self.alive: Callable[[], Mapping[str, object] | None] = dict
        self.amiss: Callable[[], str] = str

    async def letters(self) -> AsyncIterator[Letter]:
        yield Letter(1, (KILLED,))

    async def secret(self, name: str) -> Secret:
        return await self._secrets.of(name)

    async def wait(self, seconds: float) -> bool:
        return seconds > 0

    def works(self) -> None: ...

    def now(self) -> int:
        return MONDAY


def test_every_part_is_a_route() -> None:
    routes: tuple[Route, ...] = (
        Webhook(url="https://example.com"),
        Heartbeat(path="alive"),
        Command(run=("true",)),
        Apprise(url="syslog://"),
    )
    assert all(callable(each) for each in routes)
