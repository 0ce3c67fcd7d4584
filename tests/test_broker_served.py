"""The practice venue as a program: what it remembers, who may change it, and what goes wrong by its own will."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.__main__ import main
from pipeline.broker.app import Served, serving
from pipeline.broker.core import Broker
from pipeline.broker.faults import PLACES, Fault
from pipeline.broker.limits import Limits, Rule
from pipeline.broker.reading import settings_of
from pipeline.broker.replayed import replayed
from pipeline.broker.settings import Settings
from pipeline.broker.store import Store
from pipeline.broker.values import Entry, Refusal, Stage
from pipeline.errors import InputError, PlanError
from pipeline.journal import FORMAT, HEADER, LINES, Header, Line, plain
from pipeline.market import Market
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.venues.faults import Storm
from tests.support import ROOT
from tests.test_broker_core import MONDAY, at, bought, wish

PATIENCE = 20.0
ANY_PORT = Settings(port=0)


# --- what it remembers -----------------------------------------------------------------------------------------------


def play(main: Any) -> None:
    asyncio.run(asyncio.wait_for(main, PATIENCE))


def test_a_venue_that_is_started_again_goes_on_with_its_contracts_its_money_and_its_clock(tmp_path: Path) -> None:
    outside = [MONDAY]

    async def main() -> None:
        told = Settings(port=0, speed=60.0)
        async with serving(told, tmp_path, wall=lambda: outside[0]) as venue:
            contract = bought(venue.broker, lasts=MINUTE)
            made = venue.broker.create("demo-1", "USD", "demo").account
            venue.broker.move(made, Decimal("5.00"), "a gift")
            before = venue.broker.entries("demo-1")
        outside[0] += 2 * SECOND  # two minutes there
        async with serving(told, tmp_path, wall=lambda: outside[0]) as venue:
            assert MONDAY + 2 * MINUTE <= venue.broker.now() < MONDAY + 20 * MINUTE
            ended = venue.broker.contract("demo-1", contract.id)
            assert ended is not None
            assert ended.status in ("won", "lost")
            assert ended.sold_at == contract.expiry + SECOND
            assert venue.broker.entries("demo-1")[: len(before)] == before
            assert venue.broker.balance("demo-1") == Decimal("9990.00") + ended.sold_for
            assert venue.broker.balance(made) == Decimal("10005.00")
            assert int(bought(venue.broker).id) == int(contract.id) + 1

    play(main())


def test_a_fast_clock_does_not_run_on_while_nobody_is_there_for_long_and_a_true_one_does(tmp_path: Path) -> None:
    outside = [MONDAY]

    async def main() -> None:
        for speed, passed in ((60.0, 0), (1.0, 8 * HOUR)):
            told, folder = Settings(port=0, speed=speed), tmp_path / str(speed)
            folder.mkdir()
            async with serving(told, folder, wall=lambda: outside[0]) as venue:
                left = venue.broker.now()
            outside[0] += 8 * HOUR
            async with serving(told, folder, wall=lambda: outside[0]) as venue:
                assert 0 <= venue.broker.now() - left - passed < 5 * MINUTE

    play(main())


def test_two_venues_cannot_have_one_book(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ANY_PORT, tmp_path):
            with pytest.raises(InputError, match="end what uses it, or name another file"):
                async with serving(ANY_PORT, tmp_path):
                    raise AssertionError("it was opened")

    play(main())


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ANY_PORT) as venue:
            with pytest.raises(InputError, match=rf"cannot listen on 127.0.0.1:{venue.port} \([^\[(]+\); choose"):
                async with serving(replace(ANY_PORT, port=venue.port), tmp_path):
                    raise AssertionError("it listened")

    play(main())


@contextmanager
def started(folder: Path, *options: str) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A venue in a process of its own, and what it says of itself."""
    command = [sys.executable, "-m", "pipeline", "venue", "serve", "--port", "0", "--json", "--folder", str(folder)]
    process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def test_a_venue_that_is_killed_has_lost_no_contract_it_sold(tmp_path: Path) -> None:
    async def ask(method: str, url: str, path: str, **asked: Any) -> Any:
        token = {"Authorization": f"Bearer {(tmp_path / 'admin.token').read_text()}"}
        async with ClientSession() as session, session.request(method, url + path, headers=token, **asked) as answer:
            assert answer.status == 200
            return await answer.json()

    by_hand = {"account": "demo-1", "product": "R_100", "amount": "7.00", "lasts": "15s"}
    with started(tmp_path, "--speed", "60") as (process, said):
        sold = asyncio.run(ask("POST", said["url"], "/admin/external", json=by_hand))
        process.send_signal(signal.SIGKILL) if os.name == "posix" else process.kill()
        process.wait(timeout=PATIENCE)
    with started(tmp_path, "--speed", "60") as (process, said):
        lines = asyncio.run(ask("GET", said["url"], "/admin/entries", params={"account": "demo-1"}))
        process.terminate()
        assert process.wait(timeout=PATIENCE) == (0 if os.name == "posix" else 1)
    assert [each["contract"] for each in lines if each["kind"] == "buy"] == [sold["id"]]
    numbers = [int(each["number"]) for each in lines]
    assert numbers == sorted(set(numbers))


