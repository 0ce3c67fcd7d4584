"""What is said of what holds: once when it begins, once when it is over, and neither too much nor too late."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerting.codes import CODES
from pipeline.alerting.edges import Edges, Sign, span_text
from pipeline.alerting.pending import ROOM, Pending, Selection
from pipeline.alerting.route import Alert
from pipeline.times import HOUR, MINUTE, SECOND
from tests.support import MONDAY

STOP = Sign("KILL_SWITCH", "demo-1", on=True, text="demo-1 is stopped")
AWAY = Sign("CONNECTION", "demo-1", on=True, text="demo-1 is RECONNECT")
LIMIT = Sign("LIMIT_REACHED", "demo-1", on=True, text="the limit says no")
FAULT = Sign("NODE_FAULT", "operators.bars", on=True, text="it failed")


class Said:
    """Edges, and all that they said so far."""

    def __init__(self, patience: int = 30 * SECOND, quiet: int = 2 * MINUTE) -> None:
        self.edges = Edges(patience, quiet)
        self.alerts: list[Alert] = []

    def at(self, seconds: int, *signs: Sign) -> list[Alert]:
        """What is said at a moment."""
        moment, before = MONDAY + seconds * SECOND, len(self.alerts)
        for sign in signs:
            self.alerts += self.edges.take(sign, moment)
        self.alerts += self.edges.look(moment)
        return self.alerts[before:]


def over(sign: Sign) -> Sign:
    return sign._replace(on=False)


def alert(code: str = "KILL_SWITCH", subject: str = "demo-1", *, on: bool = True, number: int = 0) -> Alert:
    return Alert(code, CODES[code].severity, subject, f"{code} of {subject}", MONDAY, on, number=number)


def codes(alerts: tuple[Alert, ...]) -> list[str]:
    return [each.code for each in alerts]


def test_what_holds_is_said_once_and_its_end_with_how_long_it_lasted() -> None:
    said = Said()
    assert [each.on for each in said.at(0, STOP)] == [True]
    assert said.at(1, STOP) == said.at(500, STOP) == []
    (end,) = said.at(600, over(STOP))
    assert (end.on, end.lasted, end.text) == (False, 600_000, "over after 10 min: demo-1 is stopped")
    assert said.at(10_000, over(STOP)) == []


def test_what_is_over_within_patience_is_never_said() -> None:
    said = Said()
    assert said.at(0, AWAY) == said.at(29) == said.at(29, over(AWAY)) == said.at(3600) == []
    assert said.at(4000, AWAY) == []
    (begun,) = said.at(4030)
    assert (begun.code, begun.at) == ("CONNECTION", MONDAY + 4030 * SECOND)


def test_what_flaps_is_said_once_and_is_over_once_it_stays_over_for_quiet() -> None:
    said = Said()
    assert len(said.at(0, LIMIT)) == 1
    for second in range(10, 600, 20):
        assert said.at(second, over(LIMIT)) == said.at(second + 10, LIMIT) == []
    assert said.at(600, over(LIMIT)) == said.at(719) == []
    (end,) = said.at(720)
    assert (end.on, end.times, end.lasted) == (False, 31, 600_000)
    assert "it came and went 31 times" in end.text


def test_what_only_happens_is_said_at_once_and_when_it_happens_again_counted_once_it_rests() -> None:
    said = Said()
    assert len(said.at(0, FAULT)) == 1
    for second in (5, 10, 15):
        assert said.at(second, FAULT) == []
    assert said.at(134) == []
    (more,) = said.at(135)
    assert (more.on, more.times) == (True, 3)
    assert more.text.startswith("3 more times, the last one")
    assert said.at(10_000) == []
    assert len(said.at(10_001, FAULT)) == 1


def test_two_causes_of_one_thing_are_over_one_by_one() -> None:
    said = Said()
    first, second = STOP._replace(cause="a"), STOP._replace(cause="b")
    assert len(said.at(0, first, second)) == 2
    assert len(said.at(1, over(first))) == 1
    assert [each.subject for each in said.edges.holding()] == ["demo-1"]


def test_what_holds_now_is_what_was_said_and_is_not_over() -> None:
    said = Said()
    said.at(0, STOP, AWAY, FAULT)
    assert [each.code for each in said.edges.holding()] == ["KILL_SWITCH"]
    said.at(30)
    assert [each.code for each in said.edges.holding()] == ["KILL_SWITCH", "CONNECTION"]
    said.at(31, over(STOP))
    assert [each.code for each in said.edges.holding()] == ["CONNECTION"]


@given(st.lists(st.tuples(st.integers(1, 200), st.sampled_from([STOP, AWAY, LIMIT]), st.booleans()), max_size=60))
def test_beginnings_and_ends_take_turns_whatever_comes(steps: list[tuple[int, Sign, bool]]) -> None:
    said, now = Said(), 0
    for wait, sign, on in steps:
        now += wait
        said.at(now, sign._replace(on=on))
    for code in ("KILL_SWITCH", "CONNECTION", "LIMIT_REACHED"):
        turns = [each.on for each in said.alerts if each.code == code]
        assert turns == [place % 2 == 0 for place in range(len(turns))]
    holding = {each.code for each in said.edges.holding()}
    begun = {each.code for each in said.alerts if each.on}
    ended = {each.code for each in said.alerts if not each.on}
    assert begun - ended <= holding <= begun


def test_spans_read_as_a_person_says_them() -> None:
    spans = (45 * SECOND, 10 * MINUTE, 2 * HOUR + 5 * MINUTE, 76 * HOUR)
    assert [span_text(each) for each in spans] == ["45 s", "10 min", "2 h 5 min", "3 d 4 h"]


# --- what waits for one way out ---------------------------------------------------------------------------------------


def test_what_comes_within_gather_leaves_as_one() -> None:
    pending = Pending(Selection(gather="5s"))
    assert pending.due(0) is None
    assert pending.take(alert(), 100.0)
    assert pending.take(alert("UNRECONCILED"), 104.0)
    assert (pending.due(104.0), pending.letter(104.9)) == (1.0, ())
    assert codes(pending.letter(105.0)) == ["KILL_SWITCH", "UNRECONCILED"]
    assert pending.due(106.0) is None


def test_what_is_less_grave_than_least_or_not_among_the_codes_does_not_leave_by_this_way() -> None:
    grave = Pending(Selection(least="critical"))
    assert [grave.take(alert(code), 0) for code in ("ARMED", "ENGINE_STARTED", "DISPUTE")] == [False, False, True]
    chosen = Pending(Selection(least="low", codes=("ARMED",)))
    assert [chosen.take(alert(code), 0) for code in ("ARMED", "ENGINE_STARTED", "DISPUTE")] == [True, False, False]
    assert chosen.take(alert("TEST"), 0), "a test is always sent"


def test_many_of_one_code_are_one_line_that_names_some() -> None:
    pending = Pending(Selection())
    for number in range(14):
        pending.take(alert("KEY_PAUSED", f"demo-{number}", number=number + 1), 0.0)
    (one,) = pending.letter(5.0)
    assert (one.code, one.times, one.number) == ("KEY_PAUSED", 14, 14)
    assert "demo-0, demo-1" in one.text
    assert "and 6 more" in one.text


def test_beyond_most_per_hour_only_critical_ones_leave_and_the_others_are_summed_up_later() -> None:
    pending = Pending(Selection(least="low", most_per_hour=2, gather="1s"))

    def sent(code: str, now: float) -> list[str]:
        pending.take(alert(code), now)
        return codes(pending.letter(now + 1))

    assert sent("ARMED", 0) == ["ARMED"]
    assert sent("ARMED", 10) == ["ARMED"]
    assert sent("CLOCK_STEP", 20) == []
    assert sent("KEY_PAUSED", 30) == sent("KEY_PAUSED", 35) == []
    assert sent("KILL_SWITCH", 40) == ["KILL_SWITCH"], "the cap is never for critical ones"
    assert pending.due(100) == 3501.0
    (summed,) = pending.letter(3601.0)
    assert (summed.code, summed.text, summed.at) == (
        "HELD_BACK",
        "held back, since there were too many: KEY_PAUSED 2, CLOCK_STEP 1",
        MONDAY,
    )


def test_a_way_that_is_full_lets_the_oldest_go_critical_ones_last_and_says_how_many() -> None:
    pending = Pending(Selection(least="low"))
    pending.take(alert("KILL_SWITCH"), 0.0)
    for number in range(ROOM + 9):
        pending.take(alert("ARMED", f"{number}"), 0.0)
    told = pending.letter(5.0)
    assert codes(told) == ["KILL_SWITCH", "ARMED", "ALERTS_LOST"]
    assert told[1].times == ROOM - 1
    assert told[2].text.startswith("10 alerts found no room")


def test_hundreds_of_keys_in_one_moment_find_room_and_are_one_line() -> None:
    pending = Pending(Selection())
    for key in range(600):
        pending.take(alert("ORDER_UNKNOWN", f"key {key}"), 0.0)
    told = pending.letter(5.0)
    assert codes(told) == ["ORDER_UNKNOWN"]
    assert told[0].times == 600


def test_at_the_end_all_that_waits_leaves_at_once() -> None:
    pending = Pending(Selection(gather="10m", most_per_hour=1))
    pending.take(alert("ARMED"), 0.0)
    pending.letter(0.0, hurry=True)
    pending.take(alert("KEY_PAUSED"), 0.1)
    assert codes(pending.letter(0.2, hurry=True)) == ["KEY_PAUSED"]


def test_every_code_says_what_it_means_and_nothing_grave_waits() -> None:
    for name, code in CODES.items():
        assert code.meaning, name
        assert not (code.severity == "critical" and code.patient), f"{name} is critical and waits"
        assert not (code.passing and code.patient), f"{name} has no length and waits for one"
