"""The journal: what crossed a flow's door, so that it can be made again bit by bit."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline import virtual
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.journal import (
    FORMAT,
    HEADER,
    LINES,
    Chain,
    Journal,
    JournalError,
    digest,
    header_of,
    plain,
    read_header,
    read_lines,
    restored,
)
from pipeline.plan import Plan
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Ack, Bars, Past, Payouts, Quotes, Reject, Settlement
from pipeline.verifying import Verdict, verified
from tests.driven import bars_of, walk
from tests.support import MONDAY, ROOT, SMALL, order, plan_of, quotes

PLAN = plan_of()
ODD = [float("nan"), -0.0, 0.0, 1e-308, 5e-324, math.inf, -math.inf, 0.1 + 0.2, 1.7976931348623157e308]
FLOATS = arrays.arrays(np.float64, 5, elements=st.sampled_from(ODD) | st.floats(allow_nan=False))
STAMPS = arrays.arrays(np.int64, 5)


def through_json(value: Any) -> Any:
    return restored(type(value).__name__, msgspec.json.decode(msgspec.json.encode(plain(value))))


def bits(value: Any) -> dict[str, Any]:
    made: dict[str, Any] = {entry.name: getattr(value, entry.name) for entry in fields(value)}
    return {name: (str(each.dtype), each.tobytes()) if hasattr(each, "dtype") else each for name, each in made.items()}


# --- values ----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(ts=STAMPS, received=STAMPS, bid=FLOATS, ask=FLOATS)
def test_quotes_read_back_bit_by_bit(ts: Any, received: Any, bid: Any, ask: Any) -> None:
    value = Quotes("EUR/USD ✓", ts, received, bid, ask)
    assert bits(through_json(value)) == bits(value)


@settings(max_examples=40, deadline=None)
@given(ts=STAMPS, ratio=FLOATS)
def test_payouts_read_back_bit_by_bit(ts: Any, ratio: Any) -> None:
    value = Payouts("EURUSD", ts, ratio)
    assert bits(through_json(value)) == bits(value)


@settings(max_examples=40, deadline=None)
@given(close=FLOATS, volume=FLOATS, ticks=arrays.arrays(np.int32, 5), closed_by=arrays.arrays(np.int8, 5))
def test_bars_read_back_bit_by_bit(close: Any, volume: Any, ticks: Any, closed_by: Any) -> None:
    value = replace(bars_of([1.1] * 5), close=close, volume=volume, ticks=ticks, closed_by=closed_by, fresh=2)
    assert bits(through_json(value)) == bits(value)


def test_batches_of_no_rows_keep_their_types() -> None:
    for value in (quotes("EURUSD", [], []), bars_of([]), Payouts("A", np.zeros(0, np.int64), np.zeros(0))):
        assert bits(through_json(value)) == bits(value)


EVENTS = [
    Ack("a", "C-1", MONDAY, MONDAY + MINUTE, 0.1 + 0.2),
    Reject("a", "no “price”", MONDAY),
    Settlement("a", "lose", order(profit="-1.10").profit, MONDAY, 1.1, MONDAY + 1, 1.2, MONDAY + 2),
    order("SETTLED", result="win", profit="0.900", stake="1.00"),
    Past((order("CONFIRM"), order("UNKNOWN", order="b")), {"demo-1": order(profit="-3.20").profit}),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_events_read_back_as_they_were(event: Any) -> None:
    again = through_json(event)
    assert again == event
    assert repr(again) == repr(event)


def test_a_value_of_another_version_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match=r"a recorded Candles cannot enter a flow; .* made by another version"):
        restored("Candles", {})


# --- the chain -------------------------------------------------------------------------------------------------------

CHANGES: dict[str, Callable[[Bars], Bars]] = {
    "one bit of a price": lambda bars: replace(bars, close=np.nextafter(bars.close, 2)),
    "the sign of a zero": lambda bars: replace(bars, volume=-bars.volume),
    "a stamp": lambda bars: replace(bars, final_at=bars.final_at + 1),
    "how it was closed": lambda bars: replace(bars, closed_by=bars.closed_by - np.int8(1)),
    "the product": lambda bars: replace(bars, product="EURUSD"),
    "the timeframe": lambda bars: replace(bars, tf=2 * MINUTE),
    "how many are new": lambda bars: replace(bars, fresh=2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_of_what_is_new_changes_the_digest(change: Callable[[Bars], Bars]) -> None:
    bars = replace(bars_of(walk(1, 3)), volume=np.zeros(3))
    assert digest(change(bars)) != digest(bars)
    assert digest(replace(bars, open=bars.open.copy())) == digest(bars)


def test_context_is_not_part_of_what_was_given() -> None:
    bars = bars_of(walk(1, 9), fresh=2)
    assert digest(bars) == digest(bars.rows(4, 9, 2))


def test_one_nan_is_like_another() -> None:
    """Processors make NaN of either sign; a file keeps neither its sign nor its bits."""
    one, other = np.array([np.nan]), -np.array([np.nan])
    assert one.tobytes() != other.tobytes()
    made = [Payouts("EURUSD", np.array([MONDAY]), ratio) for ratio in (one, other)]
    assert digest(made[0]) == digest(made[1]) == digest(through_json(made[1]))


def test_a_chain_depends_on_everything_before_and_on_who_gave_it() -> None:
    def end_of(*links: tuple[str, float]) -> str:
        chain = Chain()
        return [chain.link(node, quotes("EURUSD", [MONDAY], [price])) for node, price in links][-1]

    ends = [end_of(("a", 1.0), ("b", 1.0)), end_of(("a", 1.1), ("b", 1.0)), end_of(("b", 1.0), ("a", 1.0))]
    assert len({*ends, end_of(("b", 1.0))}) == 4


# --- a folder --------------------------------------------------------------------------------------------------------


def recorded(folder: Path, plan: Plan = PLAN, minutes: int = 60) -> Path:
    """A whole session of the plan with its market and venue, recorded."""

    async def main() -> None:
        journal = Journal(folder, plan, MONDAY)
        setting = Setting(mode="paper", begin=MONDAY)
        async with running(plan, setting, NoRecords(), Past((), {}), journal=journal) as flow:
            await flow.border.until(MONDAY + minutes * MINUTE)
        journal.close()

    virtual.run(lambda _: main())
    return folder


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("session"))


@pytest.fixture
def copied(session: Path, tmp_path: Path) -> Path:
    for name in (HEADER, LINES):
        (tmp_path / name).write_bytes((session / name).read_bytes())
    return tmp_path


def edit_line(folder: Path, number: int, edit: Callable[[dict[str, Any]], None]) -> None:
    lines = (folder / LINES).read_bytes().splitlines(keepends=True)
    line = json.loads(lines[number])
    edit(line)
    lines[number] = json.dumps(line).encode() + b"\n"
    (folder / LINES).write_bytes(b"".join(lines))


def test_a_recorded_session_comes_out_the_same(session: Path) -> None:
    verdict: Verdict = verified(session, ROOT)
    assert verdict.difference is None
    assert verdict.whole
    assert verdict.same == verdict.links > 300
    assert verdict.decisions > 100
    kinds = {line.type for line in read_lines(session) if line.what == "gave"}
    assert {"Bars", "Signals", "Decisions", "Approved", "Order"} <= kinds


def test_another_price_that_entered_is_found_where_it_made_a_difference(copied: Path) -> None:
    entered = [number for number, line in enumerate(read_lines(copied)) if line.type == "Quotes"]
    place = entered[len(entered) // 2]
    edit_line(
        copied,
        place,
        lambda line: line["value"].update(bid=[1.5] * len(line["value"]["bid"]), ask=[1.5] * len(line["value"]["ask"])),
    )
    verdict = verified(copied, ROOT)
    assert verdict.difference is not None
    assert verdict.same < verdict.links
    assert verdict.difference.recorded != verdict.difference.replayed


def test_another_decision_than_recorded_is_found(copied: Path) -> None:
    place = next(number for number, line in enumerate(read_lines(copied)) if line.type == "Decisions")
    edit_line(copied, place, lambda line: line.update(chain="0" * 16))
    verdict = verified(copied, ROOT)
    assert verdict.difference is not None
    assert verdict.links - verdict.same == 1
    assert verdict.difference.recorded.startswith("risk.main gave Decisions")


def test_a_recording_that_ends_early_is_not_the_same(copied: Path) -> None:
    lines = (copied / LINES).read_bytes().splitlines(keepends=True)
    gave = max(number for number, line in enumerate(lines) if b'"what":"gave"' in line)
    (copied / LINES).write_bytes(b"".join(lines[:gave] + lines[gave + 1 :]))
    verdict = verified(copied, ROOT)
    assert verdict.difference is not None
    assert verdict.difference.recorded == "nothing"


@pytest.mark.parametrize("kept", [0.3, 0.999])
def test_a_recording_that_a_kill_cut_off_anywhere_verifies_and_is_said_to_be_cut_off(copied: Path, kept: float) -> None:
    raw = (copied / LINES).read_bytes()
    (copied / LINES).write_bytes(raw[: int(len(raw) * kept)])
    verdict = verified(copied, ROOT)
    assert verdict.difference is None
    assert not verdict.whole
    assert 0 < verdict.same == verdict.links


def test_wherever_a_recording_is_cut_off_within_one_moment_nothing_is_taken_for_a_difference(copied: Path) -> None:
    lines = (copied / LINES).read_bytes().splitlines(keepends=True)
    gave = max(number for number, line in enumerate(lines) if b'"Approved"' in line)
    for cut in (gave - 1, gave, gave + 1):
        (copied / LINES).write_bytes(b"".join(lines[:cut]))
        assert verified(copied, ROOT).difference is None


def test_a_session_that_failed_has_no_end(tmp_path: Path) -> None:
    def in_the_middle(journal: Journal) -> None:
        journal.woke(MONDAY)
        raise JournalError("the disk is full")

    with pytest.raises(JournalError), Journal(tmp_path / "failed", PLAN, MONDAY) as journal:
        in_the_middle(journal)
    assert [line.what for line in read_lines(tmp_path / "failed")] == ["woke"]
    with Journal(tmp_path / "whole", PLAN, MONDAY) as journal:
        journal.woke(MONDAY)
    assert [line.what for line in read_lines(tmp_path / "whole")] == ["woke", "ended"]


def test_a_last_line_that_was_cut_off_is_left_out(copied: Path) -> None:
    whole = list(read_lines(copied))
    raw = (copied / LINES).read_bytes()
    (copied / LINES).write_bytes(raw[:-7])
    assert list(read_lines(copied)) == whole[:-1]


@pytest.mark.parametrize("damage", [b"{nonsense}\n", b"\xff\xfe\n", b'{"at": "soon"}\n', b"\n"])
def test_a_damaged_line_is_told_with_its_number(copied: Path, damage: bytes) -> None:
    lines = (copied / LINES).read_bytes().splitlines(keepends=True)
    (copied / LINES).write_bytes(b"".join([*lines[:2], damage, *lines[2:]]))
    with pytest.raises(InputError, match=r"journal.jsonl line 3 cannot be read .*; the recording is damaged"):
        list(read_lines(copied))


def test_a_folder_without_a_recording_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no recorded session; record one with"):
        read_header(tmp_path)


def test_half_a_header_is_told_in_a_sentence(copied: Path) -> None:
    (copied / HEADER).write_bytes((copied / HEADER).read_bytes()[:50])
    with pytest.raises(InputError, match="it is not a whole recording"):
        read_header(copied)


def test_lines_without_a_header_are_no_recording(copied: Path) -> None:
    (copied / HEADER).unlink()
    with pytest.raises(InputError, match="holds no recorded session"):
        verified(copied, ROOT)


def test_a_header_without_lines_is_told_in_a_sentence(copied: Path) -> None:
    (copied / LINES).unlink()
    with pytest.raises(InputError, match="holds no recorded session"):
        verified(copied, ROOT)


def test_another_format_is_refused_in_a_sentence(copied: Path) -> None:
    header = msgspec.structs.replace(read_header(copied), format=FORMAT + 1)
    (copied / HEADER).write_bytes(msgspec.json.encode(header))
    with pytest.raises(InputError, match=f"has format {FORMAT + 1}, this version reads {FORMAT}"):
        read_header(copied)


def test_a_recording_is_never_written_over(session: Path) -> None:
    before = (session / LINES).read_bytes()
    with pytest.raises(InputError, match="holds a recorded session already; name a new folder"):
        Journal(session, PLAN, MONDAY)
    assert (session / LINES).read_bytes() == before


def test_the_header_has_the_whole_flow_and_what_it_ran_on(session: Path) -> None:
    header = read_header(session)
    assert (header.flow, header.begin, header.format) == (SMALL, MONDAY, FORMAT)
    assert header == header_of(PLAN, MONDAY)
