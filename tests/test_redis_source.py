"""A source that listens to a publisher by a real Redis: prices, final bars, the past, and the word of the link."""

import asyncio
import sys
from itertools import count
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from pipeline.channels import listening as listening_module
from pipeline.channels.access import Access
from pipeline.channels.commands import Backfill, Refused, Warmup
from pipeline.channels.encoding import encoded
from pipeline.channels.listening import Terms, heard
from pipeline.channels.names import Names
from pipeline.errors import InputError, PlanError
from pipeline.secret import Secret
from pipeline.service import FeedReport
from pipeline.times import MINUTE, SECOND
from pipeline.values import Bars, Gap, Link, Quotes
from sources.redis import Redis
from tests.channel_ends import OPEN, Source, bars, listener, listening, speaking, tick
from tests.loopback import self_signed
from tests.redis_server import RedisServer, free_port, redis_running
from tests.support import MONDAY, plan_of

LET_IN = "practice-x"
M1, M5 = ("EURUSD", MINUTE), ("EURUSD", 5 * MINUTE)


def before(tf: int, rows: int, until: int = MONDAY) -> list[int]:
    """The openings of the last slots before a moment."""
    return list(range(until - rows * tf, until, tf))


# --- what comes ------------------------------------------------------------------------------------------------------


def test_prices_and_final_bars_are_given_once_and_in_order_and_live_ones_are_not(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            listening(listener(redis_server, stale_after="10m"), tmp_path) as ear,
            speaking(redis_server) as mouth,
        ):
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(OPEN, tick(MONDAY + 1000), tick(MONDAY + 1000), tick(MONDAY + 500), tick(MONDAY + 4000))
            await mouth.say(bars(MONDAY, complete=False))
            await ear.at(MONDAY + 2 * MINUTE)
            await mouth.say(bars(MONDAY), bars(MONDAY), bars(MONDAY + MINUTE))
            await mouth.say(tick(MONDAY + 80 * SECOND))
            await ear.until(lambda: MONDAY + 80 * SECOND in ear.quotes())
            assert ear.quotes() == [MONDAY + 1000, MONDAY + 4000, MONDAY + 80_000]
            assert ear.opened(fresh=True) == [MONDAY, MONDAY + MINUTE]
            first: Bars = ear.of(Bars)[0]
            assert (first.open[0], first.high[0], first.low[0], first.volume[0]) == (1.1, 1.1 + 0.2, 1.1 - 0.2, 7.0)
            assert int(first.final_at[0]) >= MONDAY + MINUTE
            assert ear.links() == []
            assert "streaming" in ear.sessions()

    asyncio.run(main())


