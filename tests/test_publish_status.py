"""What is told of the market and of how publishing fares: the words, and when they go out."""

import msgspec
import pytest
from msgspec import UNSET

from pipeline.calendar import Calendars, Claim
from pipeline.channels.messages import Status
from pipeline.channels.messages import Trading as Session
from pipeline.channels.rules import checked
from pipeline.exchanges import BUILT_IN
from pipeline.publishing.picture import ONLY_LIVE, Picture
from pipeline.publishing.status import MANY, Repeats, market_status_of, status_key, status_of
from pipeline.publishing.trading import Trading
from pipeline.service import Quota
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from tests.pulses import FRIDAY_CLOSE, MONDAY, SATURDAY, SUNDAY_OPEN, Driven

BREAK = parse_moment("2026-01-06T22:00:00Z")
"""Gold is in its daily break from 17:00 to 18:00 in New York."""


def gold(like: str = "fxcm") -> Calendars:
    return Calendars((Claim("own", ("XAUUSD",), BUILT_IN[like]()),))


def status(driven: Driven) -> Status:
    made = status_of(driven.look(), driven.pulse)
    checked(made, driven.now)
    return made


def words(made: Status) -> tuple[str, ...]:
    return made.process, made.market, made.price, made.ohlcv, made.note


def session(made: Status) -> Session:
    assert isinstance(made.session, Session)
    return made.session


# --- the words -------------------------------------------------------------------------------------------------------


def test_d31_a_status_is_ok_while_all_is_well_and_idle_with_the_reason_while_the_market_is_closed() -> None:
    driven = Driven("XAUUSD", begins=BREAK - 5 * MINUTE, calendars=gold())
    driven.ticking(70).bar()
    assert words(status(driven)) == ("stream", "open", "ok", "ok", "ok")
    assert session(status(driven)).state_detail is UNSET
    driven.after((BREAK - driven.now) / SECOND + 90)
    made = status(driven)
    assert words(made) == ("idle", "closed", "down", "ok", "market closed")
    assert (session(made).state, session(made).state_detail) == ("closed", "intrabreak")
    weekend = Driven("XAUUSD", begins=SATURDAY, calendars=gold())
    made = status(weekend)
    assert made.note == "weekend (2d)"
    assert session(made).state_detail == "weekend"


def test_each_pause_has_its_word_and_a_holiday_counts_by_its_length() -> None:
    said = dict[str, tuple[object, str]]()
    for moment in ("2026-01-06T03:00:00Z", "2026-01-10T12:00:00Z", "2026-01-01T15:00:00Z", "2026-04-03T15:00:00Z"):
        driven = Driven("AAPL", begins=parse_moment(moment), calendars=stocks())
        made = status(driven)
        said[moment[5:10]] = session(made).state_detail, made.note
    assert said == {
        "01-06": ("overnight", "overnight pause"),
        "01-10": ("weekend", "weekend (3d)"),
        "01-01": ("weekend", "holiday (2d)"),
        "04-03": ("weekend", "holiday (4d)"),
    }


def stocks() -> Calendars:
    return Calendars((Claim("own", ("AAPL",), BUILT_IN["us_equities"]()),))


def test_about_to_open_is_told_a_quarter_of_an_hour_ahead_without_a_detail() -> None:
    driven = Driven(begins=SUNDAY_OPEN - 16 * MINUTE)
    assert session(status(driven)).state == "closed"
    assert driven.pulse.due <= driven.now + SECOND
    made = session(status(driven.after(60)))
    assert (made.state, made.state_detail, made.seconds_to_next_open) == ("preopen", UNSET, 900.0)
    made = session(status(driven.after(900)))
    assert (made.state, made.seconds_to_next_open, made.next_open_utc) == ("open", UNSET, "2026-01-18T22:00:00.000Z")
    assert made.current_open_utc == "2026-01-11T22:00:00.000Z"
    assert (made.current_close_utc, made.seconds_to_close) == ("2026-01-16T22:00:00.000Z", 5 * DAY / SECOND)


def test_prices_are_stale_after_half_a_minute_and_down_after_one_and_the_note_says_for_how_long() -> None:
    driven = Driven().ticking(70)
    driven.bar()
    assert words(status(driven.after(29.9)))[2:] == ("ok", "ok", "ok")
    assert words(status(driven.after(0.1))) == ("idle", "open", "stale", "ok", "no ticks 30s")
    assert words(status(driven.after(30)))[:3] == ("idle", "open", "down")


