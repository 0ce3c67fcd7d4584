"""Why over any page: what was known at a bar, what became known since, and the way through time."""

import json
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipeline.errors import InputError
from pipeline.times import MINUTE, SECOND, parse_moment
from pipeline.told.orders import GateAnswer
from pipeline.told.reasons import BarTold, OpenTold, QuoteTold, StopTold, VoteTold, Why
from pipeline.view import KeyName
from tests.ledgered import BAR, name_of, on_ledger
from tests.sample_view import NOON
from tests.screens import Bench, golden, in_front, run
from tui.going import WhyAsked
from tui.why.lines import lines_of
from tui.why.moment import TypedMoment, moment_typed
from tui.why.screen import WhyScreen
from tui.words import moment

KEY = KeyName("demo-1", "EURUSD", "1m")
FIRST = BAR - 3 * MINUTE


async def ask(bench: Bench, name: KeyName | None = KEY, bar: int = 0, order: str = "") -> None:
    assert bench.app.page is not None
    bench.app.page.post_message(WhyAsked(name, bar, order))
    await bench.until(lambda: isinstance(bench.app.screen, WhyScreen))


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_why_looks_as_approved(tmp_path: Path, size: tuple[int, int]) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path, size) as bench:
            await bench.shows("Orders today 9", "at stake 2.00", "win rate")
            await ask(bench)
            await bench.shows("as known then", "traded: 1.00 ▲ CALL", "ZeroDivisionError" if size[0] > 100 else "gates")
            golden(f"why_{size[0]}x{size[1]}", bench.app)

    run(main())


def test_one_goes_from_bar_to_bar_and_to_a_moment_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path, page="keys") as bench:
            await ask(bench)
            await bench.shows("bar of 2026-01-05 15:00:00 Europe/Istanbul · 12:00:00Z", "1.07178 / 1.07182, 100 ms old")
            await bench.press("right")
            await bench.shows("no bar of this key was decided after it yet")
            await bench.press("left")
            await bench.shows(
                "14:58:00 Europe/Istanbul", "not traded: confidence said no", "◂ first no", "if confidence ≥"
            )
            await bench.press("left_square_bracket")
            await bench.shows("14:57:00 Europe/Istanbul", "fast 1.07", "win 0.88", "would have won")
            await bench.press("left")
            await bench.shows("no bar of this key was decided before it")
            await bench.press("t")
            await bench.until(lambda: isinstance(bench.app.screen, TypedMoment))
            await bench.press(*"quarter past", "enter")
            await bench.shows("'quarter past' is no moment; write 12:03")
            await bench.press("ctrl+u", *"14:59", "enter")
            await bench.shows(
                "14:59:00 Europe/Istanbul", "no decision of demo-1 EURUSD 1m at 2026-01-05 14:59", "← or →"
            )
            await bench.press("left")
            await bench.shows("14:57:00 Europe/Istanbul", "traded: 1.00")
            await bench.press("n")
            await bench.shows("15:00:00 Europe/Istanbul")
            await bench.press("y")
            assert "traded, 1.00 ▲ call" in bench.app.clipboard
            await bench.press("Y")
            assert json.loads(bench.app.clipboard)["bar_ms"] == BAR
            await bench.press("escape")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            assert in_front(bench) == "keys"

    run(main())


def test_an_order_a_key_without_decisions_and_an_engine_that_is_gone_are_each_answered(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path, page="keys") as bench:
            await ask(bench, None, 0, name_of("demo-1", FIRST))
            await bench.shows("Why · EURUSD 1m · demo-1", "14:57:00 Europe/Istanbul", "fast 1.07")
            await bench.press("right")
            await bench.shows("14:58:00 Europe/Istanbul")
            await bench.press("escape")
            await ask(bench, None)
            await bench.shows("15:00:00 Europe/Istanbul")
            await bench.press("escape")
            await ask(bench, KeyName("demo-2", "EURUSD", "1m"))
            await bench.shows("the ledger has no decision of account 'demo-2'")
            await bench.press("left", "y", "escape")
            await bench.desk.stop()
            await ask(bench)
            await bench.until(lambda: "engine" in bench.text.partition("Why ·")[2])

    run(main())


# --- a moment --------------------------------------------------------------------------------------------------------

