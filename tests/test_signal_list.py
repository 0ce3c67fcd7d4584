"""Lists of tips as people write them, and what is said of a line that is wrong."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.errors import InputError
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from pipeline.tip_lists import Settings, listed
from pipeline.tip_words import Tip
from sources.signal_list import SignalList
from tests.support import SMALL

TEN_PAST_SIX = parse_moment("2026-01-05T18:10:00Z")
DAY_ONLY = Settings(day="2026-01-05", valid_for="30s")


def one(text: str, settings: Settings = DAY_ONLY) -> Tip:
    made = listed(text, settings)
    assert made.wrong == {}
    (tip,) = made.tips
    return tip


PLAIN = Tip("EURUSD", TEN_PAST_SIX, TEN_PAST_SIX + 30 * SECOND, 5 * MINUTE, 1.0)


@pytest.mark.parametrize(
    "line",
    [
        "EURUSD 18:10 CALL M5",
        "M5 18:10:00 eurusd buy",
        "EURUSD;18:10;up;5m",
        "2026-01-05 18:10 EURUSD CALL M5",
        "05/01/2026 18:10 EURUSD CALL M5",
        "EURUSD 2026-01-05T18:10:00Z long m5",
        "EURUSD 2026-01-05T20:10+02:00 call 5m  # so they say",
        "EURUSD | 18:10 | CALL | M5",
    ],
)
def test_a_line_in_words_in_any_order(line: str) -> None:
    assert one(line, Settings(day="2026-01-05", market=("EURUSD", "BTCUSD"))) == PLAIN


@pytest.mark.parametrize(
    "table",
    [
        "product,time,direction,timeframe\nEURUSD,2026-01-05T18:10:00Z,call,M5",
        "Pair;Date;Time;Side;TF\nEURUSD;05.01.2026;18:10;BUY;5m",
        "symbol\tas_of\tscore\ttf\tvalid_for\nEURUSD\t2026-01-05 18:10\t1\tM5\t30s",
        'product,as_of,direction,timeframe,valid_until\n"EURUSD",18:10,call,5m,18:10:30',
    ],
)
def test_a_table_with_a_heading(table: str) -> None:
    assert one(table) == PLAIN


def test_a_date_on_a_line_of_its_own_holds_for_the_lines_below() -> None:
    made = listed("# mine\n2026-01-05\nEURUSD 18:10 put\n\n2026-01-06\nEURUSD 18:10 put\n", Settings())
    assert [tip.as_of for tip in made.tips] == [TEN_PAST_SIX, TEN_PAST_SIX + DAY]
    assert {(tip.score, tip.tf) for tip in made.tips} == {(-1.0, 0)}


def test_times_without_a_zone_are_of_the_lists_own() -> None:
    assert one("EURUSD 21:10 call M5", Settings("Europe/Istanbul", day="2026-01-05")) == PLAIN
    summer = Settings("Europe/London", day="2026-07-01")
    assert one("EURUSD 18:10 call", summer).as_of == parse_moment("2026-07-01T17:10:00Z")
    assert one("EURUSD 2026-07-01T18:10:00Z call", summer).as_of == parse_moment("2026-07-01T18:10:00Z")


def test_an_hour_that_comes_twice_is_one_of_the_two_when_the_list_says_which() -> None:
    night = {"zone": "Europe/London", "day": "2026-10-25"}
    first, second = (one("EURUSD 01:30 call", Settings(**night, ambiguous=which)) for which in ("first", "second"))  # type: ignore[arg-type]
    assert second.as_of - first.as_of == HOUR


WRONG = {
    "EURUSD 18:10": "has no direction; write it like EURUSD 18:10 CALL M5",
    "18:10 call": "has no product; write it like EURUSD 18:10 CALL M5",
    "EURUSD call M5": "has no time; write it like EURUSD 18:10 CALL M5",
    "EURUSD 18:10 call put": "has two of a direction: call and put; write it like EURUSD 18:10 CALL M5, one tip a line",
    "EURUSD 18:10 call M7": "'7m' does not divide a day into whole slots; use one of 1m, 5m, 15m, 1h, 4h, 1d",
    "EURUSD 24:10 call": "no clock shows 24:10; write a time from 00:00 to 23:59",
    "EURUSD 31/02/2026 18:10 call": "no calendar has the day 31/02/2026; write it like 2026-01-05",
    "EURUSD 18:10 call !!": "has '!!', which is no word of a tip; write it like EURUSD 18:10 CALL M5",
    "EURUDS 18:10 call": "this flow has no product 'EURUDS'; did you mean 'EURUSD'?",
    "EURUSD 2026-03-29T01:30 call": "01:30 does not exist in Europe/London that day; is the zone right?",
    "EURUSD 2026-10-25T01:30 call": '01:30 comes twice in Europe/London that day; set ambiguous = "first" or "second"',
}


@pytest.mark.parametrize("line", WRONG)
def test_a_line_that_is_wrong_is_told(line: str) -> None:
    settings = Settings("Europe/London", day="2026-01-05", market=("EURUSD", "BTCUSD"))
    assert listed(f"# a list\n{line}\n", settings).wrong == {2: WRONG[line]}


ROWS = {
    "EURUSD,18:10,,": "a tip has either a direction or a score; write call or put, or a number from -1 to 1",
    "EURUSD,18:10,sideways,": "'sideways' is no direction; write call or put",
    "EURUSD,18:10,2,": "'2' is no direction; write call or put",
    "EURUSD,,call,": "has no time; fill in that column",
    "EURUSD,ten past six,call,": "'ten past six' is no time; write it like 18:10, or 2026-01-05T18:10:00Z",
    "EURUSD,18:10,call": "has 3 cells, the heading 4; write one for each",
    "EURUSD,18:10,call,18:09": "the tip ends before it begins; write a valid_until that is not before its as_of",
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_is_wrong_is_told(row: str) -> None:
    assert listed(f"product,time,direction,valid_until\n{row}\n", DAY_ONLY).wrong == {2: ROWS[row]}


@pytest.mark.parametrize("score", ["0", "1.01", "-2", "nan", "inf", "much"])
def test_a_score_is_between_put_and_call_and_not_nothing(score: str) -> None:
    (told,) = listed(f"product,time,score\nEURUSD,18:10,{score}\n", DAY_ONLY).wrong.values()
    assert told == f"the score is {score}; write a number from -1 (put) to 1 (call) that is not 0"


def test_a_time_without_a_date_is_told_how_to_get_one() -> None:
    (told,) = listed("EURUSD 18:10 CALL\n", Settings()).wrong.values()
    assert told == "18:10 has no date; write one before it, on a line of its own above, or in the key date"


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="EURUSD 018:/-.,;|#call\n\t\"'Mmhdput", max_size=80))
def test_whatever_a_list_holds_every_line_is_a_tip_or_is_told(text: str) -> None:
    made = listed(text, DAY_ONLY)
    assert set(made.wrong) <= set(range(1, len(text.splitlines()) + 1))
    assert all(tip.valid_until >= tip.as_of for tip in made.tips if not made.wrong)


# --- the file --------------------------------------------------------------------------------------------------------


def test_tips_come_by_product_in_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("EURUSD 18:10 call\nBTCUSD 18:05 put\nEURUSD 18:00 put M1\n", encoding="utf-8")
    made = list(SignalList(path="list.txt", date="2026-01-05", timeframe="5m").read(tmp_path))
    assert [tips.product for tips in made] == ["BTCUSD", "EURUSD"]
    assert made[1].as_of.tolist() == [TEN_PAST_SIX - 10 * MINUTE, TEN_PAST_SIX]
    assert made[1].tf.tolist() == [MINUTE, 5 * MINUTE]


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# nothing today\n", encoding="utf-8")
    assert list(SignalList(path="list.txt").read(tmp_path)) == []


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"# fine\nEURUSD 18:10 \xff call\n")
    for path, told in (("none.txt", "No such file"), ("list.txt", r"list\.txt:2: is not UTF-8 text; save")):
        with pytest.raises(InputError, match=told):
            list(SignalList(path=path).read(tmp_path))


def test_a_time_zone_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone 'Mars' is not known; write one like Europe/London"):
        SignalList(path="list.txt", timezone="Mars")


# --- a flow ----------------------------------------------------------------------------------------------------------

FLOW = (
    SMALL.replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "signal_list"\nfrom = "list"')
    + '\n[sources.list]\nuse = "signal_list"\npath = "list.txt"\ndate = "2026-01-05"\n'
)


def flow(folder: Path, lines: str) -> str:
    (folder / "flows.toml").write_text(FLOW, encoding="utf-8")
    (folder / "list.txt").write_text(lines, encoding="utf-8")
    return str(folder / "flows.toml")


def test_a_replay_trades_a_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = flow(tmp_path, "EURUSD 10:40 CALL M1\nBTCUSD 10:41 put M1\nEURUSD 10:55 SELL M5\nEURUSD 10:30:20 call M5\n")
    assert main(["replay", path, "--for", "1h"]) == 0
    assert "trade 3" in (told := capsys.readouterr().out)
    assert "stale_signal 1" in told


def test_a_list_with_lines_that_are_wrong_trades_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = flow(tmp_path, "EURUSD 10:40 CALL M1\nEURUSS 10:41 put M1\nEURUSD 10:66 SELL M5\n")
    assert main(["replay", path, "--for", "1h"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}/list.txt:2: this flow has no product 'EURUSS'; did you mean 'EURUSD'?",
        f"{tmp_path}/list.txt:3: no clock shows 10:66; write a time from 00:00 to 23:59",
    ]


def test_a_flow_that_trades_a_list_is_proved_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", flow(tmp_path, "")]) == 0
    assert "1 provider, 1 ensemble tried" in capsys.readouterr().out


TRIED = """
[[test]]
name = "a tip is traded on the first bar that is final when it holds, and not a bar later"
frame = "1m"
set = { "operators.bars.timeframes" = ["1m"] }
inputs.market = "pbbbbbbbbb bbbbbbbbbb bbbbbbbbbb bbbbbbbbbb"
inputs.list   = "---------- ---------- ---------- -----t----"
outputs."risk.main" = "?"
values.p = { payout = 0.9 }
values.b = { close = 1.1 }
values.t = { tip = "call", timeframe = "1m", later = "20s", valid_for = "1m" }
"""


def test_a_tip_can_be_given_in_a_test_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(flow(tmp_path, ""))
    verdicts = "-" + "r" * 30 + "v" * 5 + "T" + "v" * 3
    claim = f'{verdicts}"\nvalues.r = {{ verdict = "ready" }}\nvalues.v = {{ verdict = "vote" }}\n'
    claim += 'values.T = { verdict = "trade", direction = "call" }'
    text = FLOW + TRIED.replace('?"', claim)
    path.write_text(text, encoding="utf-8")
    code = main(["test", str(path)])
    assert code == 0, capsys.readouterr().out
