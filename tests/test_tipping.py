"""Tips: each speaks once, of the first bar that is final when it holds, however the bars are cut."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.checking import load_text
from pipeline.errors import PlanError
from pipeline.made_up import tips_of
from pipeline.plan import Plan
from pipeline.remarks import remark
from pipeline.times import MINUTE, SECOND
from pipeline.tipping import KEPT, Board, Told, none_of, ordered, told_of
from pipeline.values import Bars, Columns, Decisions, Payouts, Repaint, Revised, Tips
from tests.driven import bars_of, walk
from tests.support import MONDAY, ROOT, SMALL, Entry, decided, play, same

NAN = float("nan")


def tips(*said: tuple[float, float, int, float], product: str = "EURUSD") -> Tips:
    """Tips by when they begin and end (minutes after MONDAY), their timeframe (minutes) and score."""
    as_of, until, tf, score = (np.array(each) for each in zip(*said, strict=True))
    begin, end = ((MONDAY + each * MINUTE).astype(np.int64) for each in (as_of, until))
    return ordered(Tips(product, begin, end, tf.astype(np.int64) * MINUTE, score.astype(np.float64)))


def columns(rows: int, tf: int = MINUTE, late: int = 0) -> Columns:
    """Rows of bars one after another, each final so many ms after its close."""
    open_ts = MONDAY + tf * np.arange(rows, dtype=np.int64)
    values = {"close": np.ones(rows)}
    return Columns("EURUSD", tf, open_ts, open_ts + tf + late, np.ones(rows, np.bool_), values, rows)


def cut(whole: Columns, start: int, stop: int) -> Columns:
    rows = slice(start, stop)
    stamps = whole.open_ts[rows], whole.final_at[rows], whole.ready[rows]
    return Columns(whole.product, whole.tf, *stamps, {"close": whole["close"][rows]}, stop - start)


def heard(told: Told) -> tuple[list[float | None], list[bool]]:
    return [None if score != score else score for score in told.score.tolist()], told.expired.tolist()


# --- which row a tip is for ------------------------------------------------------------------------------------------


def test_a_tip_speaks_of_the_first_bar_that_is_final_when_it_holds_and_of_no_other() -> None:
    assert heard(told_of(columns(5), tips((2.5, 3.5, 1, 1.0)))) == ([None, None, 1.0, None, None], [False] * 5)


def test_a_bar_final_at_the_very_moment_is_the_first() -> None:
    assert heard(told_of(columns(4), tips((2, 2, 1, -0.5))))[0] == [None, -0.5, None, None]


def test_a_tip_that_ends_before_a_bar_is_final_says_nothing_and_marks_that_bar() -> None:
    assert heard(told_of(columns(4), tips((1.5, 1.9, 1, 1.0)))) == ([None] * 4, [False, True, False, False])


def test_a_late_bar_is_measured_by_when_it_was_final() -> None:
    tip = tips((2, 2.005, 1, 1.0))
    assert heard(told_of(columns(4, late=300), tip))[0] == [None, 1.0, None, None]
    assert heard(told_of(columns(4, late=301), tip))[1] == [False, True, False, False]


def test_a_tip_is_for_its_timeframe_or_for_all() -> None:
    said = tips((9, 15, 5, 1.0), (9, 15, 0, -1.0), (9.5, 15, 15, 1.0))
    assert heard(told_of(columns(20), said))[0][8] == -1.0
    assert heard(told_of(columns(4, tf=5 * MINUTE), said))[0] == [None, 0.0, None, None]


def test_of_several_tips_for_a_bar_the_latest_counts_and_opposite_ones_of_one_moment_cancel() -> None:
    assert heard(told_of(columns(3), tips((1.2, 9, 1, 1.0), (1.7, 9, 1, -1.0))))[0] == [None, -1.0, None]
    assert heard(told_of(columns(3), tips((1.5, 9, 1, 1.0), (1.5, 9, 1, -1.0))))[0] == [None, 0.0, None]


def test_a_stale_tip_beside_one_that_holds_marks_the_bar_and_does_not_silence_it() -> None:
    assert heard(told_of(columns(3), tips((1.2, 1.3, 1, 1.0), (1.7, 9, 1, -1.0)))) == (
        [None, -1.0, None],
        [False, True, False],
    )


def test_the_first_row_is_told_nothing_as_nobody_knows_what_was_before_it() -> None:
    assert heard(told_of(columns(2), tips((0.5, 9, 1, 1.0)))) == ([None, None], [False, False])


def test_where_there_is_no_tip_or_no_row_nothing_is_told() -> None:
    assert len(told_of(columns(0), tips((0.5, 9, 1, 1.0)))) == 0
    assert heard(told_of(columns(1), none_of("EURUSD"))) == ([None], [False])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1000), start=st.integers(1, 80), rows=st.integers(1, 40), late=st.integers(0, 900))
def test_a_block_and_any_part_of_it_behind_one_row_are_told_the_same(
    seed: int, start: int, rows: int, late: int
) -> None:
    whole = columns(100, late=late)
    said = tips_of("EURUSD", whole.final_at, MINUTE, seed)
    told, part = told_of(whole, said), told_of(cut(whole, start - 1, start + rows), said)
    assert same(told.score[start : start + rows], part.score[1:])
    assert same(told.expired[start : start + rows], part.expired[1:])


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(8)), parts=st.integers(1, 8))
def test_in_which_order_tips_are_told_changes_nothing(order: list[int], parts: int) -> None:
    said = [(1.5, 9, 1, 0.1), (1.5, 9, 1, 0.7), (1.5, 1.6, 0, -1.0), (1.5, 9, 1, -0.3)]
    said += [(1.2, 9, 0, 1.0), (3.5, 9, 1, 1.0), (2.5, 9, 1, -0.2), (2.5, 9, 1, 0.3)]
    board, expected = Board(), told_of(columns(6), tips(*said))
    for start in range(0, len(order), parts):
        board.add(tips(*(said[each] for each in order[start : start + parts])))
    assert same(board.told(columns(6)), expected)


def test_a_board_keeps_all_tips_ahead_and_so_many_that_have_passed() -> None:
    board, many = Board(), KEPT + 1000
    stamps = MONDAY + np.arange(many, dtype=np.int64)
    board.add(Tips("EURUSD", stamps, stamps, np.zeros(many, np.int64), np.ones(many)))
    assert len(board) == many
    board.told(columns(3))
    board.add(tips((60, 70, 1, 1.0)))
    passed = int(np.count_nonzero(stamps <= MONDAY + 3 * MINUTE))
    assert passed == many > KEPT
    assert len(board) == KEPT + 1


def test_the_log_has_a_word_for_what_was_told() -> None:
    one, many = tips((0.5, 2, 5, -0.5)), tips((0.5, 2, 5, -0.5), (1, 3, 0, 1.0))
    assert remark(one, UTC) == ("info", "EURUSD: told put 0.50 5m, from 2026-01-05 10:00:30 until 2026-01-05 10:02:00")
    assert remark(many, UTC) == ("info", "EURUSD: told 2 tips for 2026-01-05 10:00:30 to 2026-01-05 10:03:00")
    assert remark(none_of("EURUSD"), UTC) is None


# --- in a flow -------------------------------------------------------------------------------------------------------

HEARING = (
    SMALL.replace('use = "ema_cross"\nfast = "fast"\nslow = "slow"', 'use = "signal_list"\nfrom = "outside"')
    .replace("providers.cross", "providers.tips")
    .replace('from = ["cross"]', 'from = ["tips"]')
    .replace(
        'use = "synthetic"\nproducts = ["EURUSD", "BTCUSD"]\nstart = "2026-01-05T10:00:00Z"',
        'use = "files"\npath = "none.csv"\nproduct = "BTCUSD"\n\n[sources.outside]\nuse = "webhook"',
    )
)
MINUTES = 90
BARS = bars_of(walk(3, MINUTES))
END = MONDAY + (MINUTES + 20) * MINUTE


def plan(text: str = HEARING) -> Plan:
    return load_text(text, "flows.toml", ROOT)


def market(bars: Bars, rows: int) -> list[Entry]:
    """Bars so many at a time, the first of each block at its own moment; and what a win pays."""
    payouts = Payouts("BTCUSD", np.array([MONDAY]), np.array([0.9]))
    blocks = (bars.rows(start, min(start + rows, len(bars)), rows) for start in range(0, len(bars), rows))
    blocks = (replace(block, fresh=len(block)) for block in blocks)
    return [(MONDAY, "sources.market", payouts), *((int(bar.final_at[0]), "sources.market", bar) for bar in blocks)]


SAID = tips(
    (50.2, 51.5, 1, 1.0),
    (55.5, 55.9, 1, 1.0),
    (60.0, 62.0, 0, -1.0),
    (75.5, 99, 5, 0.5),
    (80, 99, 1, 1.0),
    product="BTCUSD",
)


def verdicts(entries: Iterable[Entry]) -> dict[tuple[int, int], tuple[str, int]]:
    """What became of each bar that something was said of: by timeframe (minutes) and minute."""
    found: dict[tuple[int, int], tuple[str, int]] = {}
    for _, item in play(plan(), entries, END):
        if isinstance(item, Decisions):
            for row in range(len(item)):
                verdict = int(item.verdict[row])
                gate = "trade" if verdict < 0 else item.gates[verdict]
                if gate not in ("vote", "ready"):
                    minute = (int(item.open_ts[row]) - MONDAY) // MINUTE
                    found[item.tf // MINUTE, minute] = gate, int(item.direction[row])
    return found


EXPECTED = {
    (1, 50): ("trade", 1),
    (1, 55): ("stale_signal", 0),
    (1, 59): ("trade", -1),
    (1, 79): ("trade", 1),
}


def test_a_tip_becomes_a_trade_and_a_stale_one_a_row_in_the_journal() -> None:
    entries = [(MONDAY, "sources.outside", SAID), *market(BARS, 1)]
    assert {key: what for key, what in verdicts(entries).items() if key[0] == 1} == EXPECTED


@pytest.mark.parametrize("rows", [7, 45, 90])
def test_blocks_ahead_decide_as_single_bars_do(rows: int) -> None:
    told = (MONDAY, "sources.outside", SAID)
    singles, blocks = (decided(play(plan(), [told, *market(BARS, each)], END)) for each in (1, rows))
    assert singles == blocks


def test_a_tip_told_just_in_time_decides_as_one_told_long_before() -> None:
    late = [(int(SAID.as_of[row]) - SECOND, "sources.outside", _row(row)) for row in range(len(SAID))]
    assert verdicts([*late, *market(BARS, 1)]) == verdicts([(MONDAY, "sources.outside", SAID), *market(BARS, 1)])


def test_a_flow_that_begins_later_decides_as_one_that_ran() -> None:
    """The bars before are history then: nothing is decided on them, and their tips are not told again."""
    begin = 70
    past = BARS.rows(0, begin, 0)
    entries = [(MONDAY, "sources.outside", SAID), *market(BARS.rows(begin, MINUTES, MINUTES - begin), 1)]
    entries.append((MONDAY, "sources.market", past))
    found = verdicts(entries)
    assert {key: what for key, what in found.items() if key[0] == 1} == {(1, 79): ("trade", 1)}


def _row(row: int) -> Tips:
    rows = slice(row, row + 1)
    return Tips(SAID.product, SAID.as_of[rows], SAID.valid_until[rows], SAID.tf[rows], SAID.score[rows])


def test_the_second_look_at_a_revised_bar_hears_the_same_tips() -> None:
    """A tip says nothing of prices, so a revised close changes nothing; deaf, the second look would miss a trade."""
    row = 50
    bar = BARS.rows(row, row + 1, 1)
    changed = replace(bar, close=bar.close * 1.002, high=bar.high * 1.003)
    entries = [(MONDAY, "sources.outside", SAID), *market(BARS, 1)]
    entries.append((int(BARS.final_at[-1]) + 10 * SECOND, "sources.market", changed))
    given = play(plan(), entries, END)
    assert [item.bars.open_ts.item(-item.bars.fresh) for _, item in given if isinstance(item, Revised)][:1] == [
        MONDAY + row * MINUTE
    ]
    assert not [item for _, item in given if isinstance(item, Repaint)]


def test_a_provider_that_hears_tips_has_to_say_whose() -> None:
    with pytest.raises(PlanError, match=r"\[providers\.tips\] does not say where its input comes from; add from"):
        plan(HEARING.replace('use = "signal_list"\nfrom = "outside"', 'use = "signal_list"'))
    with pytest.raises(PlanError, match=r"\[providers\.tips\] from: sources\.market gives .*, signal_list takes Tips"):
        plan(HEARING.replace('from = "outside"', 'from = "market"'))
    with pytest.raises(PlanError, match=r"\[providers\.tips\] takes nothing from another node by name; remove `from`"):
        plan(HEARING.replace('use = "signal_list"\nfrom', 'use = "rsi_reversal"\nfrom'))


def test_the_flow_keeps_the_row_before_for_a_provider_that_hears_tips() -> None:
    assert plan().anchoring.lookback == 1
