"""The sink `redis` in a flow: wired by what it is, dark where nothing is published, and whole without any Redis."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.errors import InputError, PlanError
from pipeline.evidence import Trouble
from pipeline.flow import Flow
from pipeline.plan import Edge
from pipeline.publishing.shelf import Shelf
from pipeline.publishing.wires import FileWire
from pipeline.service import Diagnosis, Pressure, Universe
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Gap, Past, Stream
from tests.publishing import Rig, bars
from tests.support import MONDAY, plan_of, play, quotes

TEXT = """
[sources.market]
use = "synthetic"
products = ["EURUSD", "BTCUSD"]
start = "2026-01-05T10:00:00Z"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]
forming = "250ms"

[sinks.redis]
from = "bars"
"""
ALONE = TEXT + "file_only = true\n"
SLASHED = ALONE.replace('"EURUSD", "BTCUSD"', '"XAU/USD"')


def published(folder: Path) -> dict[Stream, int]:
    shelf = Shelf(folder / "feed.db", 1000, print)
    cursors = shelf.cursors()
    shelf.close()
    return cursors


def lasting(text: str, tmp_path: Path, span: int, begin: int = MONDAY) -> list[tuple[str, Any]]:
    """What a flow's nodes give within a span of its time."""
    given: list[tuple[str, Any]] = []
    plan = plan_of(text, tmp_path)

    def told(node: str, value: object) -> None:
        given.append((node, value))

    async def main() -> None:
        async with running(
            plan,
            Setting(mode="paper", begin=begin, outside=("source", "sink")),
            NoRecords(),
            Past((), {}),
            taps=(told,),
        ) as flow:
            await flow.border.until(begin + span)
            if flow.ended.done():
                flow.ended.result()

    virtual.run(lambda _: main())
    return given


def test_it_hears_the_sources_behind_its_bars_and_asks_them_without_a_word_in_the_file() -> None:
    plan = plan_of(TEXT)
    told = next(edge for edge in plan.into("sinks.redis") if edge.parameter == "told")
    assert told.source == "sources.market"
    assert Edge("sinks.redis", "sources.market", "gaps", (Gap,), closes=True) in plan.edges


def test_d23_without_a_redis_the_gate_the_shelf_and_the_states_go_on(tmp_path: Path) -> None:
    given = [value for node, value in lasting(ALONE, tmp_path, 10 * MINUTE + 2000) if node == "sinks.redis"]
    folder = plan_of(ALONE, tmp_path).folder / "redis"
    assert published(folder) == {
        Stream(product, tf): MONDAY + 10 * MINUTE - tf
        for product in ("BTCUSD", "EURUSD")
        for tf in (MINUTE, 5 * MINUTE)
    }
    last = [value for value in given if isinstance(value, Diagnosis)][-1]
    assert (last.redis, last.state, last.market, last.price, last.ohlcv) == ("off", "STREAM", "open", "ok", "ok")
    assert not [value for value in given if isinstance(value, Pressure | Universe)]
    written = {each.name: json.loads(each.read_bytes()) for each in folder.glob("*.json")}
    assert sorted(written) == ["heartbeat.json", "market_status.json", "status.json"]
    assert written["heartbeat.json"]["state"] == "stream"
    assert (written["status.json"]["market"], written["status.json"]["price"]) == ("open", "ok")


def test_d07_bars_are_counted_as_published_without_a_redis_and_symbols_have_no_stroke(tmp_path: Path) -> None:
    given = lasting(SLASHED, tmp_path, 2 * MINUTE + 2000)
    folder = plan_of(SLASHED, tmp_path).folder / "redis"
    assert published(folder)[Stream("XAU/USD", MINUTE)] == MONDAY + MINUTE
    last = [value for _, value in given if isinstance(value, Diagnosis)][-1]
    assert last.published["ohlcv"] > 0
    (target, _) = json.loads((folder / "heartbeat.json").read_bytes())["context"]["stream_targets"]
    assert target["symbol"] == "XAUUSD"