@pytest.mark.skipif(os.name != "posix", reason="a file's size is limited by a shell")
def test_a_venue_whose_disk_is_full_ends_with_a_sentence_and_has_what_it_sold(tmp_path: Path) -> None:
    command = f"ulimit -f 72; exec {sys.executable} -m pipeline venue serve --port 0 --json --folder {tmp_path}"
    pipe = subprocess.PIPE
    process = subprocess.Popen(["bash", "-c", command], cwd=ROOT, text=True, stdout=pipe, stderr=pipe)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        by_hand = {"account": "demo-1", "product": "R_100", "amount": "1.00"}

        async def fill() -> list[str]:
            token = {"Authorization": f"Bearer {(tmp_path / 'admin.token').read_text()}"}
            sold: list[str] = []
            async with ClientSession(headers=token) as session:
                while True:
                    async with session.post(f"{url}/admin/external", json=by_hand) as answer:
                        if answer.status != 200:
                            assert answer.status == 503
                            return sold
                        sold.append((await answer.json())["id"])

        sold = asyncio.run(asyncio.wait_for(fill(), PATIENCE))
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "the venue cannot write to its memory" in said
    assert "Traceback" not in said
    store = Store.opened(tmp_path / "venue.db")
    assert sold == list(store.left(MONDAY).book.deals)
    store.close()


# --- who may change it -----------------------------------------------------------------------------------------------


async def asked(venue: Served, method: str, path: str, *, token: bool = True, **said: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {venue.admin}"} if token else {}
    headers |= said.pop("headers", {})
    async with ClientSession() as session, session.request(method, venue.url + path, headers=headers, **said) as answer:
        return answer.status, await answer.json()


def test_anybody_may_ask_the_time_and_only_who_can_read_the_token_anything_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ANY_PORT, tmp_path) as venue:
            status, clock = await asked(venue, "GET", "/admin/clock", token=False)
            assert (status, clock["speed"], set(clock)) == (200, 1.0, {"now_ms", "speed"})
            assert (await asked(venue, "GET", "/admin/state", token=False))[0] == 401
            assert (await asked(venue, "POST", "/admin/faults", token=False, json={"what": "lost_ack"}))[0] == 401
            assert (await asked(venue, "GET", "/admin/state"))[0] == 200
            if os.name == "posix":
                assert (tmp_path / "admin.token").stat().st_mode & 0o077 == 0

    play(main())


def test_a_page_of_another_site_in_a_browser_here_is_sent_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ANY_PORT, tmp_path) as venue:
            for headers, status in (
                ({"Host": "evil.example"}, 421),
                ({"Origin": "https://evil.example"}, 403),
                ({"Origin": venue.url}, 200),
            ):
                assert (await asked(venue, "GET", "/admin/clock", headers=headers))[0] == status

    play(main())


def test_money_and_contracts_by_hand_come_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ANY_PORT, tmp_path) as venue:
            gift: dict[str, Any] = {"account": "demo-1", "amount": "50.00"}
            assert (await asked(venue, "POST", "/admin/deposit", json=gift))[1]["balance"] == "10050.00"
            assert (await asked(venue, "POST", "/admin/withdrawal", json=gift))[1]["balance"] == "10000.00"
            assert (await asked(venue, "POST", "/admin/withdrawal", json=gift | {"amount": "99999.00"}))[0] == 409
            for wrong in (
                {"account": "nobody"},
                {"amount": "-1.00"},
                {"amount": "0.001"},
                {"amount": "x"},
                {"more": 1},
            ):
                status, said = await asked(venue, "POST", "/admin/deposit", json=gift | wrong)
                assert status in (400, 404)
                assert said["error"]
            by_hand = {"account": "demo-2", "product": "R_10", "amount": "3.00", "direction": "put"}
            status, made = await asked(venue, "POST", "/admin/external", json=by_hand)
            assert (status, made["direction"], made["stake"]) == (200, "put", "3.00")
            assert (await asked(venue, "POST", "/admin/external", json=by_hand | {"product": "X"}))[0] == 409
            assert (await asked(venue, "GET", "/admin/entries?account=nobody"))[0] == 404

    play(main())


