"""What `report` says of a ledger and of a replay's results, and that it only reads."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.engine import LEDGER_FILE
from pipeline.evidence import Audited, Verdict
from pipeline.ledger import Ledger
from pipeline.reporting import NOTE, report_of
from pipeline.reporting.said import percent
from pipeline.reporting.sections import SECTIONS
from pipeline.reporting.subjects import money_of
from pipeline.results import ORDERS, Results
from pipeline.statistics.shares import factor
from pipeline.times import HOUR, MINUTE
from pipeline.values import Certificate, Order
from tests.support import MONDAY, SMALL, order, plan_of

FLOW = SMALL.replace("block = 64", 'block = 64\ndisplay_timezone = "Europe/Istanbul"')
OTHERS = """
[accounts.demo-2]
venue = "practice"

[accounts.euro]
venue = "practice"
currency = "EUR"

[venues.practice]"""
TWO = FLOW.replace("\n[venues.practice]", OTHERS)
PROFITS = {"win": "0.85", "lose": "-1.00", "push": "0"}

Said = tuple[int, str, str]
Reports = Callable[..., Said]


def settled(account: str, minute: int, result: str, **changes: Any) -> Order:
    """A trade of the bar of this minute: in 400 ms after its end, out a minute later."""
    bar = MONDAY + minute * MINUTE
    facts = {
        "order": f"{account}:{changes.get('product', 'EURUSD')}:{minute}",
        "account": account,
        "bar": bar,
        "expiry": bar + 2 * MINUTE,
        "entry_ts": bar + MINUTE + 400,
        "payout": 0.85,
        "result": result,
        "profit": PROFITS.get(result, "0"),
    }
    return order("SETTLED", **(facts | changes))


def season(account: str = "demo-1", trades: int = 120, share: float = 0.55, **changes: Any) -> list[Order]:
    """Trades every ten minutes, won by chance, and one tie."""
    draw = np.random.default_rng(4)
    words = ["win" if won else "lose" for won in draw.random(trades) < share]
    return [settled(account, 10 * number, word, **changes) for number, word in enumerate([*words, "push"])]


def kept(folder: Path, orders: Iterable[Order], flow: str = FLOW) -> Path:
    (folder / "flows.toml").write_text(flow, encoding="utf-8")
    path = folder / "data" / LEDGER_FILE
    with Ledger(path) as ledger:
        for each in orders:
            ledger.follow(each)
    return path


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reports:
    def run(*arguments: str) -> Said:
        monkeypatch.chdir(tmp_path)
        code = main(["report", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def certain(path: Path) -> None:
    """What says of orders whether they can be believed: a certificate, two audits, a verdict."""
    first, second, *_ = season()
    nothing, held = Decimal(0), Decimal("103.95")
    unexplained = ("contract C-7 was placed by somebody else",)
    with Ledger(path) as ledger:
        ledger.note(Certificate("demo-1", 0, MONDAY, MONDAY, 3, 4, held, nothing, nothing, nothing, held, unexplained))
        ledger.note(Audited(first.order, "demo-1", MONDAY, "explained", first.result))
        other = "lose" if second.result == "win" else "win"
        ledger.note(Audited(second.order, "demo-1", MONDAY, "unexplained", other, reason="exit 2 is in none"))
        ledger.verdict(Verdict("open", "absent", nothing, MONDAY, "Ada", "the broker's support"))


def test_a_report_says_what_is_not_accounted_for_not_explained_and_signed_for(tmp_path: Path, reports: Reports) -> None:
    path = kept(tmp_path, [*season(), order("UNKNOWN", order="open", bar=MONDAY - HOUR, wanted_at=1, sent_at=2)])
    certain(path)
    total = unwrapped(reports()[1].split("all paper USD\n")[1])
    for words in (
        "certificate demo-1 does NOT add up as of 2026-01-05 13:00:00: contract C-7 was placed by somebody else",
        "settlements 1 of 2 settlements is not explained by our ticks (50 %, 9.5–91)",
        "signed for 1 by somebody's word: open absent +0 by Ada",
    ):
        assert words in total, total


def unwrapped(text: str) -> str:
    return " ".join(text.split())


def test_a_report_says_of_each_key_and_in_total_what_the_trades_prove(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, season())
    code, out, error = reports()
    assert (code, error) == (0, "")
    head, key, rate, *rest = out.splitlines()
    assert head == "trades that ended from 2026-01-05 13:02 to 2026-01-06 09:02 (Europe/Istanbul)"
    assert key == "demo-1 EURUSD 1m (paper USD)"
    assert rate == "  win rate      55.8 % (46.9–64.4) vs break-even 54.1 %, n=120, ties 1"
    assert rest[-1] == NOTE
    total = unwrapped(out.split("all paper USD\n")[1])
    for words in (
        "win rate 55.8 % (46.9–64.4)",
        "belief above break-even with a chance of 65 % (flat prior), 1 % (sceptical prior: 50 % give or take 1.6 pp)",
        "for an edge, ×",
        "enough is ×20 (α 5 %, 121 slots)",
        "still needed independent trades: 3,709 more for an edge of 2 pp (26 days at the present rate)",
        "per unit staked (",
        "profit factor 1.07",
        "the equity stands above 64 % of runs without an edge",
        "slots lost in a row at worst (runs without an edge:",
        "by hour (Europe/Istanbul): 00h 0.850×6",
        "0.40 s from the bar's end to the entry on the median",
    ):
        assert words in total, words


def test_every_section_has_its_place_in_the_facts(tmp_path: Path, reports: Reports) -> None:
    path = kept(tmp_path, [*season(), order("UNKNOWN", order="open", bar=MONDAY - HOUR, wanted_at=1, sent_at=2)])
    certain(path)
    told = json.loads(reports("--json")[1])
    assert told["note"] == NOTE
    (key,), (total,) = told["keys"], told["totals"]
    assert (key["account"], key["product"], key["timeframe"], key["money"]) == ("demo-1", "EURUSD", "1m", "paper")
    assert len(total) == 2 + len(SECTIONS)
    assert total["win_rate"] | {"text": ""} == key["win_rate"] | {"text": ""}
    assert total["win_rate"]["wins"] == 67
    assert total["evidence"]["meaning"].startswith("a sceptic betting against break-even")
    assert total["expectancy"]["profit"] == "3.95"
    low, high = (total["expectancy"]["profit_interval"][end] for end in ("low", "high"))
    assert low < 3.95 < high
    assert total["luck"]["fan"]["equity"][-1] == pytest.approx(3.95)
    assert len(total["luck"]["fan"]["at"]) == len(total["luck"]["fan"]["bands"]["95 %"])
    assert total["payouts"]["hours"]["13"] == {"n": 6, "payout": pytest.approx(0.85)}
    assert total["not_counted"] == {"UNKNOWN": 1}
    assert total["entry_delay"]["costs"]["10s"] == pytest.approx(0.0024, abs=1e-4)


def test_accounts_that_trade_together_are_one_proof_and_one_losing_run(tmp_path: Path, reports: Reports) -> None:
    one, both = season(), [*season(), *season("demo-2")]
    kept(tmp_path, both, TWO)
    (total,) = json.loads(reports("--json")[1])["totals"]
    assert total["win_rate"]["n"] == 240
    assert total["win_rate"]["n_eff"] == pytest.approx(120)
    assert "n=240, n_eff=120, ties 2" in total["win_rate"]["text"]
    (alone,) = (sections for _, sections in report_of(one, plan_of(TWO)).totals)
    facts = {section.name: section.facts for section in alone}
    for same in ("evidence", "streaks"):
        assert total[same] == json.loads(json.dumps(facts[same]))
    for name in ("per_stake", "per_stake_interval"):
        assert total["expectancy"][name] == pytest.approx(facts["expectancy"][name])


def test_different_currencies_are_never_summed(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, [*season(), *season("euro", 40)], TWO)
    told = json.loads(reports("--json")[1])
    assert [(total["currency"], total["win_rate"]["n"]) for total in told["totals"]] == [("EUR", 40), ("USD", 120)]


def test_an_account_that_is_no_longer_in_the_flow_stands_by_itself(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, [*season(), *season("gone", 40)])
    assert "gone EURUSD 1m (paper)" in reports()[1]
    assert [total["currency"] for total in json.loads(reports("--json")[1])["totals"]] == [None, "USD"]


def test_keys_are_told_in_three_lines_and_fully_when_asked(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, [*season(), *season(product="BTCUSD", trades=30)])
    brief, full = reports()[1], reports("--full")[1]
    assert brief.count("by hour") == 1
    assert full.count("by hour") == 3
    assert brief.count("vs break-even") == full.count("vs break-even") == 3
    assert max(map(len, full.splitlines())) <= 120


def test_one_account_alone(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, [*season(), *season("demo-2", 30)], TWO)
    code, out, _ = reports("--account", "demo-2")
    assert code == 0
    assert "demo-1" not in out
    assert reports("--account", "demo-9") == (
        2,
        "",
        "account 'demo-9' has no orders; did you mean 'demo-2'?\n",
    )


@pytest.mark.parametrize("since", ["2026-01-06T03:02Z", "2026-01-06T06:02", "3h", "2026-01-06T09:02"])
def test_only_what_ended_since_a_moment(tmp_path: Path, reports: Reports, since: str) -> None:
    kept(tmp_path, season())
    (total,) = json.loads(reports("--json", "--since", since)[1])["totals"]
    expected = 1 if since.endswith("09:02") else 19
    assert total["win_rate"]["n"] + total["win_rate"]["ties"] == expected


def test_since_a_moment_after_all_trades_there_is_nothing_to_report(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, season(trades=3))
    code, out, _ = reports("--since", "2030-01-01T00:00Z")
    assert code == 0
    assert out.endswith(
        "has no settled trade since 2030-01-01T00:00Z, so there is nothing to report; ask for an earlier moment\n"
    )


def test_a_since_that_is_no_moment_says_how_to_write_one(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, season(trades=3))
    code, out, error = reports("--since", "yesterday")
    assert (code, out) == (2, "")
    assert error == "'yesterday' is not a moment; write it like 2026-01-05T08:00:00Z, or how far back, like 7d\n"


@pytest.mark.parametrize("orders", [[], [order("UNKNOWN")]])
def test_a_ledger_without_a_settled_trade_says_so(tmp_path: Path, reports: Reports, orders: list[Order]) -> None:
    path = kept(tmp_path, orders)
    code, out, _ = reports()
    assert code == 0
    sentence, *waiting = out.splitlines()
    assert sentence == f"{path} has no settled trade yet, so there is nothing to report; let the flow trade for a while"
    assert len(waiting) == len(orders)
    assert json.loads(reports("--json")[1])["note"] == NOTE


def test_one_trade_says_little_and_no_number_is_invented(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, [settled("demo-1", 0, "win")])
    code, out, _ = reports("--full")
    assert code == 0
    assert "100.0 % (20.7–100.0)" in out
    assert "profit factor unknown" in out
    assert "nan" not in out.lower().replace("not a forecast", "")
    (total,) = json.loads(reports("--json")[1])["totals"]
    assert total["expectancy"]["profit_interval"] is None
    assert [edge["days"] for edge in total["still_needed"]["edges"]] == [None, None]


def test_an_edge_once_shown_stays_shown_and_an_alarm_tells_that_it_went(tmp_path: Path, reports: Reports) -> None:
    words = ["win"] * 60 + ["lose"] * 90
    kept(tmp_path, [settled("demo-1", 10 * number, word) for number, word in enumerate(words)])
    said = unwrapped(reports()[1])
    assert "for an edge (×49.5 at the highest, so it is shown)" in said
    assert "the alarm of a rule that has stopped to pay is raised" in said
    (total,) = json.loads(reports("--json")[1])["totals"]
    assert (total["evidence"]["shown"], total["evidence"]["against_shown"]) == (True, False)
    assert total["evidence"]["retirement"]["raised"]


def test_ties_alone_are_no_win_rate(tmp_path: Path, reports: Reports) -> None:
    kept(tmp_path, [settled("demo-1", 0, "push")])
    assert "no decided trades yet, ties 1" in reports()[1]


def test_without_a_ledger_it_says_to_run_first(tmp_path: Path, reports: Reports) -> None:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    code, out, error = reports()
    assert (code, out) == (2, "")
    assert "run the flow first" in error


def test_it_changes_nothing(tmp_path: Path, reports: Reports) -> None:
    path = kept(tmp_path, season(trades=20))
    before = {file.name: hashlib.sha256(file.read_bytes()).digest() for file in path.parent.iterdir()}
    assert reports()[0] == reports("--json")[0] == 0
    after = {name: hashlib.sha256((path.parent / name).read_bytes()).digest() for name in before}
    assert after == before


def test_a_replay_is_told_from_its_folder_as_replay(tmp_path: Path, reports: Reports) -> None:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    with Results(tmp_path / "monday") as results:
        for each in season():
            assert results.intend(each)
    ((_, account),) = results.accounts()
    (total,) = json.loads(reports("--replay", "monday", "--json")[1])["totals"]
    assert total["money"] == "replay"
    assert total["win_rate"]["text"] == account.as_json()["win_rate"]
    assert total["evidence"]["times"] == pytest.approx(account.as_json()["evidence"])
    assert total["luck"]["drawdown"] == account.as_json()["drawdown"]
    assert "all replay USD" in reports("--replay", "monday")[1]


def test_what_replay_prints_of_an_account_is_what_report_says_of_its_folder(
    tmp_path: Path, reports: Reports, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    flow, out = str(tmp_path / "flows.toml"), str(tmp_path / "played")
    assert main(["replay", flow, "--for", "12h", "--out", out]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("demo-1: "))
    (total,) = json.loads(reports("--replay", "played", "--json")[1])["totals"]
    times = factor(total["evidence"]["times"])
    assert total["win_rate"]["n"] > 20
    assert line == (
        f"demo-1: {total['win_rate']['text']}; evidence ×{times}; "
        f"profit {total['expectancy']['profit']}, drawdown {total['luck']['drawdown']}"
    )


def test_a_replay_without_orders_says_so(tmp_path: Path, reports: Reports) -> None:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    with Results(tmp_path / "quiet"):
        pass
    assert reports("--replay", "quiet")[1].startswith("quiet has no settled trade yet")


def test_a_folder_that_is_no_replays_says_which_to_name(tmp_path: Path, reports: Reports) -> None:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    code, out, error = reports("--replay", "nowhere")
    assert (code, out) == (2, "")
    assert error == "nowhere holds no results of a replay; name the folder that `replay` told of\n"
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere" / ORDERS).write_bytes(b"no parquet")
    code, out, error = reports("--replay", "nowhere")
    assert (code, out) == (2, "")
    assert "cannot be read as a replay's orders" in error


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (1e-9, "under 0.01 %"), (0.0068, "0.7 %"), (0.054, "5 %"), (0.996, "over 99 %"), (1, "100 %")],
)
def test_shares_are_written_as_a_person_reads_them(share: float, text: str) -> None:
    assert percent(share) == text


def test_live_money_is_what_its_account_says_but_paper_at_a_venue_that_moves_nobodys() -> None:
    plan = plan_of(TWO)
    assert money_of("demo-1", plan) == "paper"
    live = replace(plan, settings=replace(plan.settings, mode="live"))
    assert money_of("demo-1", live) == "paper"
    assert money_of("never heard of", live) == "real"
    rehearsal = plan_of(
        TWO.replace('venue = "practice"', 'venue = "practice"\nmoney = "real"', 1).replace(
            "[moonlight]", '[moonlight]\nmode = "live"', 1
        )
    )
    assert money_of("demo-1", rehearsal) == "paper"
    elsewhere = replace(rehearsal, accounts={"demo-1": replace(rehearsal.accounts["demo-1"], venue="a broker")})
    assert money_of("demo-1", elsewhere) == "real"


def test_stakes_are_weighed_in_money(tmp_path: Path, reports: Reports) -> None:
    large = settled("demo-1", 505, "lose", stake="50.00", profit="-50.00")
    kept(tmp_path, [*season(), large])
    (total,) = json.loads(reports("--json")[1])["totals"]
    assert Decimal(total["expectancy"]["profit"]) == Decimal("3.95") - 50
    assert Decimal(total["luck"]["drawdown"]) >= 50
