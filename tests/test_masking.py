"""Masking: no secret stands in what it gives, whatever form it came in, and what is none stays."""

import base64
import io
import json
import re
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline import secret
from pipeline.connections.troubles import CallFailed
from pipeline.masking import Masking, masked, masked_output, shortened, tell_masked
from pipeline.secret import MASK, Secret

WORD = "tr0ub4dor&3-x/+é ü"
FORMS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "backwards": lambda text: text[::-1],
    "quoted for an address": lambda text: quote(text, safe=""),
    "quoted for a form": quote_plus,
    "quoted in small letters": lambda text: re.sub("%..", lambda each: each[0].lower(), quote(text, safe="")),
    "in a query": lambda text: urlencode({"x": text}),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "json": json.dumps,
    "repr": repr,
    "utf-16 in hex": lambda text: text.encode("utf-16-le").hex(),
}


@pytest.fixture(autouse=True)
def nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "_revealed", {})


def known(text: str = WORD) -> str:
    return Secret(text).reveal()


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_that_was_revealed_is_found_in_every_form(form: str) -> None:
    told = FORMS[form](known())
    assert masked(f"before {told} after").startswith("before ")
    assert told not in masked(f"before {told} after")
    assert MASK in masked(told)


@given(st.text(min_size=8, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
def test_a_secret_within_something_longer_in_base64_is_found(text: str, before: bytes, after: bytes) -> None:
    known(text)
    inner = text.encode("utf-8", "surrogatepass")
    assert MASK in masked(base64.b64encode(before + inner + after).decode())


@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_what_was_revealed_never_stands_in_what_is_given(text: str, before: str, after: str) -> None:
    assume(not (text.isascii() and text.isdigit()))
    known(text)
    assert text not in masked(f"{before}{text}{after}").replace(MASK, "\x00") or text in MASK


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("the code 123456 is wrong", f"the code {MASK} is wrong"),
        ('{"code": 123456, "at": 1712345600000}', f'{{"code": {MASK}, "at": 1712345600000}}'),
        ('{"right": 0.5012345679012346, "n": 7}', '{"right": 0.5012345679012346, "n": 7}'),
        ('{"price": 1.123456}', '{"price": 1.123456}'),
        ("123456.", f"{MASK}."),
    ],
)
def test_a_code_of_digits_is_no_part_of_a_longer_number(told: str, shown: str) -> None:
    known("123456")
    assert masked(told) == shown


@pytest.mark.parametrize("cut", [12, 14, 17])
def test_of_a_secret_that_was_cut_short_nothing_is_left(cut: int) -> None:
    assert masked(f"it is in {known()[:cut]}…") == f"it is in {MASK}…"


def test_a_word_that_a_secret_begins_with_stays() -> None:
    known("passwords-are-fun")
    assert masked("the password is wrong") == "the password is wrong"


def test_a_secret_that_nobody_revealed_is_not_known() -> None:
    Secret(WORD)
    assert masked(WORD) == WORD


def test_a_secret_so_short_that_it_stands_in_every_other_word_is_not_looked_for() -> None:
    known("demo")
    assert masked("demo-1 is let in") == "demo-1 is let in"


def test_the_words_of_a_practice_venue_are_shown() -> None:
    known("practice-demo-1")
    assert masked('the token is practice-demo-1, {"token": "practice-demo-1"}').count("practice-demo-1") == 2


LEAKS = [
    "wss://api.example.com/ws/demo?otp=PATcanary99",
    "https://example.com/x?a=1&access_token=PATcanary99&b=2",
    "{'Authorization': 'Bearer PATcanary99', 'Accept': '*/*'}",
    "Authorization: Basic PATcanary99==",
    "authorization=PATcanary99",
    '{"username": "ada", "password": "PATcanary99"}',
    '{"otp": 123456, "x": "PATcanary99"}'.replace("PATcanary99", "y").replace("123456", "PATcanary99"),
    '{\\"password\\":\\"PATcanary99\\"}',
    "%7B%22password%22%3A%22PATcanary99%22%7D",
    "password=PATcanary99",
    "refresh_token = 'PATcanary99'",
    "https://ada:PATcanary99@example.com/",
    "Set-Cookie: PATcanary99; Path=/",
    "the header was Bearer PATcanary99.",
    "pat_PATcanary99PATcanary99 was refused",
    "api-key: 'x', apikey=PATcanary99",
]