def test_in_a_quiet_market_a_new_bar_of_the_venues_lets_itself_in_and_in_a_dead_one_it_does_not() -> None:
    driven = Driven().ticking(70)
    assert status(driven.after(40)).price == "stale"
    assert driven.bar()
    assert (status(driven).price, status(driven).note, driven.look().welcome) == ("ok", "no ticks 40s", True)
    assert status(driven.after(20)).price == "down"
    driven.bar()
    assert status(driven).price == "down"


def test_a_quiet_product_leaves_the_price_ok_and_stands_first_among_the_symbols() -> None:
    driven = Driven("USDNOK", "EURUSD")
    driven.tick("USDNOK")
    driven.ticking(65, "EURUSD")
    made = status(driven)
    assert made.price == "ok"
    assert session(made).symbols == (
        {"symbol": "USDNOK", "market": "open", "price": "down", "tick_age_seconds": 65.0},
        {"symbol": "EURUSD", "market": "open", "price": "ok", "tick_age_seconds": 0.0},
    )


def test_of_many_symbols_only_the_quietest_stand_in_a_status() -> None:
    products = [f"P{number:03}" for number in range(300)]
    driven = Driven(*products)
    for product in products:
        driven.tick(product, seconds=0.01)
    symbols = session(status(driven)).symbols
    assert symbols is not UNSET
    assert [row["symbol"] for row in symbols] == products[:MANY]


def test_a_bar_that_is_a_minute_late_is_delayed_and_three_minutes_late_down_while_prices_come() -> None:
    driven = Driven().ticking(60)
    driven.bar()
    said = dict[int, tuple[str, ...]]()
    for second in range(61, 331):
        driven.ticking(1)
        said[second] = words(status(driven))[3:]
    assert said[179] == ("ok", "ok")
    assert said[180] == ("delayed", "lag 60s")
    assert said[299] == ("delayed", "lag 179s")
    assert said[300] == ("down", "lag 180s")
    driven.after(30).bar()
    assert words(status(driven))[3] == "ok"


def test_a_slot_without_a_bar_makes_nobody_late() -> None:
    driven = Driven("EURUSD", "USDNOK").ticking(60)
    driven.tick("USDNOK")
    driven.bar()
    driven.bar("USDNOK")
    for minute in range(1, 6):
        driven.ticking(60)
        driven.bar()
        driven.silent("USDNOK", MONDAY + minute * MINUTE)
    driven.tick("USDNOK")
    assert status(driven).ohlcv == "ok"


def test_a_product_that_says_nothing_owes_no_bar() -> None:
    driven = Driven("EURUSD", "USDNOK").ticking(61)
    driven.tick("USDNOK")
    for _ in range(6):
        driven.ticking(60)
        driven.bar()
    assert status(driven).ohlcv == "ok"


def test_bars_that_nobody_wants_are_not_late_and_wanted_again_only_new_ones_are() -> None:
    driven = Driven("EURUSD", "XAUUSD").ticking(61)
    driven.tick("XAUUSD")
    driven.pulse.streams.wanted = lambda stream: stream.product == "EURUSD"
    for _ in range(5):
        driven.ticking(60)
        driven.tick("XAUUSD")
        driven.bar()
        assert status(driven).ohlcv == "ok"
    driven.pulse.streams.wanted = lambda _: True
    said: list[str] = []
    for _ in range(4):
        driven.ticking(60)
        driven.tick("XAUUSD")
        driven.bar()
        said.append(status(driven).ohlcv)
    assert said == ["ok", "ok", "delayed", "delayed"]


def test_bars_that_form_and_never_become_final_are_told_in_the_word_that_listeners_know() -> None:
    driven = Driven().ticking(60)
    driven.pulse.streams.shown("EURUSD", MINUTE)
    driven.ticking(121)
    assert words(status(driven))[3:] == ("delayed", ONLY_LIVE)


def test_bars_are_late_only_in_open_market_and_none_is_owed_from_before_the_opening() -> None:
    driven = Driven(begins=FRIDAY_CLOSE - 2 * MINUTE).ticking(60)
    driven.bar()
    driven.ticking(59)
    assert status(driven.after(HOUR / SECOND)).ohlcv == "ok"
    driven.after((SUNDAY_OPEN - driven.now) / SECOND).ticking(50)
    assert status(driven).ohlcv == "ok"
    driven.ticking(80)
    assert status(driven).note == "lag 70s"


