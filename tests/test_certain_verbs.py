"""The verbs reconcile, verdict and audit: on a ledger alone, and beside an engine that runs."""

import csv
import json
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from math import comb
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.certainty.fairness import Fairness
from pipeline.evidence import Audited
from pipeline.ledger import Ledger
from pipeline.ledger.proofs import Proofs
from pipeline.ledger.reading import Reader
from pipeline.times import MINUTE
from pipeline.values import Order, Result
from tests.support import MONDAY, order
from tests.test_cli import FLOW, Shell
from tests.test_latches import running

Said = tuple[int, str, str]
Say = Callable[..., Said]
Verdicts = Literal["explained", "unexplained", "unseen"]
NAME = "demo-1:EURUSD:1m:1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows.toml").write_text(FLOW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def ledger(folder: Path) -> Path:
    return folder / "data" / "ledger.db"


@pytest.fixture
def say(folder: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    def run(*arguments: str) -> Said:
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def kept(ledger: Path, *orders: Order) -> None:
    with Ledger(ledger) as ledger_:
        for each in orders:
            ledger_.follow(each)


def unknown(**changes: Any) -> Order:
    wanted = changes.get("bar", MONDAY) + MINUTE
    facts = {"wanted_at": wanted, "sent_at": wanted, "request": "request-1", "reason": "no answer in time"}
    return order("UNKNOWN", **(facts | changes))


# --- verdict ---------------------------------------------------------------------------------------------------------


SIGNED = ("--reason", "the broker's support", "--by", "Ada", "--yes", NAME)


def test_a_verdict_shows_what_is_known_and_is_signed_for(ledger: Path, say: Say) -> None:
    kept(ledger, unknown())
    code, out, _ = say("verdict", NAME, "absent", *SIGNED)
    assert code == 0
    first, second, third, fourth, last = out.splitlines()
    assert first == f"order {NAME}: 1.00 call EURUSD at a payout of 0.9, UNKNOWN"
    assert second == "  the venue knows it as nobody knows, asked for as request-1"
    assert third == "  2026-01-05 10:01:00 UNKNOWN: no answer in time"
    assert fourth == "  what the venue lists for demo-1 was never gone through to its end"
    assert f"{NAME}: absent +0, signed by Ada [" in last
    assert last.endswith("]: the broker's support")
    with Proofs(ledger) as proofs:
        ((verdict, signature),) = proofs.verdicts()
    assert (verdict.outcome, verdict.profit, verdict.by) == ("absent", 0, "Ada")
    assert len(signature) == 64


@pytest.mark.parametrize(
    ("outcome", "profit"), [("win", "0.90"), ("lose", "-1.00"), ("push", "0"), ("canceled", "0"), ("absent", "0")]
)
def test_a_verdict_says_what_stake_and_payout_say_unless_told(
    ledger: Path, say: Say, outcome: str, profit: str
) -> None:
    kept(ledger, unknown())
    told = json.loads(say("verdict", NAME, outcome, *SIGNED, "--json")[1])
    assert (told["outcome"], Decimal(told["profit"])) == (outcome, Decimal(profit))


def test_whoever_lists_the_verdicts_is_told_whether_one_was_changed_afterwards(ledger: Path, say: Say) -> None:
    kept(ledger, unknown(), unknown(order="second", bar=MONDAY + MINUTE, request="request-2"))
    assert say("verdict")[1] == "nobody has signed for an order so far\n"
    say("verdict", NAME, "win", "--profit", "0.87", *SIGNED)
    say("verdict", "second", "lose", "--reason", "statement", "--by", "Ada", "--yes", "second")
    code, out, _ = say("verdict")
    assert code == 0
    assert out.splitlines()[-1] == "every signature fits its row and the one before it"
    db = sqlite3.connect(ledger)
    db.execute("UPDATE verdicts SET profit = '8.70' WHERE seq = 1")
    db.commit()
    db.close()
    code, out, _ = say("verdict")
    assert code == 1
    does_not_fit = "does not fit: a row was changed, put in or taken out"
    assert out.splitlines()[-1] == f"the signature of {NAME} by Ada {does_not_fit}"
    assert json.loads(say("verdict", "--json")[1])["whole"] is False


@pytest.mark.parametrize(
    "verb", [("verdict",), ("audit",), ("prune", "--before", "1d"), ("report",), ("why", "--last")]
)
def test_a_damaged_ledger_is_told_in_a_sentence(ledger: Path, say: Say, verb: tuple[str, ...]) -> None:
    kept(ledger, unknown())
    page, whole = 4096, bytearray(ledger.read_bytes())
    for begin in range(page, len(whole), page):
        whole[begin : begin + page] = b"\xaa" * page
    ledger.write_bytes(bytes(whole))
    code, _, error = say(*verb)
    assert code == 1
    assert "damaged" in error or "cannot be read" in error
    assert "put a backup in its place (`restore`)" in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((NAME,), "say what became of it; write absent, win, lose, push or canceled"),
        ((NAME, "won"), "'won' is no outcome; write absent, win, lose, push or canceled"),
        ((NAME, "win"), "nothing is signed without a reason; say with --reason what it rests on"),
        ((NAME, "win", "--reason", "x"), f"a verdict is signed at a terminal, or with --yes {NAME} in a script"),
        (("other", "win"), "the ledger has no order 'other'; did you mean"),
        ((NAME, "win", "--profit", "-1", "--reason", "x"), "--profit -1 is none of win; write an amount above 0"),
        ((NAME, "lose", "--profit", "1", "--reason", "x"), "--profit 1 is none of lose; write an amount below 0"),
        ((NAME, "push", "--profit", "many", "--reason", "x"), "--profit many is none of push; write an amount of 0"),
        ((NAME, "win", "--profit", "1e30", "--reason", "x"), "--profit 1e30 is none of win; write an amount above 0"),
        ((NAME, "win", "--profit", "87", "--reason", "x"), "--profit 87 cannot be of a stake of"),
        ((NAME, "lose", "--profit", "-87", "--reason", "x"), "--profit -87 cannot be of a stake of"),
        (("ended", "win"), "order ended is SETTLED (win +0.90); only UNKNOWN and UNKNOWN_RESULT can be signed for"),
        (("taken", "absent"), "order taken has contract C-1, so it is not absent; say how it ended"),
    ],
)
def test_a_verdict_that_cannot_be_signed_says_why(
    ledger: Path, say: Say, arguments: tuple[str, ...], sentence: str
) -> None:
    kept(
        ledger,
        unknown(),
        order("SETTLED", order="ended", bar=MONDAY + MINUTE, result="win", profit="0.90"),
        order("UNKNOWN_RESULT", order="taken", bar=MONDAY + 2 * MINUTE, contract="C-1"),
    )
    code, out, error = say("verdict", *arguments)
    assert (code, out if "terminal" not in sentence else "") == (2, "")
    assert sentence in error if "mean" not in sentence else error.startswith("the ledger has no order 'other'; ")
    with Proofs(ledger) as proofs:
        assert not proofs.verdicts()