def test_a_fault_is_set_by_the_words_of_the_file_and_what_struck_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(ANY_PORT, tmp_path) as venue:
            fault = {"what": "lost_ack", "account": "demo-2", "nth": 2}
            assert await asked(venue, "POST", "/admin/faults", json=fault) == (200, fault)
            for account in ("demo-2", "demo-1", "demo-2", "demo-2"):
                venue.broker.meet("order", account)
            _, shown = await asked(venue, "GET", "/admin/faults")
            assert [(each["what"], each["account"], each["number"]) for each in shown["struck"]] == [
                ("lost_ack", "demo-2", 3)
            ]
            assert shown["set"] == []
            for wrong, word in (
                ({"what": "lost_akc"}, "did you mean 'lost_ack'"),
                ({"what": "lost_ack", "nht": 2}, "did you mean 'nth'"),
                ({"what": "lost_ack", "lasts": "3s"}, "write nth and times"),
                ({"what": "lost_ack", "account": "demo-9"}, "demo-1"),
                ({"what": "tick_gap", "lasts": "3s"}, "product"),
                ({}, "needs what"),
            ):
                status, said = await asked(venue, "POST", "/admin/faults", json=wrong)
                assert status in (400, 404)
                assert word in said["error"]
            assert (await asked(venue, "POST", "/admin/faults", data=b"[" * 10_000))[0] == 400
            await asked(venue, "POST", "/admin/faults", json={"what": "outage"})
            assert venue.broker.during("outage") is not None
            await asked(venue, "DELETE", "/admin/faults")
            assert venue.broker.during("outage") is None

    play(main())


# --- what goes wrong by its own will ---------------------------------------------------------------------------------


def test_a_fault_strikes_its_own_account_from_its_own_number_on_so_often_and_no_more() -> None:
    async def main(broker: Broker) -> None:
        broker.set(Fault(what="price_moved", account="demo-1", nth=2, times=2))
        met = [broker.meet("order", account) for account in ("demo-1", "demo-2", "demo-1", "demo-1", "demo-1")]
        assert [each.fault is not None for each in met] == [False, False, True, True, False]
        assert [each.number for each in met] == [1, 2, 3, 4, 5]

    at(MONDAY, main)


def test_of_two_faults_of_one_order_the_second_strikes_the_next() -> None:
    async def main(broker: Broker) -> None:
        for what in ("lost_ack", "price_moved"):
            broker.set(Fault(what=what))  # pyright: ignore[reportArgumentType]
        met = [broker.meet("order", "demo-1").fault for _ in range(3)]
        assert [None if each is None else each.what for each in met] == ["lost_ack", "price_moved", None]

    at(MONDAY, main)


