"""Frames: rows with all that somebody is asked to judge them by, so that he can be asked again with some of it changed.

Nothing in a frame can be written to.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.parts import Ensemble
from pipeline.steps import Tube
from pipeline.times import DAY
from pipeline.tipping import Told
from pipeline.values import Columns, Flags, Floats, Signals, Stamps, Votes

Array = NDArray[Any]


class Input(NamedTuple):
    """One thing that rows are judged by: a column, their stamps, what tips say, or somebody's votes."""

    kind: str
    name: str

    def __str__(self) -> str:
        return {"column": f'"{self.name}"', "stamp": "the times of bars", "vote": f"the votes of {self.name}"}.get(
            self.kind, "tips"
        )


OPEN_TS, FINAL_AT, READY = Input("stamp", "open_ts"), Input("stamp", "final_at"), Input("stamp", "ready")
SAID, EXPIRED = Input("tip", "score"), Input("tip", "expired")


class Frame:
    """Some rows of one product and timeframe; what nobody asks for is not cut out."""

    def __init__(
        self, product: str, tf: int, whole: Mapping[Input, Array], which: "slice | Stamps | None", *, live: bool = False
    ) -> None:
        self.product, self.tf = product, tf
        self.live = live
        """Whether only the last row is new."""
        self._whole, self._which = whole, which
        self._cut: dict[Input, Array] = {}

    def __len__(self) -> int:
        return len(self[OPEN_TS])

    def __iter__(self) -> Iterator[Input]:
        return iter(self._whole)

    def __getitem__(self, key: Input) -> Array:
        if self._which is None:
            return self._whole[key]
        made = self._cut.get(key)
        if made is None:
            made = self._cut[key] = _sealed(self._whole[key][self._which])
        return made

    def rows(self, which: "slice | Stamps", *, live: bool = False) -> "Frame":
        """Some of the rows of a frame that is not itself cut out of another."""
        assert self._which is None, "a part is taken of the whole"
        return Frame(self.product, self.tf, self._whole, which, live=live)

    def changed(self, key: Input, which: slice, made: Array) -> "Frame":
        """The same with other values in some rows of one input."""
        column = self[key].copy()
        column[which] = made
        return Frame(self.product, self.tf, {**self._whole, key: _sealed(column)}, None)

    def doubled(self, kind: int) -> "Frame":
        """The rows, and as many again with other values everywhere, of one of two kinds."""
        return Frame(self.product, self.tf, _Doubled(self, kind), None)

    def loose(self) -> "Frame":
        """A copy that can be written to."""
        return Frame(self.product, self.tf, {key: self[key].copy() for key in self}, None, live=self.live)

    def columns(self, fresh: int) -> Columns:
        stamps = self[OPEN_TS], self[FINAL_AT], self[READY]
        values = {key.name: self[key] for key in self if key.kind == "column"}
        return Columns(self.product, self.tf, *stamps, values, fresh, len(self) - fresh)

    def only(self, names: frozenset[str]) -> "Frame":
        """The same with some of the columns."""
        kept = {key: self[key] for key in self if key.kind != "column" or key.name in names}
        return Frame(self.product, self.tf, kept, None)

    def told(self) -> Told:
        return Told(self[SAID], self[EXPIRED])

    def votes(self) -> Iterator[tuple[str, Floats]]:
        yield from ((key.name, self[key]) for key in self if key.kind == "vote")

    @property
    def sound(self) -> Flags:
        """The rows that count: those that are ready, or all where none is."""
        ready: Flags = self[READY]
        return ready if ready.any() else ~ready


class _Doubled(Mapping[Input, Array]):
    """The inputs of a frame, each followed by other values, made as they are asked for."""

    def __init__(self, frame: Frame, kind: int) -> None:
        self._frame, self._kind = frame, kind

    def __getitem__(self, key: Input) -> Array:
        others = list(islice(otherwise(key, self._frame[key]), self._kind + 1))
        return np.concatenate((self._frame[key], others[-1]))

    def __iter__(self) -> Iterator[Input]:
        return iter(self._frame)

    def __len__(self) -> int:
        return sum(1 for _ in self._frame)


