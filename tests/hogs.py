"""A strategy that does not come back, in several ways, and a flow in which others trade beside it."""

from tests.support import MONDAY, SMALL

BEGINS = MONDAY + 600_000
"""From the bar that opens here on it hogs, on EURUSD."""

HOG = f'''
"""Hogs the program."""

import threading
import time
from contextlib import suppress
from typing import Literal

import numpy as np

from pipeline.parts import provider
from pipeline.values import Columns, Floats


@provider
class Hog:
    """Wants every bar, and from some moment on does not come back."""

    way: str = "spins"
    lookback = 0

    def __call__(self, columns: Columns) -> Floats:
        if columns.product == "EURUSD" and {BEGINS} <= columns.open_ts[-1] < {MONDAY + 86_400_000}:
            globals()[self.way]()
        return np.full(len(columns), 0.9)


def spins() -> None:
    while True:
        pass


def swallows() -> None:
    while True:
        with suppress(BaseException):
            while True:
                try:
                    sum(range(100))
                except BaseException:
                    continue


def multiplies() -> None:
    matrix = np.ones((300, 300))
    while True:
        matrix = matrix @ matrix / 300


def recurses() -> None:
    grown = []
    while True:
        grown.append([grown])
        with suppress(RecursionError):
            deeper(grown)


def deeper(grown: list[object]) -> None:
    deeper([grown])


def waits() -> None:
    threading.Event().wait()


def answers_late() -> None:
    until = time.thread_time() + 0.1
    while time.thread_time() < until:
        pass


def wants_to_end_the_program() -> None:
    raise SystemExit


def gives_up_late() -> None:
    try:
        spins()
    except BaseException:
        raise ValueError("who cares") from None
'''

ACCOUNT = '[accounts.demo-1]\nvenue = "practice"\nbalance = "100.00"\n'
OTHERS = SMALL.replace("block = 64", 'block = 64\nplugins = ["hog.py"]')
BESIDE = (
    OTHERS.replace('from = "risk.main"', 'from = ["risk.main", "risk.hogs"]')
    .replace('from = ["risk.main", "orders"]', 'from = ["risk.main", "risk.hogs", "orders"]')
    .replace(ACCOUNT, ACCOUNT + ACCOUNT.replace("demo-1", "demo-2"))
    + """
[providers.hog]
use = "hog"
way = "WAY"

[ensembles.hogs]
use = "weighted"
from = ["hog"]

[risk.hogs]
use = "guard"
from = "hogs"
accounts = ["demo-2"]
stake = { use = "fixed", amount = "1.00" }
max_daily_loss = "20.00"
"""
)