def test_a_source_that_waits_before_it_tries_again_says_for_how_much_longer() -> None:
    driven = Driven().ticking(30)
    driven.report(
        seconds=1, session="reconnecting", backoff_seconds=40.0, backoff_until=driven.now + 41_000, last_error="gone"
    )
    made = status(driven.after(10))
    assert (made.process, made.note) == ("sleep", "backoff FXCM 30s")
    assert status(driven.after(31)).note == "gone"
    assert status(driven).process == "error"


def test_a_source_that_connects_for_the_first_time_is_no_error() -> None:
    driven = Driven()
    assert words(status(driven)) == ("idle", "open", "down", "ok", "no source was reached yet")
    driven.report(session="connecting")
    assert status(driven).process == "idle"


def test_a_history_service_that_is_not_ready_is_a_note_and_no_more() -> None:
    driven = Driven().ticking(60)
    driven.bar()
    driven.report(history_ready=False)
    assert words(status(driven)) == ("stream", "open", "ok", "ok", "history not ready")
    driven.report(history_ready=False, backoff_seconds=5.0, backoff_until=driven.now + 5_000, last_error="not ready")
    assert status(driven).note == "history not ready"  # as it waits to ask again, too: nothing else failed


def test_a_market_nobody_knows_is_unknown_and_has_no_market_status() -> None:
    driven = Driven("EURUSD", begins=parse_moment("2150-01-01T00:00:00Z"))
    picture = driven.look()
    assert picture.market == "unknown"
    assert session(status(driven)).state is UNSET
    assert picture.welcome
    assert market_status_of(picture, driven.pulse) is None


def test_who_listens_takes_final_bars_only_in_open_market_with_prices_that_are_well() -> None:
    driven = Driven()
    assert not driven.look().welcome
    driven.tick()
    assert driven.look().welcome
    assert not driven.look(seconds=30).welcome
    assert not Driven(begins=SATURDAY).look().welcome


def test_every_status_is_sound_whatever_happened_before() -> None:
    driven = Driven("XAUUSD", "BTCUSD", begins=FRIDAY_CLOSE - 30 * MINUTE, calendars=gold())
    for hour in range(60):
        driven.tick("XAUUSD" if hour % 3 else "BTCUSD")
        driven.link(hour % 2 == 0, seconds=200)
        driven.report(session=("streaming", "reconnecting", "off")[hour % 3], quota=Quota(1, 30, 2, 300, "ok", False))
        made = status(driven.after(3000))
        assert made.note
        assert msgspec.json.decode(msgspec.json.encode(made), type=Status) == made
        told = market_status_of(driven.look(), driven.pulse, driven.now)
        if told is not None:
            checked(told, driven.now)


# --- the calendar and the ticks --------------------------------------------------------------------------------------


def test_d05_open_and_closed_are_told_as_the_calendar_changes() -> None:
    driven = Driven("XAUUSD", begins=BREAK - HOUR, calendars=gold())
    told = list[tuple[int, str]]()
    repeats = Repeats(30 * SECOND)
    while driven.now < BREAK + 2 * HOUR:
        driven.now = min(driven.pulse.due, driven.now + SECOND)
        picture = driven.look()
        if repeats.wanted(picture.market, driven.now) and (not told or told[-1][1] != picture.market):
            told.append((picture.at, picture.market))
    assert [(at - BREAK, state) for at, state in told][1:] == [(0, "closed"), (HOUR, "open")]


def test_d02_prices_that_come_in_closed_time_keep_the_market_open_and_both_are_told_apart() -> None:
    driven = Driven("XAUUSD", begins=SATURDAY)
    driven.tick()
    assert driven.look().market == "closed"  # one stray price
    driven.ticking(3)
    picture = driven.look()
    assert (picture.market, picture.facts.hours.is_open, picture.facts.ticks_alive) == ("open", False, True)
    assert (picture.facts.turn.state, picture.process) == ("STREAM", "stream")
    told = market_status_of(picture, driven.pulse)
    assert told is not None
    assert told.state == "open"
    assert driven.look(seconds=29.9).market == "open"
    assert driven.look(seconds=0.1).market == "closed"


