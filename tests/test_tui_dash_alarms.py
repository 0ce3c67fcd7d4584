"""What somebody should hear of: one row a thing, notes that hold until it comes again, and where its cause is."""

from pipeline.alerting.route import Alert, Severity
from pipeline.view import KeyName
from tui.alarms import Alarm, Alarms, Heard, cause_of


def alert(
    code: str, number: int, *, on: bool = True, subject: str = "demo-1", severity: Severity = "medium", times: int = 1
) -> Alert:
    return Alert(code, severity, subject, f"{code} of {subject}", 1_000 * number, on, times, 0 if on else 500, number)


def heard(holding: tuple[Alert, ...], told: tuple[Alert, ...], before: Heard | None = None) -> Heard:
    of = before or Heard()
    of.answer.value = Alarms(holding, told)
    of.answer.version += 1
    return of


def test_what_was_told_of_one_thing_is_one_row_that_says_how_often_and_whether_it_is_over() -> None:
    began, again, over = alert("CONNECTION", 1), alert("CONNECTION", 3, times=2), alert("CONNECTION", 4, on=False)
    stop = alert("KILL_SWITCH", 2, severity="critical")
    (first, second) = heard((stop,), (began, stop, again, over)).rows
    assert (first.code, first.times, first.over, first.lasted) == ("CONNECTION", 3, True, 500)
    assert (second.code, second.times, second.holds, second.over) == ("KILL_SWITCH", 1, True, False)


def test_what_one_took_note_of_goes_below_and_is_new_again_when_it_comes_again() -> None:
    old, new = alert("FEED_STALE", 1, subject="EURUSD"), alert("LATCH", 2, severity="critical")
    hearing = heard((old, new), (old, new))
    hearing.take([hearing.rows[0]])
    assert [(row.code, row.taken) for row in hearing.rows] == [("FEED_STALE", False), ("LATCH", True)]
    assert hearing.pressing == 1
    heard((old, new), (old, new), hearing)  # told once more, the same
    assert hearing.pressing == 1
    heard((old, new), (old, new, alert("LATCH", 2, on=False), alert("LATCH", 5)), hearing)
    assert [(row.code, row.taken) for row in hearing.rows] == [("LATCH", False), ("FEED_STALE", False)]


def test_another_run_of_the_engine_counts_anew_so_no_note_of_the_one_before_holds() -> None:
    hearing = heard((), (alert("ENGINE_DIED", 1, subject="", severity="critical"),))
    hearing.of_life((7, 1))
    hearing.take(hearing.rows)
    hearing.of_life((7, 1))
    assert hearing.pressing == 0
    hearing.of_life((8, 2))
    assert hearing.pressing == 1


def test_what_is_only_good_to_know_presses_nobody() -> None:
    assert heard((), (alert("ENGINE_STARTED", 1, severity="low", subject=""),)).pressing == 0


def test_each_alarm_leads_to_the_page_where_its_cause_is() -> None:
    def to(code: str, subject: str, text: str = "") -> tuple[str, object]:
        return cause_of(Alarm(code, "medium", subject, text, 0, 1, True, False, 0, 1, False))

    key = KeyName("demo-1", "EURUSD", "1m")
    assert to("DAILY_LOSS_NEAR", "live-7") == ("accounts", "live-7")
    assert to("LIMIT_REACHED", "demo-1 EURUSD 1m") == ("keys", key)
    assert to("KEY_PAUSED", "demo-1 EURUSD 1m") == ("keys", key)
    order = "demo-1:EURUSD:1m:1767607200000"
    assert to("ORDER_UNKNOWN", "demo-1 EURUSD 1m", f"order {order} (call 1.00) is UNKNOWN") == ("trades", order)
    assert to("UNEXPLAINED", "demo-1") == ("trades", None)
    assert to("FEED_STALE", "EURUSD") == ("feed", "EURUSD")
    assert to("NODE_FAULT", "operators.bars") == ("flow", "operators.bars")
    assert to("CONFIG_REFUSED", "") == ("edit", None)
    assert to("CLOCK_STEP", "") == ("logs", None)