def test_another_name_typed_signs_nothing(ledger: Path, say: Say) -> None:
    kept(ledger, unknown())
    code, _, error = say("verdict", NAME, "absent", "--reason", "x", "--yes", "demo-1")
    assert (code, error) == (1, f"'demo-1' is not '{NAME}': nothing was signed\n")


def test_a_verdict_given_while_nothing_runs_holds_from_the_next_start_on(ledger: Path, say: Say) -> None:
    kept(ledger, unknown())
    say("verdict", NAME, "absent", *SIGNED)
    assert say("reconcile")[0] == 0
    reader = Reader(ledger)
    found = reader.order(NAME)
    reader.close()
    assert found is not None
    assert (found.state, found.cause, found.reason) == ("ABORT", "absent", "Ada: the broker's support")


def test_a_signed_win_the_venue_knows_nothing_of_does_not_add_up(ledger: Path, say: Say) -> None:
    kept(ledger, unknown())
    assert say("reconcile")[0] == 0
    other = "demo-1:EURUSD:1m:2"
    kept(ledger, unknown(order=other, bar=MONDAY + 10 * MINUTE, request="request-2", at=MONDAY + 11 * MINUTE))
    say("verdict", other, "win", "--reason", "wishes", "--by", "Ada", "--yes", other)
    code, out, _ = say("reconcile")
    assert code == 1
    assert "0.90 less than is accounted for" in out


