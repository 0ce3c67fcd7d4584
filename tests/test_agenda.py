"""The agenda: one order for everything that waits."""

from reactivex import operators as ops
from reactivex.subject import Subject

from pipeline.agenda import INPUTS, TIMERS, Agenda, AgendaScheduler


def test_what_is_due_at_one_instant_runs_by_priority_then_name_then_sequence() -> None:
    agenda, ran = Agenda(0), list[str]()
    for name, priority in (("window", TIMERS), ("risk", TIMERS), ("quotes", INPUTS), ("risk", TIMERS)):
        agenda.at(10, lambda name=name: ran.append(name), priority=priority, name=name)
    agenda.at(5, lambda: ran.append("earlier"), name="z")
    agenda.advance_to(10)
    assert ran == ["earlier", "quotes", "risk", "risk", "window"]


def test_an_act_sees_its_own_moment_however_late_time_moves() -> None:
    agenda, seen = Agenda(0), list[int]()
    agenda.at(7, lambda: seen.append(agenda.now))
    agenda.advance_to(1000)
    assert seen == [7]
    assert agenda.now == 1000


def test_what_an_act_plans_for_the_span_still_runs_in_it() -> None:
    agenda, ran = Agenda(0), list[int]()
    agenda.at(3, lambda: agenda.at(8, lambda: ran.append(agenda.now)))
    agenda.advance_to(9)
    assert ran == [8]


def test_before_a_moment_means_without_what_is_due_at_it() -> None:
    agenda, ran = Agenda(0), list[str]()
    agenda.at(9, lambda: ran.append("before"))
    agenda.at(10, lambda: ran.append("at"))
    agenda.advance_before(10)
    assert (ran, agenda.now, agenda.due) == (["before"], 10, 10)


def test_a_disposed_act_never_runs_and_is_not_due() -> None:
    agenda, ran = Agenda(0), list[str]()
    agenda.at(10, lambda: ran.append("cancelled")).dispose()
    assert agenda.due is None
    agenda.advance_to(20)
    assert ran == []


def test_thousands_at_one_instant_run_without_moving_time() -> None:
    agenda, moments = Agenda(0), set[int]()
    for _ in range(5000):
        agenda.at(60_000, lambda: moments.add(agenda.now))
    agenda.advance_to(60_000)
    assert moments == {60_000}


def test_rx_time_operators_wait_on_the_agenda_and_own_no_thread() -> None:
    agenda, seen = Agenda(1_000_000), list[tuple[int, str]]()
    words = Subject[str]()
    words.pipe(ops.debounce(0.5)).subscribe(
        lambda word: seen.append((agenda.now, word)), scheduler=AgendaScheduler(agenda)
    )
    words.on_next("a")
    agenda.advance_to(1_000_300)
    words.on_next("b")
    agenda.advance_to(1_002_000)
    assert seen == [(1_000_800, "b")]


def test_the_schedulers_clock_is_the_agendas_not_the_walls() -> None:
    agenda = Agenda(1_767_600_000_000)
    assert AgendaScheduler(agenda).now.isoformat() == "2026-01-05T08:00:00+00:00"
