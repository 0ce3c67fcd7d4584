"""The book: every record passes it once, masked and harmless, whoever says something and whenever."""

import threading
from base64 import b64encode
from datetime import UTC

import pytest

from pipeline import secret
from pipeline.errors import InputError
from pipeline.logs.book import KEPT, LogBook
from pipeline.logs.levels import Levels
from pipeline.logs.plain import LONGEST
from pipeline.logs.records import LogLevel, Record, line_of, record_of
from pipeline.logs.showing import shown
from pipeline.secret import MASK, Secret
from pipeline.times import utc_text
from tests.support import MONDAY
from tests.test_canary import forms

CANARY = "cAnArY-of-the-log/Pass+word=9 ü"


def book_of(level: LogLevel = "debug", last: int = 0, **modules: LogLevel) -> LogBook:
    book = LogBook(Levels(level, modules), lambda: MONDAY + 1, last)
    book.now = lambda: MONDAY
    return book


def texts(book: LogBook) -> list[str]:
    return [record.text for record in book.tail()]


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(secret, "_revealed", {})
    return Secret(CANARY).reveal()


def test_a_record_says_who_said_what_when_and_to_what_it_belongs() -> None:
    book = book_of()
    book.say("info", "risk.main", "decided", "demo-1:EURUSD:1m:1", {"score": 0.5})
    book.say("error", "engine", "ended", at=MONDAY - 5)
    first, second = book.tail()
    assert first == Record(1, MONDAY, MONDAY + 1, "info", "risk.main", "decided", "demo-1:EURUSD:1m:1", {"score": 0.5})
    assert (second.seq, second.at, second.wall) == (2, MONDAY - 5, MONDAY + 1)


def test_numbers_go_on_where_an_earlier_life_ended() -> None:
    book = book_of(last=41)
    book.say("info", "engine", "again")
    assert (book.tail()[0].seq, book.last) == (42, 42)


def test_the_longest_name_says_what_is_kept_and_a_name_is_whole() -> None:
    levels = Levels("warning", {"venues": "debug", "venues.bank": "error", "risk": "info"})
    kept = {
        (level, module)
        for level in ("debug", "info", "warning", "error")
        for module in ("venues.other", "venues.bank", "venues.bank.demo", "risk.main", "engine", "riskier")
        if levels.keep(level, module)
    }
    assert {level for level, module in kept if module == "venues.other"} == {"debug", "info", "warning", "error"}
    assert {level for level, module in kept if module == "venues.bank"} == {"error"}
    assert {level for level, module in kept if module == "venues.bank.demo"} == {"error"}
    assert {level for level, module in kept if module == "risk.main"} == {"info", "warning", "error"}
    assert {level for level, module in kept if module == "engine"} == {"warning", "error"}
    assert {level for level, module in kept if module == "riskier"} == {"warning", "error"}


def test_levels_change_while_it_runs_and_the_change_is_itself_said() -> None:
    book = book_of("info")
    book.say("debug", "venues.bank", "before")
    book.set_level("venues", "debug")
    book.say("debug", "venues.bank", "meanwhile")
    book.set_level("venues", None)
    book.say("debug", "venues.bank", "after")
    assert texts(book) == [
        "venues is kept from debug on, until this engine ends",
        "meanwhile",
        "venues is kept from info on, until this engine ends",
    ]
    assert dict(book.levels) == {"": "info"}


def test_a_level_or_a_module_that_there_is_not_is_refused_and_changes_nothing() -> None:
    book = book_of("info")
    with pytest.raises(InputError, match="nothing is said under 'venus'; did you mean 'venues'"):
        book.set_level("venus", "debug")
    with pytest.raises(InputError, match="'loud' is not a level; use one of debug, info, warning, error"):
        book.set_level("venues", "loud")  # type: ignore[arg-type]  # as somebody outside may
    assert dict(book.levels) == {"": "info"}


def test_the_last_that_are_asked_for_are_given_in_their_order() -> None:
    book = book_of()
    for number in range(6):
        book.say(
            "warning" if number % 2 else "info", "venues.bank" if number < 4 else "engine", f"n{number}", f"o{number}"
        )
    assert [each.text for each in book.tail("warning", 2)] == ["n3", "n5"]
    assert [each.text for each in book.tail(module="venues")] == ["n0", "n1", "n2", "n3"]
    assert [each.text for each in book.tail(order="o2")] == ["n2"]
    assert [each.text for each in book.tail(word="N4")] == ["n4"]
    assert [each.seq for each in book.after(3)] == [4, 5, 6]
    assert [each.seq for each in book.after(0, 2)] == [5, 6]
    assert book.tail(n=0) == ()


def test_only_so_much_is_kept_in_memory() -> None:
    book = book_of()
    for number in range(KEPT + 10):
        book.say("info", "engine", str(number))
    kept = book.tail(n=10 * KEPT)
    assert (len(kept), kept[0].text) == (KEPT, "10")


