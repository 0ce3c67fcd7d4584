"""What listeners ask a publisher for: only what it has, not too often, not too much, and each refusal a sentence."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.channels.commands import Backfill, Chosen, Commands, Refused, Warmup, command
from pipeline.times import MINUTE, SECOND
from tests.support import MONDAY

TARGETS = (("XAU/USD", MINUTE), ("XAU/USD", 5 * MINUTE), ("EURUSD", MINUTE))
SECRET = b"ours"


def judge(**keys: Any) -> Commands:
    return Commands(TARGETS, 2, **keys)


def asked(kind: str, **keys: Any) -> bytes:
    return command({"type": kind, "symbol": "XAUUSD", "tf": "1m", **keys})


def chosen(*targets: Any, **keys: Any) -> bytes:
    return command({"type": "fxcm_set_universe", "targets": list(targets), **keys})


def target(symbol: str, tf: str) -> dict[str, str]:
    return {"symbol": symbol, "tf": tf}


def test_d43_past_bars_are_published_for_what_the_publisher_has_and_nothing_else() -> None:
    commands = judge()
    assert commands.heard(asked("fxcm_warmup", min_history_bars=300), MONDAY) == Warmup("XAU/USD", MINUTE, 300)
    assert commands.heard(asked("fxcm_backfill", lookback_minutes=90), MONDAY) == Backfill("XAU/USD", MINUTE, 90)
    assert commands.heard(asked("fxcm_backfill", symbol="EUR/USD", tf="m1"), MONDAY) == Backfill("EURUSD", MINUTE, 60)
    refused = commands.heard(asked("fxcm_warmup", symbol="EURUSD", tf="5m"), MONDAY)
    assert refused == Refused("symbol: EURUSD 5m is not published here")


def test_d43_what_is_wanted_is_cut_to_what_there_is_and_to_so_many() -> None:
    wanted = (target("EURUSD", "1m"), target("XAUUSD", "m5"), target("USDJPY", "1m"), target("XAUUSD", "1m"))
    until = MONDAY + 60 * MINUTE
    assert judge().heard(chosen(*wanted, reason="focus", expires_at_ms=until), MONDAY) == Chosen(
        (("EURUSD", MINUTE), ("XAU/USD", 5 * MINUTE)), until, "focus", ("USDJPY:1m", "XAUUSD:1m")
    )
    assert judge().heard(chosen(), MONDAY) == Chosen((), 0, ""), "an empty list wants all again"
    none = judge().heard(chosen(target("USDJPY", "1m")), MONDAY)
    assert none == Refused("targets: none of them is published here"), "and never all by mistake"


def test_what_is_not_said_is_what_is_usual_and_too_much_is_cut() -> None:
    assert judge().heard(asked("fxcm_warmup"), MONDAY) == Warmup("XAU/USD", MINUTE, 0)
    assert judge().heard(asked("fxcm_backfill", lookback_minutes=0), MONDAY) == Backfill("XAU/USD", MINUTE, 60)
    assert judge().heard(asked("fxcm_warmup", min_history_bars=10**9), MONDAY) == Warmup("XAU/USD", MINUTE, 20_000)
    assert judge().heard(asked("fxcm_backfill", lookback_minutes=10**9), MONDAY) == Backfill("XAU/USD", MINUTE, 10_080)


def test_keys_that_are_not_known_are_passed_over() -> None:
    raw = asked("fxcm_warmup", min_history_bars=300, lookback_bars=300, lookback_minutes=300, reason="x", s2={"a": 1})
    assert judge().heard(raw, MONDAY) == Warmup("XAU/USD", MINUTE, 300)


def test_the_same_is_not_done_twice_within_two_seconds_and_a_refused_command_does_not_count() -> None:
    commands = judge()
    raw = asked("fxcm_warmup", min_history_bars=5)
    assert isinstance(commands.heard(asked("fxcm_warmup", min_history_bars=-5), MONDAY), Refused)
    assert commands.heard(raw, MONDAY) == Warmup("XAU/USD", MINUTE, 5)
    assert commands.heard(raw, MONDAY + 1999) == Refused("type: fxcm_warmup of XAUUSD 1m came again within 2 s")
    assert isinstance(commands.heard(asked("fxcm_backfill"), MONDAY + 1999), Backfill), "another command"
    assert isinstance(commands.heard(asked("fxcm_warmup", tf="5m"), MONDAY + 1999), Warmup), "another target"
    assert commands.heard(raw, MONDAY + 2000) == Warmup("XAU/USD", MINUTE, 5)
    assert commands.heard(chosen(), MONDAY) == Chosen((), 0, "")
    assert commands.heard(chosen(), MONDAY + 1) == Refused("type: fxcm_set_universe came again within 2 s")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\xff", "byte 0: is not UTF-8"),
        (b"[]", "it is an array"),
        (b"{}", "type: None is not fxcm_warmup"),
        (asked("fxcm_stop"), "type: 'fxcm_stop' is not fxcm_warmup"),
        (asked("fxcm_warmup", symbol=1), "symbol: 1 is not text"),
        (asked("fxcm_warmup", tf="7m"), "tf: '7m' is no timeframe"),
        (asked("fxcm_warmup", min_history_bars="300"), "min_history_bars: '300' is not a whole number"),
        (asked("fxcm_warmup", min_history_bars=True), "min_history_bars: True is not a whole number"),
        (asked("fxcm_backfill", lookback_minutes=1.5), "lookback_minutes: 1.5 is not a whole number"),
        (chosen("XAUUSD"), "targets: 'XAUUSD' is not an object with symbol and tf"),
        (command({"type": "fxcm_set_universe"}), "targets: is no list"),
        (chosen(*[target("XAUUSD", "1m")] * 1025), "targets: 1025 of them; 1024 are the most"),
        (chosen(expires_at_ms=MONDAY), "expires_at_ms: 1767607200000 has passed"),
        (chosen(reason="x" * 201), "reason: "),
        (asked("fxcm_warmup", note="x" * 70_000), "it has "),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_with_its_key(raw: bytes, why: str) -> None:
    refused = judge().heard(raw, MONDAY)
    assert isinstance(refused, Refused)
    assert refused.why.startswith(why)


@given(st.binary(max_size=200) | st.dictionaries(st.text(max_size=12), st.integers() | st.text(max_size=12)).map(
    lambda value: json.dumps({"type": "fxcm_warmup"} | value).encode()
))  # fmt: skip
def test_whatever_comes_is_a_command_or_a_refusal(raw: bytes) -> None:
    assert isinstance(judge(secret=SECRET).heard(raw, MONDAY), Refused | Warmup)


# --- signed ----------------------------------------------------------------------------------------------------------


def signed(nonce: str = "1", now: int = MONDAY, secret: bytes = SECRET) -> bytes:
    value = {"type": "fxcm_warmup", "symbol": "XAUUSD", "tf": "1m", "reason": "тиша"}
    return command(value, secret, nonce=nonce, now=now)


def test_a_signed_command_is_done_once_and_only_as_it_was_signed() -> None:
    commands = judge(secret=SECRET)
    assert isinstance(commands.heard(signed(), MONDAY), Warmup)
    later = MONDAY + 10 * SECOND
    assert commands.heard(signed(), later) == Refused("nonce: '1' was used before")
    forged = json.loads(signed("2")) | {"tf": "5m"}
    assert str(commands.heard(json.dumps(forged).encode(), later)).startswith("Refused(why='sig: is not that")
    assert isinstance(commands.heard(signed("3", later, b"theirs"), later), Refused)
    assert isinstance(commands.heard(signed("4", later), later), Warmup)


def test_a_signed_command_is_done_once_whichever_products_come_meanwhile() -> None:
    commands = judge(secret=SECRET)
    assert isinstance(commands.heard(signed(), MONDAY), Warmup)
    commands.about([("XAU/USD", MINUTE), ("EURUSD", MINUTE), ("GBPUSD", MINUTE)])
    later = MONDAY + 10 * SECOND
    assert commands.heard(signed(), later) == Refused("nonce: '1' was used before")
    assert isinstance(commands.heard(signed("2", later), later), Warmup)


def test_a_signed_command_is_of_now_so_that_none_is_kept_and_sent_again_later() -> None:
    commands = judge(secret=SECRET)
    for moment in (MONDAY - 61 * SECOND, MONDAY + 61 * SECOND):
        refused = commands.heard(signed("1", moment), MONDAY)
        assert refused == Refused(f"ts_ms: {moment} is more than 60 s away from now")
    assert isinstance(commands.heard(signed("1", MONDAY + 59 * SECOND), MONDAY), Warmup)
    for later in range(MONDAY, MONDAY + 121 * SECOND, 5 * SECOND):
        assert isinstance(commands.heard(signed("1", MONDAY + 59 * SECOND), later), Refused)


def test_commands_that_are_not_signed_are_done_unless_only_signed_ones_are() -> None:
    assert isinstance(judge(secret=SECRET).heard(asked("fxcm_warmup"), MONDAY), Warmup)
    refused = judge(secret=SECRET, signed_only=True).heard(asked("fxcm_warmup"), MONDAY)
    assert refused == Refused("sig: is missing; commands are taken only if they are signed")
    assert isinstance(judge().heard(signed(), MONDAY), Warmup), "without a secret nothing can be checked"