def test_d03_saturday_is_told_closed_with_when_it_opens_next_and_whose_week_it_is() -> None:
    driven = Driven("XAUUSD", begins=SATURDAY, calendars=gold())
    told = market_status_of(driven.look(), driven.pulse)
    assert told is not None
    checked(told, driven.now)
    opens = parse_moment("2026-01-11T23:00:00Z")
    assert told.state == "closed"
    assert (told.next_open_ms, told.next_open_in_seconds) == (opens, (opens - SATURDAY) / SECOND)
    assert told.next_open_utc == "2026-01-11T23:00:00.000Z"
    assert told.session == {
        "tag": "own",
        "timezone": "America/New_York",
        "weekly_open": "Sun 18:00",
        "weekly_close": "Fri 16:55",
        "daily_breaks": ["17:00-18:00"],
        "next_open_utc": "2026-01-11T23:00:00.000Z",
        "next_open_ms": opens,
        "next_open_seconds": (opens - SATURDAY) / SECOND,
    }
    assert told.ts == "2026-01-10T12:00:00.000Z"


def test_several_calendars_are_open_while_any_of_them_is_and_the_next_opening_is_the_first() -> None:
    both = Trading(Calendars(), ("EURUSD", "BTCUSD"))
    assert both.at(SATURDAY).is_open
    assert both.at(SATURDAY).closes_at is None
    two = Trading(Calendars((*gold().claims, *stocks().claims)), ("XAUUSD", "AAPL"))
    hours = two.at(SATURDAY)
    assert (hours.is_open, hours.opens_at, hours.reason) == (False, parse_moment("2026-01-11T23:00:00Z"), "weekend")
    friday = two.at(parse_moment("2026-01-09T20:00:00Z"))
    assert (friday.is_open, friday.closes_at) == (True, parse_moment("2026-01-09T21:55:00Z"))


def test_the_week_that_is_told_is_the_one_most_products_keep_and_rather_one_that_closes() -> None:
    tags = {
        products: Trading(Calendars(), products).at(SATURDAY).week.tag
        for products in (("BTCUSD", "EURUSD"), ("BTCUSD", "ETHUSD", "EURUSD"), ("BTCUSD",))
    }
    assert list(tags.values()) == ["fx", "always", "always"]


def test_how_late_a_bar_was_is_said_of_new_ones_only() -> None:
    driven = Driven().after(3600)
    driven.bar(fresh=False)
    assert [(each.bars, each.lag_seconds) for each in driven.pulse.streams.reports()] == [(1, 0.0)]
    driven.after(61.5).bar()
    assert [(each.bars, each.lag_seconds) for each in driven.pulse.streams.reports()] == [(2, 1.5)]


def test_a_product_of_an_earlier_life_says_when_the_market_is_open_until_one_is_there() -> None:
    driven = Driven("XAUUSD", begins=SATURDAY, known=False)
    assert driven.look().market == "unknown"
    driven.pulse.restored("BTCUSD", MINUTE, SATURDAY - MINUTE, driven.now)
    assert driven.look().market == "open"
    driven.tick("XAUUSD")
    assert driven.look().market == "closed"


def test_a_city_that_opens_is_named_without_a_price_having_to_come() -> None:
    driven = Driven(begins=parse_moment("2026-01-05T07:59:30Z"))
    assert session(status(driven)).name == "Tokyo" or session(status(driven)).name == "fx"
    assert session(status(driven.after(61))).name == "London"


# --- when it goes out ------------------------------------------------------------------------------------------------


def test_a_change_goes_out_at_once_and_what_stays_is_repeated_every_so_often() -> None:
    repeats = Repeats(30 * SECOND)
    said = [(at, what) for at, what in enumerate("aaabbacccc") if repeats.wanted(what, MONDAY + at * 10 * SECOND)]
    assert said == [(0, "a"), (3, "b"), (5, "a"), (6, "c"), (9, "c")]
    assert repeats.due == MONDAY + 120 * SECOND


def test_numbers_that_run_are_no_change_and_words_that_turn_are() -> None:
    driven = Driven().ticking(5)
    keys = [status_key(look(driven)) for _ in range(10)]
    assert len(set(keys)) == 1
    assert status_key(driven.look(seconds=30)) != keys[0]


def look(driven: Driven) -> Picture:
    return driven.look(seconds=1)


@pytest.mark.parametrize("count", [1, 50])
def test_a_hundred_turns_within_a_second_are_a_hundred_messages(count: int) -> None:
    repeats, driven = Repeats(30 * SECOND), Driven().ticking(3)
    out = 0
    for _ in range(count):
        for up in (False, True):
            driven.link(up, seconds=0.01)
            out += repeats.wanted(status_key(driven.look()), driven.now)
    assert out == 2 * count
