"""Tulipy's indicators as features: one class each, made from what tulipy says of itself and from our table.

The keys are tulipy's options under plain names, the outputs its outputs without the indicator's own name. What reads
one price reads any column (`price`), what reads two reads any two (`left`, `right`); highs, lows and volumes are those
of the bars.
"""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
import tulipy
from msgspec import Meta

from operators.features.tulip import mended
from operators.features.tulip.entry import Entry
from operators.features.tulip.table import ENTRIES
from pipeline.parts import Column, Group, Memory, feature
from pipeline.stretch import PRICES, Stretch
from pipeline.values import Floats

ti: Any = tulipy
Computed = Floats | tuple[Floats, ...]


class Computes(Protocol):
    """An indicator, by its input columns and its options."""

    def __call__(self, columns: list[Floats], values: tuple[float, ...], /) -> Computed: ...


LONGEST = 1000
KEYS: Mapping[str, str] = {
    "short period": "fast",
    "medium period": "medium",
    "long period": "slow",
    "signal period": "signal",
    "%k period": "k",
    "%k slowing period": "smooth",
    "%d period": "d",
    "stddev": "width",
    "acceleration factor step": "step",
    "acceleration factor maximum": "maximum",
}
"""What tulipy's options are called here; others keep their names."""
FRACTIONS: Mapping[str, Meta] = {
    "width": Meta(gt=0, description="how many standard deviations"),
    "alpha": Meta(gt=0, le=1, description="the most that a bar weighs"),
    "step": Meta(gt=0, le=1, description="how much quicker each new extreme makes it"),
    "maximum": Meta(gt=0, le=1, description="how quick it gets"),
}
"""Options that are no number of bars."""
BARS: Mapping[str, str] = {
    "period": "how many bars",
    "fast": "bars of the quick one",
    "medium": "bars of the one between",
    "slow": "bars of the slow one",
    "signal": "bars of the average of the line",
    "k": "bars of the range",
    "smooth": "bars over which the first column is smoothed",
    "d": "bars over which the second column smooths the first",
}
"""Options that are."""
RISING = ("fast", "medium", "slow")


class Tulip:
    """What all of them have: a call that was prepared, and rows that say how far it can be trusted."""

    outputs: ClassVar[tuple[str, ...]] = ()
    group: ClassVar[Group] = "advanced"
    memory: ClassVar[Memory] = "window"
    entry: ClassVar[Entry]
    computes: ClassVar[Computes]
    inputs: ClassVar[tuple[str, ...]]
    options: ClassVar[tuple[str, ...]]
    columns: ClassVar[tuple[str, ...]]

    _prepared: tuple[int, tuple[str, ...], Computes, tuple[float, ...]]
    """What a call needs: the first row answered, the columns read, what computes, its options."""

    def __init__(self, **given: Any) -> None:
        keys = (*self.options, *self.columns)
        for key in keys:
            if key not in given and not hasattr(type(self), key):
                raise TypeError(f"{type(self).__name__} needs {key}")
        if not given.keys() <= set(keys):
            raise TypeError(f"{type(self).__name__} takes {', '.join(keys)}")
        vars(self).update({key: given.get(key, getattr(type(self), key, None)) for key in keys})
        self._check()
        columns = tuple(name if name in PRICES else getattr(self, name) for name in self.inputs)
        values = tuple(getattr(self, key) for key in self.options)
        vars(self).update(_prepared=(self.entry.start(*values), columns, self.computes, values))

    def _check(self) -> None:
        given = {key: getattr(self, key) for key in self.options}
        lengths = [(key, given[key]) for key in RISING if key in given]
        for (less, shorter), (more, longer) in pairwise(lengths):
            if shorter > longer:
                raise ValueError(f"{less} is {shorter}, more than {more}, which is {longer}; exchange them")
        if "step" in given and given["step"] >= given["maximum"]:
            raise ValueError("step is not less than maximum; make it smaller")

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"{type(self).__name__} does not change; make another one")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self._prepared))

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={getattr(self, key)!r}" for key in (*self.options, *self.columns))
        return f"{type(self).__name__}({given})"

    def warmup(self) -> int:
        return (self.entry.fades or self.entry.start)(*self._prepared[3])

    def __call__(self, rows: Stretch) -> Computed:
        start, names, computes, values = self._prepared
        if len(rows.open_ts) <= start:
            return (NOTHING,) * len(self.outputs) if self.outputs else NOTHING
        columns = rows.columns
        return computes([columns[names[0]]] if len(names) == 1 else [columns[name] for name in names], values)


NOTHING: Floats = np.zeros(0)


def _declared(name: str, entry: Entry) -> type[Any]:
    """The part for one of tulipy's indicators."""
    told = getattr(ti, name)
    keys = tuple(KEYS.get(option, option) for option in told.options)
    outputs = tuple(_output(each, name) for each in told.outputs) if len(told.outputs) > 1 else ()
    reals = [each for each in told.inputs if each == "real"]
    columns = {1: ("price",), 2: ("left", "right")}.get(len(reals), ())
    hints: dict[str, Any] = {}
    body: dict[str, Any] = {}
    for key, default in zip(keys, entry.defaults, strict=True):
        if key in FRACTIONS:
            hints[key], body[key] = Annotated[float, FRACTIONS[key]], float(default)
        else:
            hints[key], body[key] = (
                Annotated[int, Meta(ge=entry.least, le=LONGEST, description=BARS[key])],
                int(default),
            )
    for column in columns:
        hints[column] = Column
    if columns == ("price",):
        body["price"] = "close"
    body |= {
        "__doc__": f"{told.full_name}: {entry.about}.\n\n{entry.nothing}",
        "__annotations__": hints,
        "__module__": __name__,
        "outputs": outputs,
        "group": entry.group,
        "memory": entry.memory,
        "entry": entry,
        "computes": staticmethod(_computing(name)),
        "columns": columns,
        "inputs": columns or tuple(told.inputs),
        "options": keys,
    }
    return feature(type((entry.name or name).capitalize(), (Tulip,), body))


def _computing(name: str) -> Computes:
    """How columns and options become an indicator: as tulipy's own library takes them, or by what mends it."""
    mending: Callable[..., Computed] | None = getattr(mended, name, None)
    if mending is None:
        return getattr(ti.lib, name)
    return lambda columns, values: mending(*columns, *values)


def _output(output: str, name: str) -> str:
    """`macd_signal` is `signal`, `macd` itself is `line`, `plus_di` is `plus`."""
    short = output.removeprefix(f"{name}_").removesuffix(f"_{name}")
    return "line" if short == name else short


for _name, _entry in ENTRIES.items():
    _declared(_name, _entry)