def test_d01_what_is_known_of_the_past_is_published_first_and_whole_then_only_new_bars(tmp_path: Path) -> None:
    first = lasting(ALONE, tmp_path, 3 * MINUTE + 2000)
    last = [value for _, value in first if isinstance(value, Diagnosis)][-1]
    rows = {(each.product, each.timeframe): each.bars for each in last.streams}
    assert rows["EURUSD", "1m"] > 500
    again = lasting(ALONE, tmp_path, MINUTE + 5000, begin=MONDAY + 3 * MINUTE + 2000)
    last = [value for _, value in again if isinstance(value, Diagnosis)][-1]
    assert {(each.product, each.timeframe): each.bars for each in last.streams}["EURUSD", "1m"] == 1
    assert last.published["market_status"] >= 1


def test_d21_every_kind_of_message_has_a_lane_of_its_own_whose_counts_are_whole(tmp_path: Path) -> None:
    given = lasting(ALONE, tmp_path, 5 * MINUTE)
    last = [value for _, value in given if isinstance(value, Diagnosis)][-1]
    names = [lane.name for lane in last.lanes]
    assert names == ["ohlcv", "live", "asked", "price_snapshots", "status", "market_status", "heartbeat"]
    for lane in last.lanes:
        kept = lane.spilled + lane.depth + lane.in_flight
        assert lane.enqueued == lane.processed + lane.conflated + lane.dropped + kept
        assert lane.dropped == lane.failures == 0
    finals = last.lanes[0]
    assert finals.enqueued == finals.processed > 1000
    assert finals.depth == last.backpressure_events == 0
    assert set(last.published) == {"ohlcv", "price_tik", "status", "market_status", "heartbeat"}


def test_prices_go_out_every_three_seconds_and_a_heartbeat_every_five(tmp_path: Path) -> None:
    given = lasting(ALONE, tmp_path, MINUTE)
    beats = [value for _, value in given if isinstance(value, Diagnosis)]
    assert beats[-1].published["price_tik"] == 2 * 19
    assert 11 <= beats[-1].published["heartbeat"] <= 15


def test_a_publisher_that_is_let_go_of_as_it_begins_leaves_nothing_running_or_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with Rig(tmp_path, lambda rig: FileWire(rig.folder / "feed"), file_only=True) as rig:
            rig.publisher.close()
            await rig.host.left()
            assert all(lane.state == "stopped" for lane in rig.publisher.lanes(MONDAY))

    virtual.run(lambda _: main())
    assert published(tmp_path) == {}


def test_who_listens_is_told_that_nobody_publishes_any_more_and_then_the_flow_is(tmp_path: Path) -> None:
    async def main() -> None:
        def make(rig: Rig) -> FileWire:
            return FileWire(rig.folder / "feed")

        async with Rig(tmp_path, make, file_only=True, speed=1) as rig:
            rig.quote()
            rig.minutes(-2, 0)
            await rig.until(lambda: any(each.published.get("ohlcv") for each in rig.of(Diagnosis)))
            rig.publisher.leave()
            await rig.until(lambda: rig.of(Diagnosis)[-1].ended)
            status = json.loads((tmp_path / "feed" / "status.json").read_bytes())
            assert (status["note"], status["process"]) == ("publisher stopped", "sleep")
            assert (status["price"], status["ohlcv"], status["market"]) == ("down", "down", "open")
            lanes = {lane.name: lane for lane in rig.of(Diagnosis)[-1].lanes}
            assert lanes["ohlcv"].processed == lanes["ohlcv"].enqueued == 2
            await rig.host.until(rig.host.now() + MINUTE)  # and nothing is said after that
            assert rig.of(Diagnosis)[-1].ended

    virtual.run(lambda _: main())


def test_sources_that_give_bars_and_no_prices_are_told_and_their_bars_are_published(tmp_path: Path) -> None:
    async def main() -> None:
        def make(rig: Rig) -> FileWire:
            return FileWire(rig.folder / "feed")

        async with Rig(tmp_path, make, file_only=True, begin=MONDAY + 10 * MINUTE, speed=1) as rig:
            rig.publisher.hear(bars(MONDAY, range(10)))
            rig.publisher.take(bars(MONDAY, range(10)))
            await rig.host.until(rig.host.now() + MINUTE)
            assert [each.what for each in rig.of(Trouble) if "no price" in each.what]
            assert rig.of(Diagnosis)[-1].published["ohlcv"] == 1

    virtual.run(lambda _: main())