@pytest.mark.parametrize("text", LEAKS)
def test_what_stands_behind_a_word_for_a_secret_is_masked_though_nobody_knows_it(text: str) -> None:
    assert "PATcanary99" not in masked(text)
    assert MASK in masked(text)


CALLED = (
    *("token", "access_token", "refreshtoken", "session-token", "otp", "password", "passwd", "passphrase", "pwd"),
    *("secret", "client_secret", "api_key", "apikey", "api-key", "private_key", "pat", "ssid", "cookie"),
)


@pytest.mark.parametrize("called", [*CALLED, *(word.upper() for word in CALLED)])
@pytest.mark.parametrize("between", ["=", " = ", '": "', "': '", '":"', '\\":\\"', "%3A", "%3d", "%22%3A%22"])
def test_every_word_for_a_secret_is_known_whatever_stands_between_it_and_the_secret(called: str, between: str) -> None:
    assert masked(f"x {called}{between}PATcanary99") == f"x {called}{between}{MASK}"


PLAIN = [
    "send 'Authorization: Bearer' with the text of signals.token",
    "data/engine.token holds no token of 32 letters or more; remove it, and a new one is made",
    "[venues.main] needs token: add token = … (text)",
    "EURUSD 1m demo-1 · decided 11:44:00.500",
    "12 tokens a minute, a key of 3 keys, the bearer of bad news",
    '{"key": ["EURUSD", 60000], "token": null}',
    "https://example.com/path?symbol=EURUSD&tf=60",
]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


@given(st.lists(st.sampled_from([*LEAKS, *PLAIN, " ", "&", '"', "\\", "=", "Bearer ", "token=", "••"]), max_size=6))
def test_masking_what_is_masked_changes_nothing(parts: list[str]) -> None:
    once = masked("".join(parts))
    assert masked(once) == once


def test_a_failure_of_a_call_says_no_secret_whatever_it_was_given() -> None:
    known()
    failure = CallFailed("auth", f"POST /auth/login: 401: no {WORD} here, token=PATcanary99")
    assert str(failure) == f"POST /auth/login: 401: no {MASK} here, token={MASK}"
    assert WORD not in repr(failure)


def test_all_that_is_printed_is_masked_while_it_lasts(capsys: pytest.CaptureFixture[str]) -> None:
    known()
    streams = sys.stdout, sys.stderr
    with masked_output():
        sys.stdout.write(f"out {WORD}\n")
        sys.stderr.write(f"err {WORD}\n")
        sys.stdout.writelines([f"lines {WORD}\n"])
        assert not sys.stdout.isatty()
    assert (sys.stdout, sys.stderr) == streams
    said = capsys.readouterr()
    assert said.out == f"out {MASK}\nlines {MASK}\n"
    assert said.err == f"err {MASK}\n"


def test_a_traceback_shows_neither_the_secret_in_its_message_nor_the_values_around_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    held = known()
    try:
        raise ValueError(f"cannot send {held}")
    except ValueError as failure:
        tell_masked(type(failure), failure, failure.__traceback__)
    said = capsys.readouterr().err
    assert said.endswith(f"ValueError: cannot send {MASK}\n")
    assert WORD not in said


def test_a_stream_says_how_many_letters_it_took_though_it_wrote_others() -> None:
    known()
    inner: Any = io.StringIO()
    assert Masking(inner).write(WORD) == len(WORD)
    assert inner.getvalue() == MASK


@pytest.mark.parametrize(("name", "shown"), [("DOT90004580", "DO…80"), ("ada", "…"), ("", "…")])
def test_an_id_is_shown_in_part(name: str, shown: str) -> None:
    assert shortened(name) == shown