# --- reconcile -------------------------------------------------------------------------------------------------------


def test_reconcile_alone_certifies_every_account_of_a_new_flow(ledger: Path, say: Say) -> None:
    code, out, error = say("reconcile")
    assert code == 0, error
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0].endswith(": sound")
    assert lines[1] == "0 intents of ours, 0 contracts at the venue"
    assert [line.split()[0] for line in lines[2:]] == ["opening", "trades", "cash", "open", "closing"]
    assert lines[-1].split() == ["closing", "1000.00", "USD"]
    assert error == "asking the venues of demo-1 …\n"


def test_reconcile_ends_what_an_engine_that_was_killed_left_unknown(ledger: Path, say: Say) -> None:
    wanted = MONDAY + MINUTE
    kept(ledger, order("SEND", order=NAME, wanted_at=wanted, sent_at=wanted, request="request-1"))
    code, out, _ = say("reconcile", "--json")
    assert code == 0, out
    reader = Reader(ledger)
    found = reader.order(NAME)
    reader.close()
    assert found is not None
    assert (found.state, found.cause) == ("ABORT", "absent")


EXPLAINED = ("--explain", "50.00", "--account", "demo-1", "--reason", "a deposit by hand", "--by", "Ada")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--account", "demo-9"), "there is no account 'demo-9'; did you mean 'demo-1'?"),
        (("--explain", "5", "--reason", "x"), "--explain is about one account; name it with --account"),
        (("--explain", "5", "--account", "demo-1"), "nothing is signed without a reason; say with --reason what"),
        (("--explain", "some", "--account", "demo-1", "--reason", "x"), "--explain some is no amount; write one like"),
        (("--explain", "1e30", "--account", "demo-1", "--reason", "x"), "--explain 1e30 is no amount; write one like"),
        (("--explain", "1_0", "--account", "demo-1", "--reason", "x"), "--explain 1_0 is no amount; write one like"),
        (("--reason", "a deposit"), "--reason and --by are of money that --explain signs for"),
    ],
)
def test_what_reconcile_cannot_do_it_says(say: Say, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, error = say("reconcile", *arguments)
    assert (code, out) == (2, "")
    assert sentence in error


def test_a_venue_that_cannot_list_cannot_be_reconciled(folder: Path, say: Say) -> None:
    flow = FLOW.replace('use = "practice"', 'use = "practice"\nevidence = { lists = false }')
    (folder / "flows.toml").write_text(flow, encoding="utf-8")
    code, _, error = say("reconcile")
    assert (code, error) == (
        2,
        "practice cannot list contracts, so nothing can be certified; look at the venue's own pages\n",
    )


@pytest.fixture(scope="module")
def shell() -> Shell:
    return Shell()


def test_an_engine_is_asked_while_it_runs_and_money_nobody_told_of_is_named_until_somebody_signs_for_it(
    folder: Path, say: Say, shell: Shell
) -> None:
    came = '{ what = "deposit", after = "20m", account = "demo-1", amount = "50.00", told = false }'
    venue = f'use = "practice"\nmemory = "broker.db"\nfaults = [{came}]'
    (folder / "flows.toml").write_text(FLOW.replace('use = "practice"', venue), encoding="utf-8")
    with running(shell, folder, "--record", "tape") as flow:
        flow.until(lambda line: line["what"] == "decision")
        code, out, error = say("reconcile", "--json")
        assert code == 0, error
        assert json.loads(out)["demo-1"]["sound"] is True
        flow.until(lambda line: line["what"] == "decision" and line["bar"] > MONDAY + 20 * MINUTE)
        code, out, _ = say("reconcile")
        assert code == 1
        assert ": NOT SOUND" in out
        assert ", 50.00 more than is accounted for: a deposit, a bonus or a correction nobody told of" in out
        flow.until(lambda line: "demo-1 does NOT add up as of" in line.get("text", ""))
        code, _, error = say("reconcile", *EXPLAINED)
        assert code == 2
        assert error.endswith("\nan engine runs on this flow, which would not hear of it; end it first\n")
        flow.process.terminate()
        flow.until(lambda line: line["what"] == "summary")
    assert say("verify", "tape")[0] == 0  # what was asked for is on the recording
    assert say("reconcile")[0] == 1  # asking again explains nothing
    code, out, _ = say("reconcile", *EXPLAINED)
    assert code == 0, out
    assert [line.split() for line in out.splitlines() if "cash" in line] == [["cash", "+50.00"]]
    assert say("reconcile")[0] == 0


# --- audit -----------------------------------------------------------------------------------------------------------


VERDICTS: dict[str, tuple[Verdicts, Result | None]] = {
    "e": ("explained", "lose"),
    "u": ("unexplained", "win"),
    "n": ("unseen", None),
}


def audited(ledger: Path, letters: str) -> None:
    """Contracts that were lost, a minute apart: e explained, u unexplained (a win by our ticks), n not seen."""
    with Ledger(ledger) as ledger_:
        for number, letter in enumerate(letters):
            bar = MONDAY + number * MINUTE
            facts = {"result": "lose", "profit": "-1.00", "entry_ts": bar, "entry": 1.1, "exit_ts": bar, "exit": 1.05}
            ledger_.follow(
                order("SETTLED", order=f"{number}", bar=bar, expiry=bar + 2 * MINUTE, contract=f"C-{number}", **facts)
            )
            verdict, result = VERDICTS[letter]
            reason = "exit 1.05 is in none of our ticks" if letter == "u" else ""
            ledger_.note(Audited(f"{number}", "demo-1", bar, verdict, result, bar + 1, 1.1, bar + 2, 1.2, reason))


def test_an_audit_without_a_contract_says_that_nothing_could_be_held_against_our_ticks(ledger: Path, say: Say) -> None:
    audited(ledger, "nn")
    assert say("audit")[:2] == (0, "no settlement could be held against our ticks (2 unseen)\n")


def test_settlements_that_nothing_audited_are_counted_and_not_claimed(ledger: Path, say: Say) -> None:
    kept(ledger, *(order("SETTLED", order=f"old-{n}", bar=MONDAY - n * MINUTE, result="win") for n in range(1, 4)))
    kept(ledger, order("ABORT", order="none", bar=MONDAY - 9 * MINUTE))
    assert say("audit")[1] == "no settlement could be held against our ticks (0 unseen); 3 more have no audit\n"
    audited(ledger, "ee")
    code, out, _ = say("audit")
    assert (code, out.startswith("all 2 settlements are explained"), out.endswith("; 3 more have no audit\n")) == (
        0,
        True,
        True,
    )
    assert json.loads(say("audit", "--json")[1])["unaudited"] == 3
    assert json.loads(say("audit", "--account", "demo-1", "--since", "1m", "--json")[1])["unaudited"] == 0


def test_an_audit_counts_what_is_not_explained_whom_it_costs_and_how_often_luck_would(ledger: Path, say: Say) -> None:
    audited(ledger, "eeeueeuen")
    code, out, _ = say("audit")
    assert code == 1
    first, *rest = out.splitlines()
    assert first == (
        "2 of 8 settlements are not explained by our ticks (25 %, 7.1–59); both are against you, as luck would have it "
        "in 25 % of cases; they cost 3.80; 1 more were not seen by our ticks"
    )
    assert [line.split()[2] for line in rest] == ["3", "6"]
    assert rest[0].endswith("3 (C-3), cost +1.90: exit 1.05 is in none of our ticks")
    told = json.loads(say("audit", "--json")[1])
    assert (told["against"], told["favour"], told["by_luck"]) == (2, 0, 0.25)
    assert [each["order"] for each in told["contracts"]] == ["3", "6"]


def test_an_honest_venue_has_nothing_unexplained_and_the_audit_says_how_sure_that_is(ledger: Path, say: Say) -> None:
    audited(ledger, "e" * 40)
    code, out, _ = say("audit")
    assert (code, out) == (
        0,
        "all 40 settlements are explained by our ticks (of such settlements at the most 8.8 % are not, at 95 %)\n",
    )


def test_the_file_for_the_broker_has_both_sides_prices_and_stamps(folder: Path, ledger: Path, say: Say) -> None:
    audited(ledger, "eun")
    code, out, _ = say("audit", "--out", "odd.csv")
    assert (code, out.splitlines()[-1]) == (1, "odd.csv: 1 contracts")
    with (folder / "odd.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["order"], row["contract"], row["timeframe"]) == ("1", "C-1", "1m")
    assert (row["accepted_at"], row["expiry"]) == ("2026-01-05T10:02:00.000Z", "2026-01-05T10:03:00.000Z")
    assert (row["venue_exit_at"], row["venue_exit"], row["venue_result"]) == (
        "2026-01-05T10:01:00.000Z",
        "1.05",
        "lose",
    )
    assert (row["our_exit_at"], row["our_exit"], row["our_result"]) == ("2026-01-05T10:01:00.002Z", "1.2", "win")
    assert (row["cost"], row["verdict"], row["reason"]) == ("1.90", "unexplained", "exit 1.05 is in none of our ticks")
    code, _, error = say("audit", "--out", "odd.csv")
    assert (code, error) == (
        2,
        "odd.csv exists already; name another file with --out, or write over it with --force\n",
    )
    assert say("audit", "--out", "odd.csv", "--force", "--all")[1].endswith("odd.csv: 3 contracts\n")
    before = ledger.read_bytes()
    for other, is_ in ((ledger, "there and no table of ours"), (ledger.parent, "a folder")):
        code, _, error = say("audit", "--out", str(other), "--force")
        assert (code, error.startswith(f"{other} is {is_}; name ")) == (2, True)
    assert ledger.read_bytes() == before
    assert say("audit", "--all")[0] == 2


def test_an_audit_can_be_of_one_account_and_of_late(ledger: Path, say: Say) -> None:
    audited(ledger, "ueee")
    assert say("audit", "--since", "1m")[1].startswith("all 2 settlements are explained")
    assert say("audit", "--account", "demo-1")[0] == 1
    assert say("audit", "--account", "demo-2")[::2] == (2, "account 'demo-2' has no orders; did you mean 'demo-1'?\n")
    assert "or how far back, like 7d" in say("audit", "--since", "lately")[2]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 400))
@settings(max_examples=40, deadline=None)
def test_the_chance_of_one_sided_mistakes_is_that_of_as_many_coins(against: int, favour: int, explained: int) -> None:
    found = Fairness(explained=explained, against=against, favour=favour)
    sided = against + favour
    tosses = [comb(sided, heads) for heads in range(sided + 1)]
    assert found.by_luck == pytest.approx(sum(tosses[against:]) / sum(tosses))
    if found.judged:
        share = found.unexplained / found.judged
        assert found.share.low <= share <= found.share.high
        assert str(found.judged) in str(found).replace(",", "")