def test_a_replay_publishes_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    plan = plan_of(ALONE, tmp_path)
    entries = [(MONDAY + 1000, "sources.market", quotes("EURUSD", [MONDAY + 960], [1.1]))]
    seen: list[Flow] = []
    given = play(plan, entries, MONDAY + 2 * MINUTE, outside=("source", "sink"), mode="replay", look=seen.append)
    assert not [value for node, value in given if node == "sinks.redis"]
    assert not (plan.folder / "redis").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "redis://:secret@127.0.0.1/0"', "password"),
        ('url = "http://127.0.0.1"', "redis://"),
        ('url = "redis://"', "no host"),
        ("password = true", "account"),
        ("signed_commands = true", "account"),
        ('tick_stale = "90s"', "quotes_lost"),
        ('prefix = "a b"', "prefix"),
        ('timeframes = ["2x"]', "timeframes"),
        ("snapshot_seconds = 0", "snapshot_seconds"),
        ('timeframes = ["4h"]', "timeframes has 4h, but its window makes"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_in_a_sentence(line: str, said: str) -> None:
    with pytest.raises(PlanError, match=said) as refused:
        plan_of(TEXT + line + "\n")
    assert len(refused.value.problems) == 1
    assert "secret@" not in str(refused.value)


def test_channels_have_one_publisher_and_nobody_hears_itself() -> None:
    with pytest.raises(PlanError, match=r"\[sinks.again\] has the channels of \[sinks") as refused:
        plan_of(TEXT + '\n[sinks.again]\nuse = "redis"\nfrom = "bars"\n')
    assert len(refused.value.problems) == 1
    hears = '\n[sources.ear]\nuse = "redis"\nproducts = ["XAUUSD"]\n'
    with pytest.raises(PlanError, match="it would hear itself"):
        plan_of(TEXT + hears)
    plan_of(TEXT + hears + 'prefix = "theirs"\n')


def test_without_the_official_client_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(InputError, match=r"pip install 'moonlight\[redis\]'"):
        lasting(TEXT, tmp_path, 1000)
    lasting(ALONE, tmp_path, 1000)


def test_an_account_is_asked_for_what_it_needs_and_for_nothing_else() -> None:
    asked = {
        'account = "feed"': ["secret"],
        'account = "feed"\npassword = true': ["password", "secret"],
        'account = "feed"\nsigned = false\npassword = true': ["password"],
    }
    for lines, fields in asked.items():
        node = plan_of(f"{TEXT}{lines}\n").by_id["sinks.redis"]
        assert [field.name for field in node.instance.login_fields] == fields


def test_timeframes_that_are_left_out_are_those_of_the_window_and_others_are_not_published(tmp_path: Path) -> None:
    text = ALONE + 'timeframes = ["5m"]\n'
    lasting(text, tmp_path, 5 * MINUTE + 2000)
    assert {stream.tf for stream in published(plan_of(text, tmp_path).folder / "redis")} == {5 * MINUTE}


def test_two_products_of_one_name_on_the_wire_are_refused(tmp_path: Path) -> None:
    twice = ALONE.replace('"EURUSD", "BTCUSD"', '"EURUSD", "EUR/USD"')
    with pytest.raises(PlanError) as refused:
        plan_of(twice, tmp_path)
    assert "EURUSD and EUR/USD are both EURUSD to who listens" in str(refused.value)


def test_a_source_and_a_sink_without_the_client_are_told_without_a_trace_of_the_program(tmp_path: Path) -> None:
    ears = TEXT.replace('use = "synthetic"', 'use = "redis"\nprefix = "theirs"').replace(
        'start = "2026-01-05T10:00:00Z"', ""
    )
    ears = ears.replace('forming = "250ms"', 'forming = "250ms"\nfinals = "venue"')
    (tmp_path / "ears.toml").write_text('[moonlight]\nmode = "paper"\n' + ears, "utf-8")
    blocked = "import sys; sys.modules['redis'] = sys.modules['redis.asyncio'] = None; import runpy; "
    words = f"sys.argv[1:] = ['run', {str(tmp_path / 'ears.toml')!r}, '--for', '1s']; "
    ran = subprocess.run(
        [sys.executable, "-c", blocked + words + "runpy.run_module('pipeline', run_name='__main__')"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    assert "pip install 'moonlight[redis]'" in ran.stderr
    assert "Traceback" not in ran.stderr
