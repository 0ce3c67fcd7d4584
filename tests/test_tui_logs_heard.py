"""The log that a console has heard: kept to an end, sifted once, with what it missed."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.logs.records import LogLevel, Record
from tui.logs.heard import KEPT, SLACK, HeardLog
from tui.logs.sifted import LEVELS, PORTION, Sifted, texts_of


def record(seq: int, level: LogLevel = "info", module: str = "risk.main", order: str = "demo-1:EURUSD:1m:7") -> Record:
    return Record(seq, 1_000 * seq, 0, level, module, f"text {seq}", order)


def heard(*records: Record) -> HeardLog:
    log = HeardLog()
    log._add(records)  # pyright: ignore[reportPrivateUsage]  # as an answer adds them
    return log


@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(("bars", "risk.main")))), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_sifting_as_records_come_shows_what_sifting_all_at_once_shows(said: list[Any], step: int) -> None:
    log, whole = HeardLog(), heard(*(record(at, *each) for at, each in enumerate(said)))
    sifted = Sifted(log)
    sifted.of_level("warning")
    sifted.filter("module:risk !text 3")
    for at in range(0, len(said), step + 1):
        log._add(whole.records[at : at + step + 1])  # pyright: ignore[reportPrivateUsage]
        sifted.sift()
    at_once = Sifted(whole)
    at_once.of_level("warning")
    at_once.filter("module:risk !text 3")
    assert sifted.places == at_once.places


def test_a_filter_is_looked_for_in_portions_the_newest_first_and_finds_all_in_the_end() -> None:
    log = heard(*(record(at, "error" if at % 2 else "info") for at in range(PORTION * 3)))
    sifted = Sifted(log)
    sifted.filter("level:error")
    assert not sifted.done
    assert sifted.places[-1] == PORTION * 3 - 1
    while not sifted.done:
        sifted.sift()
    assert len(sifted.places) == PORTION * 3 // 2
    assert sifted.places == sorted(sifted.places)


def test_twenty_thousand_are_kept_and_the_places_of_those_that_went_are_forgotten() -> None:
    log = HeardLog()
    sifted = Sifted(log)
    for begin in range(0, KEPT + SLACK + 500, 500):
        log._add(record(at) for at in range(begin, begin + 500))  # pyright: ignore[reportPrivateUsage]
        sifted.sift()
    assert len(log.records) == KEPT
    assert log.end == KEPT + SLACK + 500
    assert len(sifted.places) == KEPT
    assert log.at(sifted.places[0]) is log.records[0]


def test_a_filter_reads_level_module_order_and_account() -> None:
    texts = texts_of(record(1))
    assert texts["order"] == "demo-1:EURUSD:1m:7"
    assert texts["account"] == "demo-1"