def frame_of(columns: Columns, rows: int, votes: Mapping[str, Floats] | None = None, told: Told | None = None) -> Frame:
    """The last rows of columns, with what is said of them."""
    inputs: dict[Input, Array] = {Input("column", name): each for name, each in columns.values.items()}
    inputs |= {OPEN_TS: columns.open_ts, FINAL_AT: columns.final_at, READY: columns.ready}
    inputs |= {Input("vote", name): each for name, each in (votes or {}).items()}
    if told is not None:
        inputs |= {SAID: told.score, EXPIRED: told.expired}
    last = {key: _sealed(each[-rows:]) for key, each in inputs.items()}
    return Frame(columns.product, columns.tf, last, None)


def otherwise(key: Input, was: Array) -> Iterator[Array]:
    """Other values than these, of several kinds."""
    if key.kind == "stamp" and key.name != READY.name:
        yield was + 3 * DAY
        yield was - DAY
    elif was.dtype == np.bool_:
        yield ~was
    elif key.kind == "column":
        yield was * 1.5
        yield was * 0.5
        yield was[::-1]
        yield np.full(len(was), np.nan)
    else:
        yield from (np.where(np.isfinite(was), -was, 1.0), np.where(np.isfinite(was), -was, -1.0))


class Subject(Protocol):
    """Somebody who gives a score for each row of a frame."""

    @property
    def lookback(self) -> int: ...
    @property
    def dear(self) -> int:
        """How much more than a provider it costs to ask."""
        ...

    @property
    def names(self) -> frozenset[str] | None:
        """The columns that it says it looks at, besides prices; it may look at others too. None: it does not say."""
        ...

    def ask(self, frame: Frame) -> Floats: ...


class Written(Exception):
    """Somebody changed what he was given."""


class AskedProvider:
    """A provider, asked of all rows of a frame."""

    def __init__(
        self,
        provider: Callable[..., Floats],
        lookback: int,
        *,
        hears: bool = False,
        names: frozenset[str] | None = None,
    ) -> None:
        self._provider, self.lookback, self._hears, self.names = provider, lookback, hears, names
        self.dear = 1

    def ask(self, frame: Frame) -> Floats:
        columns = frame.columns(1 if frame.live else len(frame))
        given = tuple(columns.values.items())
        made = self._provider(columns, frame.told()) if self._hears else self._provider(columns)
        if len(columns.values) != len(given) or any(columns.values[name] is not each for name, each in given):
            raise Written
        return np.asarray(made, np.float64)


class AskedEnsemble:
    """An ensemble, told votes on all rows of a frame."""

    def __init__(self, ensemble: Ensemble, providers: int) -> None:
        self._ensemble, self.lookback, self.dear = ensemble, ensemble.lookback, providers + 1
        self.names: frozenset[str] | None = None
        self._given: list[Signals | Exception] = []
        self._listen()

    def ask(self, frame: Frame) -> Floats:
        columns = frame.columns(1 if frame.live else max(1, len(frame) - self.lookback))
        for name, scores in frame.votes():
            self._votes.give(Votes(name, columns, scores))
        given, self._given[:] = list(self._given), []
        for each in given:
            if isinstance(each, Exception):
                self._listen()
                raise each
        return np.concatenate([each.score for each in given if isinstance(each, Signals)] or [np.zeros(0)])

    def _listen(self) -> None:
        self._votes = Tube[Votes]()
        self._ensemble(self._votes).subscribe(
            self._given.append, self._given.append, scheduler=AgendaScheduler(Agenda(0))
        )


def _sealed(column: Array) -> Array:
    column.flags.writeable = False
    return column
