"""Who is told what: ticks of a product, and what happens on an account."""

from collections.abc import Callable
from typing import TypeVar

from pipeline.broker.values import Entry, Stage, Tick

T = TypeVar("T")
News = Entry | Stage
Told = Callable[[News], None]
ToldTick = Callable[[Tick], None]
Stop = Callable[[], None]
"""Ends a watch. May be called more than once."""


class Telling:
    """Those who watch. What they are told is told at once; a watch that ends meanwhile hears nothing more."""

    def __init__(self) -> None:
        self._ticks: dict[str, dict[int, ToldTick]] = {}
        self._accounts: dict[str, dict[int, Told]] = {}
        self._count = 0

    def watch_ticks(self, product: str, told: ToldTick) -> Stop:
        return self._watch(self._ticks, product, told)

    def watch(self, account: str, told: Told) -> Stop:
        return self._watch(self._accounts, account, told)

    def has_watchers(self, product: str) -> bool:
        return bool(self._ticks.get(product))

    def is_watched(self, account: str) -> bool:
        return bool(self._accounts.get(account))

    def tell_tick(self, tick: Tick) -> None:
        watching = self._ticks.get(tick.product, {})
        for number in tuple(watching):
            if (told := watching.get(number)) is not None:
                told(tick)

    def tell(self, account: str, news: News) -> None:
        watching = self._accounts.get(account, {})
        for number in tuple(watching):
            if (told := watching.get(number)) is not None:
                told(news)

    def _watch(self, all_: dict[str, dict[int, T]], name: str, told: T) -> Stop:
        self._count += 1
        number = self._count
        all_.setdefault(name, {})[number] = told

        def stop() -> None:
            all_.get(name, {}).pop(number, None)

        return stop
