"""Machines that are woken, and tubes."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from reactivex import Observable, Subject
from reactivex.scheduler import VirtualTimeScheduler

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.steps import Tube, woken


class Echo:
    """Gives each number again after as many ms, then rests; a number below 0 breaks it."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int]] = []

    @property
    def due(self) -> int | None:
        return min(self.waiting)[0] if self.waiting else None

    def take(self, item: int, at: int) -> Iterator[str]:
        if item < 0:
            raise ValueError(f"{item} is below 0")
        self.waiting.append((at + item, item))
        yield f"{at}: took {item}"

    def wake(self, at: int) -> Iterator[str]:
        for entry in sorted(self.waiting):
            if entry[0] <= at:
                self.waiting.remove(entry)
                yield f"{at}: gave {entry[1]}"


class Heard:
    """What a stream said, until the end."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.failures: list[str] = []
        self.ended = False

    def listen(self, stream: Observable[Any], agenda: Agenda) -> Any:
        return stream.subscribe(
            self.items.append,
            lambda failure: self.failures.append(str(failure)),
            self.end,
            scheduler=AgendaScheduler(agenda),
        )

    def end(self) -> None:
        self.ended = True


def echoed(*streams: Observable[Any], name: str = "echo") -> Observable[str]:
    return woken(Echo, name, *streams)


def test_a_machine_is_woken_when_it_is_due_not_before_and_not_late() -> None:
    agenda, tube, heard = Agenda(0), Tube[int](), Heard()
    heard.listen(echoed(tube), agenda)
    tube.give(50)
    tube.give(20)
    agenda.advance_to(19)
    assert heard.items == ["0: took 50", "0: took 20"]
    agenda.advance_to(1_000)
    assert heard.items[2:] == ["20: gave 20", "50: gave 50"]


def test_one_that_is_never_due_is_never_woken() -> None:
    agenda, heard = Agenda(0), Heard()
    heard.listen(echoed(Tube[int]()), agenda)
    assert agenda.due is None


def test_due_later_than_it_once_was_it_is_woken_at_the_later_moment_only() -> None:
    class Put(Echo):
        def take(self, item: int, at: int) -> Iterator[str]:
            self.waiting = [(at + item, item)]
            yield from ()

    agenda, tube, heard = Agenda(0), Tube[int](), Heard()
    heard.listen(woken(Put, "put", tube), agenda)
    tube.give(10)
    tube.give(30)
    agenda.advance_to(100)
    assert heard.items == ["30: gave 30"]


def test_machines_due_at_one_instant_wake_by_name() -> None:
    agenda, tube, heard = Agenda(0), Tube[int](), Heard()
    for name in ("b", "c", "a"):

        class Named(Echo):
            def wake(self, at: int, name: str = name) -> Iterator[str]:
                self.waiting.clear()
                yield name

        heard.listen(woken(Named, name, tube), agenda)
    tube.give(5)
    heard.items.clear()
    agenda.advance_to(5)
    assert heard.items == ["a", "b", "c"]


def test_each_subscription_has_a_machine_of_its_own() -> None:
    agenda, tube, first, second = Agenda(0), Tube[int](), Heard(), Heard()
    stream = echoed(tube)
    first.listen(stream, agenda)
    tube.give(10)
    second.listen(stream, agenda)
    agenda.advance_to(100)
    assert (first.items, second.items) == (["0: took 10", "10: gave 10"], [])


def test_it_takes_from_all_of_its_streams_in_the_order_they_give() -> None:
    agenda, left, right, heard = Agenda(0), Tube[int](), Tube[int](), Heard()
    heard.listen(echoed(left, right), agenda)
    for tube, number in ((left, 1), (right, 2), (left, 3)):
        tube.give(number)
    assert heard.items == ["0: took 1", "0: took 2", "0: took 3"]


def test_what_a_machine_raises_in_taking_goes_down_the_stream_and_silences_it() -> None:
    agenda, tube, heard = Agenda(0), Tube[int](), Heard()
    heard.listen(echoed(tube), agenda)
    tube.give(10)
    tube.give(-1)
    tube.give(5)
    agenda.advance_to(100)
    assert (heard.items, heard.failures) == (["0: took 10"], ["-1 is below 0"])


def test_what_a_machine_raises_in_waking_goes_down_the_stream() -> None:
    class Breaks(Echo):
        def wake(self, at: int) -> Iterator[str]:
            raise ValueError("broken")

    agenda, tube, heard = Agenda(0), Tube[int](), Heard()
    heard.listen(woken(Breaks, "breaks", tube), agenda)
    tube.give(10)
    agenda.advance_to(100)
    assert heard.failures == ["broken"]


def test_a_failure_of_a_stream_it_takes_from_goes_down_it() -> None:
    agenda, numbers, heard = Agenda(0), Subject[int](), Heard()
    heard.listen(echoed(numbers), agenda)
    numbers.on_error(ValueError("no more"))
    assert heard.failures == ["no more"]


def test_it_ends_when_all_of_its_streams_have() -> None:
    agenda, left, right, heard = Agenda(0), Subject[int](), Subject[int](), Heard()
    heard.listen(echoed(left, right), agenda)
    left.on_completed()
    assert not heard.ended
    right.on_completed()
    assert heard.ended


def test_let_go_of_it_neither_takes_nor_wakes() -> None:
    agenda, tube, heard = Agenda(0), Tube[int](), Heard()
    subscription = heard.listen(echoed(tube), agenda)
    tube.give(10)
    subscription.dispose()
    tube.give(20)
    agenda.advance_to(100)
    assert heard.items == ["0: took 10"]
    assert agenda.due is None


def test_without_an_agenda_it_refuses_to_begin() -> None:
    with pytest.raises(AssertionError, match="only be woken on the agenda"):
        echoed(Tube[int]()).subscribe(scheduler=VirtualTimeScheduler())


# --- tubes -----------------------------------------------------------------------------------------------------------


def test_what_is_given_has_reached_every_taker_when_give_returns() -> None:
    tube, heard = Tube[int](), list[tuple[str, int]]()
    tube.attach(lambda item: heard.append(("a", item)))
    tube.subscribe(lambda item: heard.append(("b", item)))
    tube.give(1)
    assert heard == [("a", 1), ("b", 1)]


def test_one_who_lets_go_takes_no_more_and_the_others_go_on() -> None:
    tube, first, second = Tube[int](), list[int](), list[int]()
    gone = tube.attach(first.append)
    tube.attach(second.append)
    tube.give(1)
    gone.dispose()
    tube.give(2)
    assert (first, second) == ([1], [1, 2])


def test_who_comes_or_goes_while_an_item_is_given_changes_nothing_for_that_item() -> None:
    tube, heard = Tube[int](), list[str]()

    def first(item: int) -> None:
        heard.append(f"first {item}")
        if item == 1:
            tube.attach(lambda each: heard.append(f"new {each}"))
            third.dispose()

    tube.attach(first)
    third = tube.attach(lambda item: heard.append(f"third {item}"))
    tube.give(1)
    tube.give(2)
    assert heard == ["first 1", "third 1", "first 2", "new 2"]


def test_with_nobody_taking_giving_is_nothing() -> None:
    items: Iterable[int] = range(3)
    tube = Tube[int]()
    for item in items:
        tube.give(item)