def test_whoever_subscribed_hears_each_record_until_he_leaves() -> None:
    book, heard = book_of(), list[str]()
    leave = book.subscribe(lambda record: heard.append(record.text))
    book.say("info", "engine", "one")
    leave()
    book.say("info", "engine", "two")
    assert heard == ["one"]


def test_a_listener_that_fails_is_told_of_and_hears_no_more_and_the_others_do() -> None:
    book, heard = book_of(), list[str]()

    def fails(record: Record) -> None:
        raise OSError(f"no room for {record.seq}")

    book.subscribe(fails)
    book.subscribe(lambda record: heard.append(record.text))
    book.say("info", "engine", "one")
    book.say("info", "engine", "two")
    assert heard == ["one", "who heard of each record failed (OSError: no room for 1) and hears of none now", "two"]


def test_what_is_said_while_a_record_is_made_comes_after_it_from_a_finalizer_too() -> None:
    book = book_of()

    class Gone:
        def __del__(self) -> None:
            book.say("warning", "engine", "said by a finalizer")

    def answers(record: Record) -> None:
        if record.text == "one":
            Gone()
            book.say("info", "engine", "said by a listener")

    book.subscribe(answers)
    book.say("info", "engine", "one")
    assert texts(book) == ["one", "said by a finalizer", "said by a listener"]


def test_many_threads_that_speak_at_once_get_each_a_number_of_its_own() -> None:
    book, heard = book_of(), list[int]()
    book.subscribe(lambda record: heard.append(record.seq))

    def speaks() -> None:
        for number in range(300):
            book.say("info", "engine", str(number))

    threads = [threading.Thread(target=speaks) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        book.tail(n=10)
        book.after(book.last - 5)
    for thread in threads:
        thread.join()
    assert heard == list(range(1, 2401))


SPOKEN = {name: raw.decode() for name, raw in forms(CANARY).items() if "base64" not in name and "16" not in name} | {
    f"base64 behind {before!r}": b64encode((before + CANARY).encode()).decode() for before in ("", "u:", "ada:")
}
"""What a broker or a library may say of a secret that it was told."""


@pytest.mark.parametrize("form", SPOKEN)
def test_no_form_of_a_secret_stands_in_a_record_neither_in_its_text_nor_in_a_field(canary: str, form: str) -> None:
    told, book = SPOKEN[form], book_of()
    book.say("error", "venues.bank", f"the broker said {told}.", fields={"traceback": f"line\nwith {told} in it"})
    line = line_of(book.tail()[0])
    assert [each for each, raw in forms(canary).items() if raw in line] == []
    assert line.decode().count(MASK) == 2


def test_what_looks_like_a_secret_is_masked_before_anybody_knows_it() -> None:
    book = book_of()
    book.say("info", "libraries.http", "GET /x Authorization: Bearer abc.def-123", fields={"url": "wss://u:pw@host/"})
    record = book.tail()[0]
    assert record.text == f"GET /x Authorization: Bearer {MASK}"
    assert record.fields == {"url": f"wss://u:{MASK}@host/"}


HOSTILE = {
    "a line of its own": "x\n2026-01-05 error engine forged",
    "a line of another kind": "x\u2028forged\u0085forged\r\nforged",
    "an escape": "x\x1b[2J\x1b]0;title\x07",
    "an escape of eight bits": "x\x9b2J\x9d0;t\x9c",
    "writing from the right": "x\u202egnissap\u2066",
    "what nobody sees": "pass\u200bword\ufeff\U000e0041",
    "half a letter": "x\ud83d",
    "a bell": "\x07\x00\x7f",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_comes_from_outside_is_one_harmless_line_in_the_file_and_on_a_terminal(what: str) -> None:
    book = book_of()
    book.say("info", f"venues.{HOSTILE[what]}", HOSTILE[what], HOSTILE[what], {"traceback": HOSTILE[what]})
    record = book.tail()[0]
    line, seen = line_of(record), shown(record, UTC)
    assert line.count(b"\n") == 1
    assert record_of(line) == record
    first, *below = seen.split("\n")
    assert first.isprintable()
    assert all(each.startswith("    │ ") and each.isprintable() for each in below)


def test_a_record_of_a_file_that_somebody_else_wrote_does_nothing_to_a_terminal_either() -> None:
    record = Record(1, MONDAY, MONDAY, "info", "x\x1b[2J", "y\nz", "\x9b1m", {"traceback": "a\n\x1b[31mb"})
    assert (
        shown(record, UTC)
        == f"{utc_text(MONDAY)[:19].replace('T', ' ')} info    x␛[2J  y ⏎ z  [�1m]\n    │ a\n    │ ␛[31mb"
    )


def test_a_text_without_end_is_cut() -> None:
    book = book_of()
    book.say("info", "engine", "x" * 2_000_000, fields={"n": 2**80, "traceback": "y" * 2_000_000})
    record = book.tail()[0]
    assert len(record.text) == LONGEST
    assert record.fields["n"] == str(2**80)
    assert len(line_of(record)) < 50_000
