"""Who the control API lets in, and what it does with words that are no question."""

import asyncio
import gzip
import json
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.control.limits import CONNECTIONS, LARGEST_QUESTION, REQUESTS
from pipeline.control.settings import Api
from pipeline.errors import InputError
from pipeline.ledger import Ledger
from sinks.api.guarding import same_user
from sinks.api.listening import SOCKET_FILE, short
from tests.api_desks import Answer, Knocking, answer_of, knocking

ROUTES = ("/status", "/v1/status", "/workers", "/v1/products", "/nothing", "/ws", "/v1/ws?topic=alerts")


@pytest.mark.parametrize("path", ROUTES)
def test_a_name_pointed_at_this_machine_learns_nothing(tmp_path: Path, path: str) -> None:
    async def check(at: Knocking) -> None:
        for host in (
            "evil.example",
            f"evil.example:{at.port}",
            "127.0.0.1",
            f"localhost.:{at.port}",
            f"[::1]:{at.port}",
        ):
            answer = await at.ask("GET", path, Host=host)
            assert (answer.status, answer.code) == (421, "AUTH"), host

    knocking(tmp_path, check)


def test_a_page_of_another_site_is_refused_by_its_origin_and_by_what_the_browser_says(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        own = f"http://127.0.0.1:{at.port}"
        for origin in ("http://evil.example", "null", own + ".evil.example", f"https://127.0.0.1:{at.port}", "file://"):
            assert (await at.ask("GET", "/status", Origin=origin)).status == 403, origin
        for site in ("cross-site", "same-site", "x"):
            assert (await at.ask("GET", "/docs", Sec_Fetch_Site=site)).status == 403, site
        assert (await at.ask("GET", "/status", Origin=own, Sec_Fetch_Site="same-origin")).status == 200

    knocking(tmp_path, check)


def test_the_token_opens_by_either_header_and_by_nothing_else(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        assert (await at.ask("GET", "/status", Authorization="", X_API_Key=at.token)).status == 200
        wrong = (
            {"Authorization": ""},
            {"Authorization": f"Bearer {at.token[:-1]}"},
            {"Authorization": f"Bearer {at.token}0"},
            {"Authorization": f"bearer{at.token}"},
            {"Authorization": f"Basic {at.token}"},
            {"Authorization": "", "X_API_Key": at.token[1:]},
            {"Authorization": "Bearer no", "X_API_Key": at.token},
        )
        for headers in wrong:
            answer = await at.ask("GET", "/status", None, **headers)
            assert (answer.status, answer.code) == (401, "AUTH"), headers
        for path in (f"/status?token={at.token}", f"/status?access_token={at.token}", f"/ws?token={at.token}"):
            assert (await at.ask("GET", path, Authorization="")).status == 401, path
        assert (await at.ask("GET", "/status", Authorization="", Cookie=f"token={at.token}")).status == 401

    knocking(tmp_path, check)


def test_every_start_has_another_token(tmp_path: Path) -> None:
    tokens = list[str]()

    async def check(at: Knocking) -> None:
        tokens.append(at.token)

    knocking(tmp_path, check)
    knocking(tmp_path, check)
    assert len(set(tokens)) == 2
    assert {len(token) for token in tokens} == {64}


@pytest.mark.parametrize(
    "extra",
    [
        ("Host: evil.example",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("X: " + "a" * 20_000,),
        tuple(f"X-{number}: a" for number in range(500)),
        ("Authorization : Bearer x",),
        ("Bad\x00Name: x",),
    ],
)
def test_what_two_readers_could_read_differently_is_refused_by_both(tmp_path: Path, extra: tuple[str, ...]) -> None:
    async def check(at: Knocking) -> None:
        answer = await at.say(at.head("POST /killswitch", *extra) + b"0\r\n\r\n")
        assert (answer.status, answer.code) == (400, "VALIDATION")
        assert "Traceback" not in answer.body.decode()
        assert (await at.ask("GET", "/status")).status == 200

    knocking(tmp_path, check, switch=True)
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.latches() == []


@pytest.mark.parametrize(
    "words", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe\r\n\r\n", b"BREW /\r\n\r\n"]
)
def test_what_is_no_http_is_told_so_in_the_same_envelope(tmp_path: Path, words: bytes) -> None:
    async def check(at: Knocking) -> None:
        answer = await at.say(words)
        assert (answer.status, answer.code) == (400, "VALIDATION")

    knocking(tmp_path, check)


def test_a_body_that_never_ends_is_cut_off_at_the_limit(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        async with at.wire() as (reader, writer):
            head = at.head("POST /killswitch", "Content-Type: application/json", "Transfer-Encoding: chunked")
            writer.write(head)
            for _ in range(2 * LARGEST_QUESTION // 1024):
                writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
            answer = await answer_of(reader)
            assert (answer.status, answer.code) == (413, "VALIDATION")
        announced = at.head("POST /killswitch", "Content-Type: application/json", "Content-Length: 10000000")
        assert (await at.say(announced + b"{" * (LARGEST_QUESTION + 1))).status == 413

    knocking(tmp_path, check, switch=True)


def test_only_plain_json_is_a_question(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        for form in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json"):
            assert (await at.ask("POST", "/killswitch", b"{}", Content_Type=form)).status == 415, form
        packed = gzip.compress(b" " * 10_000_000 + b"{}")
        answer = await at.ask("POST", "/killswitch", packed, Content_Encoding="gzip")
        assert (answer.status, answer.code) == (415, "VALIDATION")

    knocking(tmp_path, check, switch=True)
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert ledger.latches() == []


def test_who_dribbles_headers_or_says_nothing_is_cut_off_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.api.handling.IDLE", 0.3)
    monkeypatch.setattr("sinks.api.server.IDLE", 0.3)

    async def check(at: Knocking) -> None:
        for first in (b"", b"GET /status HTTP/1.1\r\nHost: 127"):
            async with at.wire() as (reader, writer):
                writer.write(first)
                assert await asyncio.wait_for(reader.read(), 10) == b""
        async with at.wire() as (reader, writer):  # a second question on a connection that is kept
            writer.write(at.head("GET /status"))
            assert (await answer_of(reader)).status == 200
            writer.write(b"GET /status HTTP/1.1\r\n")
            assert await asyncio.wait_for(reader.read(), 10) == b""
        async with at.wire() as (reader, writer):
            writer.write(at.head("POST /killswitch", "Content-Type: application/json", "Content-Length: 20") + b"{")
            answer = await answer_of(reader)
            assert (answer.status, answer.code) == (408, "NETWORK")

    knocking(tmp_path, check, switch=True)


def test_too_many_questions_are_put_off_and_the_kill_switch_never(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        async with at.wire() as (reader, writer):
            answers = list[Answer]()
            for _ in range(2 * REQUESTS):
                writer.write(at.head("GET /status"))
                answers.append(await answer_of(reader))
            assert {answer.status for answer in answers[:REQUESTS]} == {200}
            assert (answers[-1].status, answers[-1].code) == (429, "THROTTLE")
            assert int(answers[-1].headers["Retry-After"]) >= 1
            kind = ("Content-Type: application/json", "Content-Length: 2")
            for path in ("/killswitch", "/kill", "/v1/killswitch"):
                writer.write(at.head(f"POST {path}", *kind) + b"{}")
                assert (await answer_of(reader)).status == 200, path

    knocking(tmp_path, check, switch=True)


def test_connections_on_the_port_have_an_end_and_take_no_room_from_the_socket(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        with ExitStack() as held:
            for _ in range(CONNECTIONS):
                held.enter_context(socket.create_connection(("127.0.0.1", at.port)))
            await asyncio.sleep(0.1)
            async with at.wire() as (reader, writer):
                writer.write(at.head("GET /status"))
                with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                    await answer_of(reader)
            assert (await by_socket(at, f"Authorization: Bearer {at.token}")) == 200
        async with asyncio.timeout(10):
            while (await at.ask("GET", "/status")).status != 200:
                pass

    knocking(tmp_path, check)


def test_the_unix_socket_is_its_owners_and_wants_the_token_too(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        token = f"Authorization: Bearer {at.token}"
        assert await by_socket(at, token) == 200
        assert await by_socket(at, token, host="127.0.0.1") == 200
        assert await by_socket(at) == 401
        for host in ("evil.example", f"localhost:{at.port}"):
            assert await by_socket(at, token, host=host) == 421
        assert await by_socket(at, token, "Origin: http://evil.example") == 403

    knocking(tmp_path, check)
    assert not (tmp_path / SOCKET_FILE).exists()


def test_the_unix_socket_lets_in_no_other_user() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert same_user(ours, os.getuid())
        assert not same_user(ours, os.getuid() + 1)


def test_without_the_setting_there_is_no_unix_socket_and_engine_json_says_so(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        assert not (tmp_path / SOCKET_FILE).exists()
        assert json.loads((tmp_path / "engine.json").read_text())["socket"] == ""

    knocking(tmp_path, check, Api(socket=False))


def test_a_deep_folder_has_its_unix_socket_all_the_same(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*("deep" * 10 for _ in range(4)))
    deep.mkdir(parents=True)

    async def check(at: Knocking) -> None:
        assert await by_socket(at, f"Authorization: Bearer {at.token}") == 200

    knocking(deep, check)


def test_a_socket_that_a_killed_engine_left_behind_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / SOCKET_FILE))
    left.close()

    async def check(at: Knocking) -> None:
        assert await by_socket(at, f"Authorization: Bearer {at.token}") == 200

    knocking(tmp_path, check)


def test_what_no_setting_can_be_is_said_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / "key.pem").touch(0o600)

    async def check(at: Knocking) -> None:
        raise AssertionError(f"{at.url} listens")

    with pytest.raises(ValueError, match="give both"):
        Api(certificate="cert.pem")
    with pytest.raises(InputError, match="PEM files that belong together"):
        knocking(tmp_path, check, Api(certificate="cert.pem", key="key.pem"))
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        knocking(tmp_path, check, Api(certificate="cert.pem", key="key.pem"))


@pytest.mark.parametrize(
    "path", ["/../engine.token", "/%2e%2e/engine.token", "/engine.token", "/orders/..%2f..%2fengine.token", "//status"]
)
def test_no_path_leads_to_a_file(tmp_path: Path, path: str) -> None:
    async def check(at: Knocking) -> None:
        answer = await at.say(at.head(f"GET {path}"))
        assert (answer.status, answer.code) == (404, "NOT_FOUND")
        assert at.token not in answer.body.decode()

    knocking(tmp_path, check)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("GET", "/killswitch", 405, "NOT_FOUND"),
        ("DELETE", "/status", 405, "NOT_FOUND"),
        ("TRACE", "/status", 405, "NOT_FOUND"),
        ("GET", "/workers?account=a&account=b", 400, "VALIDATION"),
        ("GET", "/workers?nobody=x", 400, "VALIDATION"),
        ("GET", "/workers?timeframe=7x", 400, "VALIDATION"),
        ("GET", "/ws?topic=secrets", 400, "VALIDATION"),
        ("GET", "/ws?topic=", 400, "VALIDATION"),
    ],
)
def test_every_refusal_has_one_envelope(tmp_path: Path, method: str, path: str, status: int, code: str) -> None:
    async def check(at: Knocking) -> None:
        for prefix in ("", "/v1"):
            answer = await at.ask(method, prefix + path)
            assert (answer.status, answer.code) == (status, code)
            assert set(answer.json) == {"error"}
            assert set(answer.json["error"]) == {"code", "message", "details"}
            assert answer.headers["Content-Type"] == "application/json"

    knocking(tmp_path, check, switch=True)


def test_what_the_library_refuses_by_itself_has_the_envelope_and_says_nothing_of_what_serves(tmp_path: Path) -> None:
    async def check(at: Knocking) -> None:
        odd = (
            (await at.ask("GET", "/ws"), 400),
            (await at.ask("GET", "/ws", Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Version="99"), 400),
            (await at.ask("GET", "/status", Expect="tea", Authorization=""), 417),
            (await at.ask("GET", "/nothing", Expect="tea"), 417),
        )
        for answer, status in odd:
            assert (answer.status, answer.code) == (status, "VALIDATION")
            assert answer.headers["Server"] == "moonlight"

    knocking(tmp_path, check)


async def by_socket(at: Knocking, *headers: str, host: str = "localhost") -> int:
    """What the Unix socket answers."""
    with short(at.folder / SOCKET_FILE) as name:
        reader, writer = await asyncio.open_unix_connection(name)
    lines = ("GET /v1/status HTTP/1.1", *([f"Host: {host}"] if host else []), *headers, "", "")
    writer.write("\r\n".join(lines).encode())
    answer = await answer_of(reader)
    writer.close()
    return answer.status