def test_what_others_listen_for_is_passed_over_and_what_makes_no_sense_is_told_and_left_out(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with listening(listener(redis_server), tmp_path) as ear, speaking(redis_server) as mouth:
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(bars(MONDAY, symbol="XAUUSD"), bars(MONDAY, tf="15m"), tick(MONDAY, symbol="XAUUSD"))
            await mouth.raw("ohlcv", b"\xff\xfe")
            await mouth.raw("price_tik", b"[1,2]")
            await mouth.raw("status", b'{"ts":"2026-01-05T10:00:00Z","market":"closed"}')
            await mouth.say(tick(MONDAY + SECOND))
            await ear.until(ear.quotes)
            assert ear.told() == [
                "ohlcv: byte 0: is not UTF-8; left out",
                "price_tik: it is an array, not an object; left out",
                "status: ts: '2026-01-05T10:00:00Z' is not a number; left out",
            ]
            assert not ear.of(Bars)

    asyncio.run(main())


def test_bars_and_prices_of_the_future_are_told_and_shut_nothing_out_that_comes_in_its_time(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            listening(listener(redis_server, stale_after="10m"), tmp_path) as ear,
            speaking(redis_server) as mouth,
        ):
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(OPEN)
            ahead = MONDAY + 7 * 24 * 60 * MINUTE
            await mouth.raw("ohlcv", msgspec.json.encode(bars(MONDAY - MINUTE, ahead)))
            await mouth.raw("price_tik", msgspec.json.encode(tick(ahead)))
            await ear.at(MONDAY + MINUTE)
            await mouth.say(bars(MONDAY), tick(MONDAY + 58 * SECOND))
            await ear.until(ear.quotes)
            assert ear.opened(fresh=True) == [MONDAY]
            assert ear.quotes() == [MONDAY + 58 * SECOND]
            assert any("is over in 604" in what for what in ear.told())
            assert any("tick_ts: it is" in what and "ahead" in what for what in ear.told())

    asyncio.run(main())


def test_a_product_is_heard_under_the_name_it_has_there(redis_server: RedisServer, tmp_path: Path) -> None:
    source = listener(redis_server, products=("GOLD", "EUR/USD"), symbols={"GOLD": "XAU/USD"})

    async def main() -> None:
        async with listening(source, tmp_path) as ear, speaking(redis_server) as mouth:
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(tick(MONDAY, symbol="XAUUSD"), tick(MONDAY, symbol="EURUSD"))
            await ear.until(lambda: len(ear.quotes()) == 2)
            assert [item.product for item in ear.of(Quotes)] == ["GOLD", "EUR/USD"]

    asyncio.run(main())


# --- the past --------------------------------------------------------------------------------------------------------


def test_the_past_is_asked_for_and_given_before_all_that_came_meanwhile(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    history = {MINUTE: 30, 5 * MINUTE: 20, 15 * MINUTE: 3}

    async def main() -> None:
        async with (
            speaking(redis_server, targets=(M1, M5)) as mouth,
            listening(listener(redis_server), tmp_path, history=history, begin=MONDAY + 58 * SECOND, speed=1.0) as ear,
        ):
            mouth.silent = True
            await ear.until(lambda: "connected" in ear.sessions())
            async with asyncio.timeout(10):
                while len(mouth.asked) < 2:
                    mouth.came.clear()
                    await mouth.came.wait()
            assert mouth.asked == [Warmup("EURUSD", MINUTE, 30), Warmup("EURUSD", 5 * MINUTE, 20)]
            await mouth.say(tick(MONDAY + SECOND), bars(MONDAY))
            await mouth.say(bars(*before(MINUTE, 30)[:20]), bars(*before(MINUTE, 30)[20:]))
            await mouth.say(bars(*before(5 * MINUTE, 25), tf="5m"))
            await ear.until(ear.quotes)
            assert ear.opened(fresh=False) == before(MINUTE, 30)
            assert ear.opened(fresh=False, tf=5 * MINUTE) == before(5 * MINUTE, 20), "no more than is needed"
            assert ear.opened(fresh=False, tf=15 * MINUTE) == before(15 * MINUTE, 3), "made of shorter ones"
            kinds = [item.fresh if isinstance(item, Bars) else "quotes" for item in ear.of(Bars, Quotes)]
            assert kinds == [0, 0, 0, "quotes", 1]

    asyncio.run(main())


def test_who_does_not_answer_is_asked_again_and_holds_nothing_up_for_ever(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        ticking = count(MONDAY, MINUTE)
        async with (
            speaking(redis_server, lambda: next(ticking), targets=(M1,)) as mouth,
            listening(listener(redis_server, timeframes=("1m",)), tmp_path, history={MINUTE: 5}) as ear,
        ):
            mouth.silent = True
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(tick(MONDAY + SECOND))
            await ear.until(ear.quotes)
            assert "no history of EURUSD within 20 s" in ear.told()
            mouth.silent, mouth.past[M1] = False, before(MINUTE, 9)
            await ear.until(lambda: ear.opened(fresh=False))
            assert ear.opened(fresh=False) == before(MINUTE, 5)
            assert len(mouth.asked) >= 2

    asyncio.run(main())


def test_an_answer_that_comes_in_parts_is_given_as_it_stands_and_then_whole(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        source = listener(redis_server, timeframes=("1m",))
        async with (
            speaking(redis_server, targets=(M1,)) as mouth,
            listening(source, tmp_path, history={MINUTE: 10}) as ear,
        ):
            mouth.past[M1] = before(MINUTE, 4)  # what it has at hand
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(tick(MONDAY + SECOND))
            await ear.until(ear.quotes)
            assert ear.opened(fresh=False) == before(MINUTE, 4)
            await mouth.say(bars(*before(MINUTE, 12)[:8]))  # and what it had to ask for
            await ear.until(lambda: len(ear.of(Bars)) == 2)
            assert ear.of(Bars)[1].open_ts.tolist() == before(MINUTE, 10)

    asyncio.run(main())


def test_nobody_who_takes_commands_is_told(redis_server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(listener(redis_server), tmp_path, history={MINUTE: 5}) as ear:
            await ear.until(lambda: any("nobody takes commands" in each for each in ear.told()))

    asyncio.run(main())


def test_missing_bars_are_asked_for_and_only_these_come_as_history(redis_server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        begin = MONDAY + 20 * MINUTE
        async with (
            listening(listener(redis_server), tmp_path, begin=begin) as ear,
            speaking(redis_server, ear.host.now, targets=(M1, M5)) as mouth,
        ):
            mouth.past[M1] = before(MINUTE, 30, begin)
            await ear.until(lambda: "connected" in ear.sessions())
            since, until = MONDAY + 3 * MINUTE, MONDAY + 7 * MINUTE
            ear.gaps.give(Gap("EURUSD", MINUTE, since, until, ear.host.now()))
            await ear.until(lambda: ear.of(Bars))
            assert ear.opened(fresh=False) == list(range(since, until, MINUTE))
            assert ear.opened(fresh=True) == []
            (asked,) = mouth.asked
            assert isinstance(asked, Backfill)
            assert asked.minutes * MINUTE >= begin - since

    asyncio.run(main())


def test_holes_that_follow_each_other_quickly_are_asked_for_together_once_it_would_not_be_refused(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        begin = MONDAY + 20 * MINUTE
        async with (
            listening(listener(redis_server), tmp_path, begin=begin, speed=10.0) as ear,
            speaking(redis_server, ear.host.now, targets=(M1, M5)) as mouth,
        ):
            mouth.past[M1] = before(MINUTE, 30, begin)
            await ear.until(lambda: "connected" in ear.sessions())
            for since, until in ((15, 16), (3, 5)):
                now = ear.host.now()
                ear.gaps.give(Gap("EURUSD", MINUTE, MONDAY + since * MINUTE, MONDAY + until * MINUTE, now))
            await ear.until(lambda: MONDAY + 3 * MINUTE in ear.opened(fresh=False))
            assert not [each for each in mouth.asked if isinstance(each, Refused)]
            assert {MONDAY + 15 * MINUTE, MONDAY + 4 * MINUTE} <= set(ear.opened(fresh=False))

    asyncio.run(main())


# --- the link --------------------------------------------------------------------------------------------------------


def test_a_redis_that_dies_takes_the_link_down_and_its_return_brings_it_back(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        async with listening(listener(server), tmp_path) as ear:
            await ear.until(lambda: "connected" in ear.sessions())
            server.kill()
            await ear.until(lambda: ear.links() == [False])
            server.start()
            await ear.until(lambda: ear.links() == [False, True])
            async with speaking(server) as mouth:
                await mouth.say(tick(MONDAY + SECOND))
            await ear.until(ear.quotes)
            reports = ear.of(FeedReport)
            assert "reconnecting" in ear.sessions()
            assert max(each.backoff_seconds for each in reports) > 0
            assert (reports[-1].subscriptions, reports[-1].reconnects) == (2, 1)

    with redis_running() as server:
        asyncio.run(main(server))


def test_a_redis_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        server.stop()
        async with listening(listener(server), tmp_path) as ear:
            await ear.until(lambda: ear.links() == [False])
            assert any(each.startswith("Redis is not reached") for each in ear.told())
            server.start()
            await ear.until(lambda: ear.links() == [False, True])

    with redis_running() as server:
        asyncio.run(main(server))


def test_a_redis_that_stands_still_is_let_go_of_and_one_that_only_has_nothing_to_say_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(listening_module, "ANSWERING", 0.2)

    async def main(server: RedisServer) -> None:
        async with listening(listener(server), tmp_path, speed=1.0) as ear:
            await ear.until(lambda: "connected" in ear.sessions())
            calm = asyncio.Event()
            ear.host.at(ear.host.now() + SECOND, calm.set)
            await calm.wait()
            assert ear.links() == []
            assert ear.told() == []
            server.pause()
            await ear.until(lambda: ear.links() == [False])
            server.resume()
            assert ear.told()[0].startswith("Redis gave no answer within")
            await ear.until(lambda: ear.links() == [False, True])

    with redis_running() as server:
        asyncio.run(main(server))


def test_a_publisher_of_which_nothing_is_heard_is_down_until_it_speaks(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            listening(listener(redis_server, stale_after="10s"), tmp_path) as ear,
            speaking(redis_server) as mouth,
        ):
            await ear.until(lambda: ear.links() == [False])
            assert any(each.startswith("neither status nor heartbeat came for 10 s") for each in ear.told())
            await mouth.raw("heartbeat", b"{}")
            await ear.until(lambda: ear.links()[:2] == [False, True])

    asyncio.run(main())


def test_the_link_is_down_while_prices_are_and_a_closed_market_is_no_broken_link(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        async with listening(listener(redis_server), tmp_path, speed=1.0) as ear, speaking(redis_server) as mouth:
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.say(OPEN, msgspec.structs.replace(OPEN, price="stale"))
            await mouth.say(msgspec.structs.replace(OPEN, price="down"))
            await ear.until(ear.links)
            await mouth.say(msgspec.structs.replace(OPEN, market="closed", price="down"), tick(MONDAY + SECOND))
            await ear.until(ear.quotes)
            assert ear.links() == [False, True]

    asyncio.run(main())


@pytest.mark.parametrize(("age", "links"), [(0, [False]), (120, [])])
def test_who_comes_late_goes_by_the_status_that_was_kept_unless_it_is_old(
    redis_server: RedisServer, tmp_path: Path, age: int, links: list[bool]
) -> None:
    async def main() -> None:
        async with speaking(redis_server) as mouth:
            await mouth.keep(msgspec.structs.replace(OPEN, price="down", ts=MONDAY / SECOND - age))
            async with listening(listener(redis_server), tmp_path, speed=1.0) as ear:
                await ear.until(lambda: "connected" in ear.sessions())
                await mouth.say(tick(MONDAY + SECOND))
                await ear.until(ear.quotes)
                assert [item.up for item in ear.of(Link)] == links

    asyncio.run(main())


# --- who is let in ---------------------------------------------------------------------------------------------------


def signed_by(url: str, access: Access, *, required: bool = True) -> Source:
    terms = Terms(
        url=url,
        names=Names(),
        symbols={"EURUSD": "EURUSD"},
        timeframes=(MINUTE,),
        access=lambda: access,
        required=required,
        stale_after=60 * SECOND,
        warm=0,
    )
    return lambda host, gaps: heard(host, "redis", terms, gaps)


def test_bars_that_are_not_signed_or_signed_by_another_are_refused_and_the_refusal_is_told(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        source = signed_by(redis_server.url, Access(secret=b"ours"))
        async with (
            listening(source, tmp_path, begin=MONDAY + MINUTE) as ear,
            speaking(redis_server, secret=b"ours") as mouth,
        ):
            await ear.until(lambda: "connected" in ear.sessions())
            await mouth.raw("ohlcv", encoded(bars(MONDAY), MONDAY))
            await mouth.raw("ohlcv", encoded(bars(MONDAY), MONDAY, b"theirs"))
            await ear.at(MONDAY + 116 * SECOND)
            await mouth.say(bars(MONDAY + MINUTE))
            await ear.until(lambda: ear.of(Bars))
            assert ear.opened(fresh=True) == [MONDAY + MINUTE]
            assert [each.split(";")[0] for each in ear.told()] == [
                "ohlcv: sig: is missing",
                "ohlcv: sig: is not that of these bars",
            ]

    asyncio.run(main())


def test_signed_commands_are_taken_by_a_publisher_that_takes_no_others(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async def main() -> None:
        source = signed_by(redis_server.url, Access(secret=b"ours"))
        async with speaking(redis_server, targets=(M1,), secret=b"ours") as mouth:
            mouth.past[M1] = before(MINUTE, 5)
            async with listening(source, tmp_path, history={MINUTE: 5}, speed=1.0) as ear:
                await ear.until(lambda: ear.of(Bars))
                assert mouth.asked == [Warmup("EURUSD", MINUTE, 5)]

    asyncio.run(main())


def test_a_password_that_is_missing_or_wrong_is_told_and_the_right_one_lets_in(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        for password in ("", "wrong"):
            async with listening(signed_by(server.url, Access(Secret(password))), tmp_path) as ear:
                await ear.until(ear.told)
                assert ear.told()[0].startswith("Redis does not let us in: ")
        async with listening(signed_by(server.url, Access(Secret(LET_IN))), tmp_path) as ear:
            await ear.until(lambda: "connected" in ear.sessions())

    with redis_running(password=LET_IN) as server:
        asyncio.run(main(server))


def test_over_tls_it_is_checked_who_answers(redis_server: RedisServer, tmp_path: Path) -> None:
    self_signed(redis_server.folder)
    pem, port = redis_server.folder / "server.pem", free_port()
    with redis_server.client() as client:
        cast("Any", client).config_set(
            "tls-cert-file", str(pem), "tls-key-file", str(pem), "tls-auth-clients", "no", "tls-port", str(port)
        )
    url = f"rediss://127.0.0.1:{port}/0"

    async def main() -> None:
        async with listening(signed_by(url, Access()), tmp_path) as ear:
            await ear.until(ear.told)
            assert "certificate verify failed" in ear.told()[0]
            assert "connected" not in ear.sessions()
        async with listening(signed_by(f"{url}?ssl_ca_certs={pem}", Access()), tmp_path) as ear:
            await ear.until(lambda: "connected" in ear.sessions())

    asyncio.run(main())


# --- what is said before anything runs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "http://127.0.0.1"', "url begins with none of redis://, rediss://, unix://"),
        ('url = "redis://:hush@127.0.0.1:6379/0"', "url has a password in it; take it out"),
        ('url = "redis://x:hush@127.0.0.1:6379/0"', "url has a password in it; take it out"),
        ('url = "redis:///0"', "url has no host"),
        ('url = "rediss://prices.example:6380/0?ssl_cert_reqs=none"', "url has ssl_cert_reqs in it"),
        ('url = "redis://127.0.0.1/0?decode_responses=true"', "url has decode_responses in it"),
        ('url = "redis://127.0.0.1/0?foo=1"', "url has foo in it; take it out, or use one of db, ssl_ca_certs"),
        ('url = "redis://127.0.0.1/prices"', "url names the database prices; it is a number"),
        ('url = "unix:///run/redis.sock?db=x"', "url names the database x; it is a number"),
        ('stale_after = "soon"', "stale_after"),
        ('timeframes = ["1m", "60s"]', "timeframes"),
        ("password = true", "password needs an account"),
        ('account = "feed"\nsigned = false', "account has nothing to log in with"),
        ('symbols = { EURUSD = "€" }', "products and symbols: symbol: '€' is none"),
        ('symbols = { GOLD = "XAUUSD" }', "symbols names GOLD, which is not asked for"),
        ('symbols = { EURUSD = "GBPUSD" }', "products has two that are called the same there"),
    ],
)
def test_a_mistake_in_its_table_is_one_sentence(line: str, said: str) -> None:
    text = f'[sources.remote]\nuse = "redis"\nproducts = ["EURUSD", "GBPUSD"]\n{line}\n'
    with pytest.raises(PlanError) as problem:
        plan_of(text)
    assert said in str(problem.value)
    assert "hush" not in str(problem.value)


def test_without_the_library_one_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_server: RedisServer
) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)

    async def main() -> None:
        async with listening(listener(redis_server), tmp_path):
            raise AssertionError("it cannot listen")

    with pytest.raises(InputError, match=r"^redis: .* install it with: pip install 'moonlight\[redis\]'$"):
        asyncio.run(main())


def test_a_replay_has_no_network(tmp_path: Path, redis_server: RedisServer) -> None:
    async def main() -> None:
        async with listening(listener(redis_server), tmp_path, mode="replay"):
            raise AssertionError("it cannot listen")

    with pytest.raises(InputError, match="a replay has no network"):
        asyncio.run(main())


def test_a_login_asks_for_what_the_table_says_and_for_nothing_without_an_account() -> None:
    def asked(**keys: Any) -> list[str]:

        return [field.name for field in Redis(products=("EURUSD",), **keys).login_fields]

    assert asked() == []
    assert asked(account="feed") == ["secret"]
    assert asked(account="feed", password=True) == ["password", "secret"]
    assert asked(account="feed", password=True, signed=False) == ["password"]