def test_a_time_of_trouble_begins_and_ends_on_the_venues_clock() -> None:
    async def main(broker: Broker) -> None:
        broker.set(Fault(what="maintenance", after="10s", lasts="20s"))
        seen: list[bool] = []
        for _ in range(4):
            seen.append(broker.during("maintenance") is not None)
            await asyncio.sleep(9)
        assert seen == [False, False, True, True]
        await asyncio.sleep(3)
        assert broker.during("maintenance") is None
        assert [each.fault.what for each in broker.faults.struck] == ["maintenance"]

    at(MONDAY, main)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("lost_settlement", []),
        ("duplicate_settlement", [16, 26]),
        ("late_settlement", [26]),
        ("reordered_settlement", [26]),
    ],
)
def test_the_end_of_a_contract_is_told_not_at_all_twice_or_late_and_the_money_is_there_all_the_same(
    what: str, told: list[int]
) -> None:
    async def main(broker: Broker) -> None:
        broker.set(Fault(what=what, account="demo-1", late="10s"))  # pyright: ignore[reportArgumentType]
        heard: list[int] = []
        broker.watch("demo-1", lambda each: heard.append((broker.now() - MONDAY) // SECOND) if _sold(each) else None)
        contract = bought(broker, lasts=15 * SECOND, number=broker.meet("order", "demo-1").number)
        await asyncio.sleep(60)
        assert heard == told
        ended = broker.contract("demo-1", contract.id)
        assert ended is not None
        assert ended.is_sold
        assert [each.kind for each in broker.entries("demo-1")] == ["deposit", "buy", "sell"]

    at(MONDAY, main)


def _sold(news: Entry | Stage) -> bool:
    return isinstance(news, Entry) and news.kind == "sell"


def test_a_wrong_settlement_is_at_another_price_and_a_changed_one_takes_the_win_back() -> None:
    async def main(broker: Broker) -> None:
        won = [each for each in _ends(broker, await _sample(broker, 8, "")) if each.status == "won"]
        assert len(won) == 4  # of a call and a put one wins
        struck = _ends(broker, await _sample(broker, 8, "changed_settlement"))
        assert {each.status for each in struck} == {"lost"}
        assert broker.balance("demo-1") == broker.entries("demo-1")[-1].balance_after
        assert "adjustment" in {each.kind for each in broker.entries("demo-1")}
        shifted = _ends(broker, await _sample(broker, 8, "wrong_settlement"))
        assert {each.status for each in shifted} == {"lost"}

    at(MONDAY, main)


async def _sample(broker: Broker, count: int, what: str) -> list[str]:
    if what:
        broker.set(Fault(what=what, times=count, shift=0.5 if what == "wrong_settlement" else None))  # pyright: ignore[reportArgumentType]
    made: list[str] = []
    for turn in range(count):
        number, direction = broker.meet("order", "demo-1").number, ("call", "put")[turn % 2]
        made.append(bought(broker, lasts=15 * SECOND, number=number, direction=direction).id)
    await asyncio.sleep(HOUR / SECOND)
    return made


def _ends(broker: Broker, names: list[str]) -> list[Any]:
    return [each for each in broker.ended_contracts("demo-1") if each.id in names]


def test_what_others_do_on_an_account_happens_at_its_time_if_the_account_can_pay_it() -> None:
    async def main(broker: Broker) -> None:
        broker.set(Fault(what="deposit", account="demo-1", amount=Decimal("7.00"), after="10s"))
        broker.set(Fault(what="withdrawal", account="demo-1", amount=Decimal("99999.00"), after="20s"))
        broker.set(Fault(what="external", account="demo-1", product="R_10", amount=Decimal("3.00"), after="30s"))
        broker.set(Fault(what="external", account="demo-1", product="frxEURUSD", after="40s"))  # not for a minute
        await asyncio.sleep(50)
        lines = [(each.kind, each.amount, each.at - MONDAY) for each in broker.entries("demo-1")[1:]]
        assert lines == [("deposit", Decimal("7.00"), 10 * SECOND), ("buy", Decimal("-3.00"), 30 * SECOND)]
        assert [each.fault.what for each in broker.faults.struck] == ["deposit", "external"]
        assert [each.what for each in broker.faults.waiting()] == ["withdrawal", "external"]

    at(MONDAY, main)


def test_a_venue_that_is_closed_does_nothing_more() -> None:
    async def main(broker: Broker) -> None:
        broker.set(Fault(what="deposit", account="demo-1", after="10s"))
        bought(broker, lasts=15 * SECOND)
        broker.close()
        await asyncio.sleep(60)
        assert [each.kind for each in broker.entries("demo-1")] == ["deposit", "buy"]

    at(MONDAY, main)


def test_a_gap_is_heard_by_nobody_and_lies_in_the_history_too() -> None:
    async def main(broker: Broker) -> None:
        broker.set(Fault(what="tick_gap", product="R_100", after="10s", lasts="10s"))
        heard: list[int] = []
        broker.watch_ticks("R_100", lambda tick: heard.append((tick.at - MONDAY) // SECOND))
        await asyncio.sleep(24.5)
        assert heard == [2, 4, 6, 8, 20, 22, 24]
        kept = [(tick.at - MONDAY) // SECOND for tick in broker.ticks("R_100", MONDAY + 1, MONDAY + HOUR)]
        assert kept == heard
        assert [(each.fault.what, each.at - MONDAY) for each in broker.faults.struck] == [("tick_gap", 10 * SECOND)]

    at(MONDAY, main)


def test_a_storm_draws_the_same_faults_for_the_same_seed_and_others_move_the_money() -> None:
    storm = Storm(seed=5, lost_ack=0.3, lost_settlement=0.3, deposit=20.0, external=20.0)

    async def main(broker: Broker) -> tuple[list[str], Decimal]:
        met = [broker.meet("order", "demo-1").fault for _ in range(40)]
        await asyncio.sleep(2 * 3600)
        assert {each.kind for each in broker.entries("demo-1")} >= {"deposit", "buy"}
        return ["" if each is None else each.what for each in met], broker.balance("demo-1")

    told = replace(Settings(), storm=storm)
    first = at(MONDAY, main, told)
    assert first == at(MONDAY, main, told)
    assert 5 <= first[0].count("lost_ack") <= 20
    assert first != at(MONDAY, main, replace(told, storm=replace(storm, seed=6)))


def test_every_kind_of_fault_has_one_place() -> None:
    kinds = [what for several in PLACES.values() for what in several]
    assert len(kinds) == len(set(kinds))


# --- how often it may be asked ---------------------------------------------------------------------------------------

RULES = (
    Rule("trading", frozenset({"buy", "proposal"}), ((5, SECOND), (12, 10 * SECOND))),
    Rule("rest", frozenset({"rest"}), ((6, 5 * SECOND),), "address"),
    Rule("others", frozenset(), ((4, SECOND),)),
)
ASKED = st.lists(
    st.tuples(
        st.sampled_from(["buy", "proposal", "rest", "ticks"]), st.sampled_from(["a", "b"]), st.integers(0, 2 * SECOND)
    ),
    max_size=120,
)


@given(asked=ASKED)
@settings(max_examples=60)
def test_no_stretch_of_time_has_more_calls_than_its_rule_and_waiting_as_told_is_enough(
    asked: list[tuple[str, str, int]],
) -> None:
    limits, now = Limits(RULES), 0
    taken: dict[tuple[str, str], list[int]] = {}
    for call, account, gap in asked:
        now += gap
        wait = limits.take(call, now, account=account, address="here")
        rule = next(each for each in RULES if call in each.calls or not each.calls)
        if wait is not None:
            now += wait
            assert limits.take(call, now, account=account, address="here") is None
        times = taken.setdefault((rule.name, account if rule.scope == "account" else ""), [])
        times.append(now)
        for most, span in rule.most:
            assert sum(each > now - span for each in times) <= most


def test_a_venue_that_does_not_count_refuses_nothing() -> None:
    async def main(broker: Broker) -> None:
        assert {broker.take("buy", account="demo-1") for _ in range(1_000)} == {None}

    at(MONDAY, main, Settings(limits=False))


# --- its file --------------------------------------------------------------------------------------------------------


def test_everything_that_is_wrong_with_a_venues_file_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "venue.toml"
    path.write_text(
        'sped = 3\nmin_stake = 4\n[[faults]]\nwhat = "lost"\n[accounts.a]\n'
        'balance = "1.005"\n[accounts.b]\nkind = "fun"\n'
    )
    with pytest.raises(PlanError) as wrong:
        settings_of(path, {"speed": 0.0})
    told = str(wrong.value).replace(f"{path}:", "")
    assert told.splitlines() == [
        "1:1: the venue has no key 'sped'; did you mean 'speed'?",
        '2:13: the venue min_stake is 4; write an amount in quotes: "4"',
        "4:8: the venue no. 1 of faults what is 'lost'; did you mean 'lost_ack'?",
        '6:11: the venue accounts.a balance 1.005 is no amount of whole cents; write one like "10000.00"',
        "8:8: the venue accounts.b kind is 'fun'; use one of demo, real",
        "1:1: the venue speed is 0.0; write a number ≥ 0.1, ≤ 1000",
    ]


def test_the_page_of_the_venue_shows_a_file_that_is_read_and_names_every_fault_there_is(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "venue.md").read_text(encoding="utf-8")
    path = tmp_path / "venue.toml"
    path.write_text("".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)), encoding="utf-8")
    told = settings_of(path, {})
    assert {each.name for each in fields(Settings)} <= set(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    assert told.accounts["real-1"].user == "ann"
    assert [what for several in PLACES.values() for what in several if f"`{what}`" not in page] == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('begin = "2050-01-01T00:00:00Z"', "choose a time from 2015 to 2044"),
        ('begin = "soon"', "write it like"),
        ('min_stake = "9.00"\nmax_stake = "2.00"', "nothing could be bought"),
        ("[products.EURUSD]\nticks = 1", "name one of"),
        ('[products.R_100]\nshortest = "5m"\nlongest = "1m"', "write it shorter"),
        ('[[faults]]\nwhat = "lost_ack"\naccount = "x"', "name one of demo-1"),
        ('[[faults]]\nwhat = "external"\nproduct = "R_100"', "account is missing"),
        ("[accounts]", "accounts is empty"),
        ('[accounts.""]', "accounts has ''; name accounts in letters"),
        ('[accounts."a b"]', "accounts has 'a b'; name accounts in letters"),
        ('memory = "../venue.db"', "is no file of the venue's own folder"),
        ('memory = "/var/venue.db"', "is no file of the venue's own folder"),
        ('min_stake = "-5"', "min_stake -5 is no stake"),
        ('max_payout = "0"', "max_payout 0 is no stake"),
    ],
)
def test_what_cannot_be_is_told_with_its_way_out(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "venue.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match=word):
        settings_of(path, {})
    with pytest.raises(InputError, match="there is no file"):
        settings_of(tmp_path / "other.toml", {})


def test_quotes_of_a_recorded_session_are_played_again_and_what_has_none_is_closed(tmp_path: Path) -> None:
    quotes = Market("EURUSD", 3).quotes(MONDAY, MONDAY + 5 * MINUTE)
    lines = [
        Line(at=MONDAY, what="entered", node="sources.market", type="Quotes", value=plain(quotes.rows(row, row + 40)))
        for row in range(0, len(quotes), 40)
    ]
    session = tmp_path / "session"
    session.mkdir()
    (session / HEADER).write_bytes(msgspec.json.encode(Header(FORMAT, "flows.toml", "", MONDAY, "", "", "")))
    (session / LINES).write_bytes(b"".join(msgspec.json.encode(each) + b"\n" for each in lines))
    (tmp_path / "venue.toml").write_text('port = 0\nprices = "session"\n')

    async def main() -> None:
        async with serving(settings_of(tmp_path / "venue.toml", {})) as venue:
            broker = venue.broker
            assert 0 <= broker.now() - MONDAY < MINUTE
            tick = broker.tape.next(broker.products["frxEURUSD"], MONDAY + MINUTE)
            assert tick is not None
            row = int(np.searchsorted(quotes.ts, tick.at, side="right")) - 1
            assert tick.quote == round(float(quotes.mid[row]), 5)
            refusal = broker.offer("", wish("R_100"))
            assert isinstance(refusal, Refusal)
            assert refusal.code == "closed"

    play(main())
    for folder, word in (("nothing", "there is no folder"), (".", "holds no quotes")):
        with pytest.raises(InputError, match=word):
            replayed(tmp_path / folder, Settings().catalogue)


def test_the_verb_says_where_it_listens_who_may_log_in_and_how_a_flow_gets_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "venue"
    asked = ["venue", "serve", "--port", "0", "--speed", "60", "--for", "50ms", "--folder", str(folder)]
    assert main(asked) == 0
    said = capsys.readouterr().out
    url = re.findall(r"listens at (http://127\.0\.0\.1:\d+) ", said)[0]
    assert re.search(r"demo-4 +demo +10000.00 USD +practice-demo-4", said)
    snippet = tomllib.loads(said[said.index("[accounts.") : said.index("ended at market time")])
    assert snippet["accounts"] == {"demo-1": {"venue": "broker"}}
    broker = snippet["venues"]["broker"]
    assert broker == {"use": "deriv", "url": url, "practice": True, "speed": 60}
    assert str(folder / "venue.db") in said
    assert main(["venue", "serve", "--speed", "0"]) == 2
    assert capsys.readouterr().err == "the command line:1:1: the venue speed is 0.0; write a number ≥ 0.1, ≤ 1000\n"


def test_a_file_says_what_is_traded_how_and_by_whom(tmp_path: Path) -> None:
    path = tmp_path / "venue.toml"
    path.write_text(
        'begin = "2026-01-05T08:00:00Z"\n[accounts.real-1]\nkind = "real"\nbalance = "5.00"\nuser = "ann"\n'
        '[products.frxEURUSD]\nshortest = "1m"\ncharge = 0.02\n'
    )
    told = settings_of(path, {"port": 0, "speed": 2.0})

    async def main(broker: Broker) -> None:
        assert broker.purses.get("real-1") is not None
        assert broker.purses.user_of("practice-ann") == "ann"
        made = bought(broker, "real-1", product="frxEURUSD", amount=Decimal(1))
        assert made.payout == Decimal("1.92")
        product = broker.product("EURUSD")
        assert product is not None
        assert product.name == "frxEURUSD"

    assert (told.starts_at(None), told.speed, told.port) == (MONDAY, 2.0, 0)
    at(MONDAY, main, told)
    assert wish().product == "R_100"