ISTANBUL = ZoneInfo("Europe/Istanbul")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("12:03", "2026-01-05T09:03:00Z"),
        (" 0:00 ", "2026-01-04T21:00:00Z"),
        ("12:03:30", "2026-01-05T09:03:30Z"),
        ("2026-01-04 23:59", "2026-01-04T20:59:00Z"),
        ("2026-01-05T12:03:00Z", "2026-01-05T12:03:00Z"),
    ],
)
def test_a_time_is_of_the_day_one_looks_at_in_the_zone_one_sees(text: str, utc: str) -> None:
    assert moment_typed(text, ISTANBUL, NOON) == parse_moment(utc)


@given(st.text(max_size=24) | st.from_regex(r"\d{1,5}[:-]\d{1,3}([:-]\d{1,3})?", fullmatch=True))
def test_whatever_is_typed_is_a_moment_or_refused_in_a_sentence(text: str) -> None:
    try:
        found = moment_typed(text, ISTANBUL, NOON)
    except InputError:
        return
    assert 0 < found < 2**53


@given(st.datetimes(min_value=moment(0, UTC).replace(tzinfo=None) + timedelta(days=2)))
def test_every_moment_that_is_shown_can_be_typed(at: object) -> None:
    text = f"{at:%Y-%m-%d %H:%M:%S}"
    if "1970" < text < "2500":
        assert f"{moment(moment_typed(text, UTC, NOON), UTC):%Y-%m-%d %H:%M:%S}" == text


# --- lines -----------------------------------------------------------------------------------------------------------


def why(**told: object) -> Why:
    facts: dict[str, object] = {
        "account": "demo-1", "product": "EURUSD", "timeframe": "1m", "bar_ms": BAR, "decided_ms": BAR + MINUTE,
        "verdict": "trade", "direction": 1, "score": 0.62, "payout": 0.9, "gates": (), "features": {}, "votes": (),
        "bar": None, "quote": None, "stops": (), "life": None, "armed_until": 0, "open": (), "order": None,
        "would_have": "would have won 0.90", "what_if": None, "lines": (), "before_ms": 0, "after_ms": 0,
    }  # fmt: skip
    return Why(**{**facts, **told})  # type: ignore[arg-type]  # the fields of Why, as a test needs them


def text_of(told: Why, width: int) -> str:
    lines = lines_of(told, width, str)
    assert all(sum(cell_len(run.text) for run in line.runs) <= width for line in lines)
    return "\n".join("".join(run.text for run in line.runs) for line in lines)


NO = GateAnswer("confidence", "no", 0.21, 0.35)
STOPPED = GateAnswer("killed", "no", 1.0, 0.0, "news at two, said by the console of somebody who wrote at length")
FULL = {
    "gates": (GateAnswer("ready", "yes", 1.0, 1.0), NO, STOPPED, GateAnswer("payout", "no", None, 0.8)),
    "features": {f"feature_{at}": (None if at == 3 else 1.2345678 * at) for at in range(9)},
    "votes": (VoteTold("main", "cross", 1, 0.4, ""), VoteTold("main", "own", 0, None, "it failed")),
    "bar": BarTold(1.0714, 1.0719, 1.0713, 1.0718, 61.0),
    "quote": QuoteTold(1.07178, 1.07182, BAR, 5 * SECOND),
    "stops": (StopTold("", BAR, "news", "console"),),
    "open": (OpenTold("o", "EURUSD", "5m", BAR, "put", "2.00", "CONFIRM"),),
    "verdict": "confidence",
    "what_if": "would have been traded if confidence ≥ 0.35",
}


@pytest.mark.parametrize("width", [118, 100, 99, 78, 58])
def test_everything_that_was_known_is_there_at_any_width_and_what_came_later_stands_below(width: int) -> None:
    text = text_of(why(**FULL), width)
    known, _, since = text.partition("── since then")
    words = set(known.split())
    parts = (
        *(
            "confidence 0.21 against 0.35",
            "unknown against 0.8",
            "5000 ms old",
            "everybody stopped",
            "feature_8 9.87654",
        ),
        *("feature_3 not ready", "failed in main: it failed", "▼ PUT 2.00", "if confidence ≥ 0.35"),
    )
    for part in parts:
        assert set(part.split()) <= words, (part, known)
    assert known.count("◂ first no") == 1
    assert "would have won 0.90" in since
    assert "would have won" not in known


def test_what_nobody_knows_is_said_and_no_number_stands_for_it() -> None:
    text = " ".join(text_of(why(score=None, payout=None, verdict="missed", direction=0), 78).split())
    for part in (
        "the program was not running",
        "score unknown",
        "payout unknown",
        "none was asked",
        "nobody has them",
        "the newest bars only",
        "nobody keeps votes",
        "nothing was told of its key's life; nothing was stopped",
    ):
        assert part in text, (part, text)
