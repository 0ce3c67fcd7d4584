"""Parts: what a table of flows.toml can declare. One class is one table.

    @provider
    class Fade:
        \"\"\"Votes against an overstretched market.\"\"\"

        rsi: Column

        def __call__(self, columns: Columns) -> Floats: ...

The class is the part: its fields are the table's keys, its docstring the help, the annotations of `__call__` the types
that go in and come out. A kind's decorator makes it a frozen, keyword-only dataclass and registers it.
"""

import inspect
import re
import types
import typing
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, Protocol, TypeVar, Union, cast, dataclass_transform, get_args, get_origin

from msgspec import Meta
from reactivex import Observable

from pipeline.bringing import brought
from pipeline.stretch import Stretch
from pipeline.values import Bet, Columns, Floats, Signals, Votes

Kind = Literal["source", "operator", "feature", "provider", "ensemble", "risk", "stake", "venue", "sink", "alert"]

TABLES: Mapping[Kind, str] = {
    "source": "sources",
    "operator": "operators",
    "feature": "features",
    "provider": "providers",
    "ensemble": "ensembles",
    "risk": "risk",
    "stake": "stakes",
    "venue": "venues",
    "sink": "sinks",
    "alert": "alerts",
}
"""The table of flows.toml in which parts of a kind are declared (stakes stand inside a risk table)."""


class NamesColumn:
    """Marks a field that names a column."""


COLUMN = "a column of [features], or open, high, low, close, volume, or a feature in place: ema(period=20)"
Column = Annotated[str, Meta(description=COLUMN), NamesColumn()]
"""A key that names a column."""


@dataclass(frozen=True, slots=True)
class Nested:
    """Marks a field that is a table with a part of another kind in it: `stake = { use = "fixed", amount = "1.00" }`."""

    kind: Kind


class StakeRule(Protocol):
    """How much to put on a ticket; nothing where that cannot be said. Fractions of a cent are dropped."""

    def __call__(self, bet: Bet) -> Decimal: ...


@typing.runtime_checkable
class Ruinous(Protocol):
    """A stake rule that stakes more after losses. A flow with it is refused until somebody accepts how that ends."""

    @property
    def i_accept_ruin(self) -> bool: ...
    def ruin(self, bankroll: Decimal, payout: float) -> str:
        """How it ends for somebody with that much, in a sentence."""
        ...


class Derived:
    """Marks a field that the plan fills from the rest of the flow; no key of the table."""


T = TypeVar("T")


class Feature(Protocol):
    """A column (or several) computed from bars and from features before it: row i may depend on the rows up to i only.

    It gets a contiguous stretch and returns arrays as long as it, or shorter ones that end with it. Fields typed
    `Column` name what it reads; the stretch begins where all of these are ready. `warmup` is how many of its leading
    rows it cannot answer, whether it gives NaN for them, a number, or nothing.
    """

    outputs: typing.ClassVar[tuple[str, ...]]

    def warmup(self) -> int: ...
    def __call__(self, rows: Stretch) -> Floats | tuple[Floats, ...]: ...


Group = Literal["basic", "advanced", "states"]
"""What a feature is to a user: what everybody knows, what fewer need, and regimes told from other features."""
Memory = Literal["window", "fading", "total", "path"]
"""What a row of a feature depends on: a fixed number of rows; all before it, less and less; all before it, so that only
its changes mean something; a state that passes over when the price turns."""


@typing.runtime_checkable
class Reaching(Protocol):
    """A feature that must see all bars of the last `reach` ms, however many these are."""

    def reach(self) -> int: ...


@typing.runtime_checkable
class Longer(Protocol):
    """A feature computed on bars of the timeframe `slot` (ms), where a stream's own bars are shorter.

    A row then has what it gave for the last of the longer bars that was final when the row's own bar was.
    """

    def slot(self) -> int: ...


Family = Literal[
    "trend", "reversal", "breakout", "momentum", "volatility", "volume", "candle", "time", "timeframe", "external"
]
"""What a provider goes by."""


class Provider(Protocol):
    """A strategy: a score in [-1, 1] for each row of columns (positive: call), NaN for nothing to say.

    A row's score may depend on that row and the `lookback` rows before it. Its class may say its `family`, and in
    `catalogue` presets of its keys under numbers that never change their meaning: `use = 5` is one of them.
    """

    @property
    def lookback(self) -> int: ...
    def __call__(self, columns: Columns) -> Floats: ...


class Ensemble(Protocol):
    """What several votes together say of each row, from these and from the `lookback` rows before at the most."""

    @property
    def lookback(self) -> int: ...
    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]: ...


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a part's table."""

    name: str
    type: Any
    required: bool
    default: Any
    help: str

    @property
    def type_text(self) -> str:
        return type_text(self.type)


@dataclass(frozen=True, slots=True)
class Part:
    """A registered class with what its declaration says."""

    kind: Kind
    name: str
    cls: type[Any]
    gives: tuple[type[Any], ...]
    takes: Mapping[str, tuple[type[Any], ...]]
    origin: str = ""
    """The file or the distribution that it comes from, when it is not ours."""
    content: str = ""
    """A hash of that file as it was read; a distribution has none."""

    @property
    def home(self) -> str:
        """Where it is declared."""
        return self.origin or self.cls.__module__

    @property
    def outer(self) -> bool:
        """Whether it stands outside a flow's door, so that what it gives has to enter: sources, venues, some sinks."""
        return self.kind in ("source", "venue") or bool(getattr(self.cls, "outer", False))

    @property
    def help(self) -> str:
        return inspect.cleandoc(self.cls.__doc__ or "")

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(_fields(self.cls))

    @property
    def catalogue(self) -> Mapping[int, Mapping[str, object]]:
        """Presets of its keys by their numbers."""
        return getattr(self.cls, "catalogue", {}) if self.kind == "provider" else {}

    @property
    def family(self) -> str:
        return getattr(self.cls, "family", "") if self.kind == "provider" else ""


NEEDED: Mapping[Kind, tuple[str, ...]] = {
    "feature": ("outputs", "warmup"),
    "provider": ("lookback",),
    "ensemble": ("lookback",),
}
"""What the class of a part must have besides `__call__`."""

_registry: dict[Kind, dict[str, Part]] = {kind: {} for kind in TABLES}
_by_class: dict[type[Any], Part] = {}
_origin: ContextVar[str] = ContextVar("origin", default="")
_content: ContextVar[str] = ContextVar("content", default="")


class PartRefused(TypeError):
    """A class that is declared as a part and cannot be one."""


@contextmanager
def declaring(origin: str, content: str = "") -> Generator[list[Part]]:
    """Parts declared within come from `origin`, and are in the list at the end; if something raises, none stays."""
    brought()
    before: dict[Kind, dict[str, Part]] = {kind: dict(known) for kind, known in _registry.items()}
    made: list[Part] = []
    tokens = _origin.set(origin), _content.set(content)
    try:
        yield made
        made += [part for kind, known in _registry.items() for name, part in known.items() if name not in before[kind]]
        for part in made:
            _check_keys(part)
    except BaseException:
        for kind, known in before.items():
            _registry[kind].clear()
            _registry[kind].update(known)
        raise
    finally:
        _origin.reset(tokens[0])
        _content.reset(tokens[1])


def withdraw(parts: Iterable[Part]) -> None:
    """Take parts back: no flow that is loaded from here on can use them."""
    for part in parts:
        _registry[part.kind].pop(part.name, None)


def registered(kind: Kind) -> Mapping[str, Part]:
    brought()
    return types.MappingProxyType(_registry[kind])


def numbered() -> Mapping[int, Part]:
    """The providers by the numbers of their presets."""
    brought()
    return _numbered()


def _numbered() -> Mapping[int, Part]:
    return {number: part for part in _registry["provider"].values() for number in part.catalogue}


def part_of(instance: object) -> Part:
    """The part whose class `instance` is of, whether flows that are loaded now can use it or not."""
    return _by_class[type(instance)]


def part_made(cls: type[Any]) -> Part | None:
    """The part that a class is, if it is one."""
    return _by_class.get(cls)


def _declare(kind: Kind, cls: type[T]) -> type[T]:
    if not cls.__dict__.get("__doc__"):
        raise PartRefused(f"{kind} {cls.__name__} needs a docstring: it is the help that `list` prints")
    has = {name for each in cls.__mro__ for name in (*vars(each), *vars(each).get("__annotations__", ()))}
    for need in ("__call__", *NEEDED.get(kind, ())):
        if need not in has:
            raise PartRefused(f"{kind} {cls.__name__} needs {need}")
    if kind == "feature" and not _are_names(getattr(cls, "outputs", None)):
        raise PartRefused(
            f"feature {cls.__name__} has outputs that are none: write a tuple of names, or () for one column"
        )
    # A base of many parts may bring what a dataclass would write and compile for each of them, which takes its time.
    inherited = getattr(cls, "__dataclass_params__", None)
    plain = cls.__init__ is object.__init__ or (inherited is not None and inherited.frozen)
    made = dataclass(frozen=plain, kw_only=True, init=plain, eq=plain, repr=plain)(cls)
    name = snake(cls.__name__)
    if name in _registry[kind]:
        homes = f"one of {_registry[kind][name].home} and one of {_origin.get() or cls.__module__}"
        raise PartRefused(f"there are two parts called {kind} {name}: {homes}")
    hints = dict(_hints(made.__call__))  # type: ignore[operator]  # parts are called, their instances that is
    gives = _streamed(hints.pop("return", type(None)))
    takes = {parameter: _streamed(hint) for parameter, hint in hints.items() if get_origin(hint) is Observable}
    part = Part(kind, name, made, gives, takes, _origin.get(), _content.get())
    _check_catalogue(part)
    _registry[kind][name] = part
    _by_class[made] = part
    return made


def _check_keys(part: Part) -> None:
    for key in part.fields:
        if breaks_memory(key.type):
            what = f"{part.kind} {part.name} has the key {key.name}, a text with a pattern beside a list or a table"
            raise PartRefused(f"{what}, which cannot be read: check the pattern in __post_init__")


def breaks_memory(hint: Any) -> bool:
    """Whether msgspec 0.22 writes over foreign memory for this type: a text with a pattern, or a list or a table."""
    args = [get_args(arg)[0] if get_origin(arg) is Annotated else arg for arg in get_args(hint)]
    if get_origin(hint) in (Union, types.UnionType) and any(get_origin(arg) in (tuple, list, dict) for arg in args):
        metas = [meta for arg in get_args(hint) for meta in get_args(arg)[1:] if isinstance(meta, Meta)]
        if any(meta.pattern for meta in metas):
            return True
    return any(breaks_memory(arg) for arg in get_args(hint))


def _check_catalogue(part: Part) -> None:
    """Refuse a preset of keys that are none, a number that another part has, and a family nobody knows."""
    if not part.catalogue and not part.family:
        return
    catalogue = cast("object", part.catalogue)
    if not isinstance(catalogue, Mapping) or not all(_is_preset(*each) for each in cast("Any", catalogue).items()):
        what = f"{part.kind} {part.name} has a catalogue that is none"
        raise PartRefused(f"{what}: write presets of keys by numbers from 1 on, {{90_001: {{}}, 90_002: {{…}}}}")
    taken, keys = _numbered(), {key.name for key in part.fields}
    for number, preset in part.catalogue.items():
        if number in taken:
            first, second = (f"{each.name} of {each.home}" for each in (taken[number], part))
            raise PartRefused(f"the providers {first} and {second} both have the number {number}")
        if unknown := sorted(preset.keys() - keys):
            raise PartRefused(f"{part.kind} {part.name} has no key {unknown[0]!r}, which its number {number} presets")
    if part.family and part.family not in get_args(Family):
        known = ", ".join(get_args(Family))
        raise PartRefused(f"{part.kind} {part.name} is of the family {part.family!r}, which is none of {known}")


def _are_names(outputs: object) -> bool:
    return isinstance(outputs, tuple) and all(
        isinstance(each, str) and each for each in cast("tuple[Any, ...]", outputs)
    )


def _is_preset(number: object, keys: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1 and isinstance(keys, Mapping)


@cache
def _hints(call: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(call)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def source(cls: type[T]) -> type[T]:
    """Where data comes from: `__call__(self, host) -> Observable[...]`."""
    return _declare("source", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def operator(cls: type[T]) -> type[T]:
    """A stream operator: `__call__(self, ins: Observable[...], …) -> Observable[...]`."""
    return _declare("operator", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def feature(cls: type[T]) -> type[T]:
    """A column of `[features]`; see `Feature`."""
    return _declare("feature", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def provider(cls: type[T]) -> type[T]:
    """A strategy; see `Provider`."""
    return _declare("provider", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def ensemble(cls: type[T]) -> type[T]:
    """What several votes together say: `__call__(self, votes: Observable[Votes]) -> Observable[Signals]`."""
    return _declare("ensemble", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def risk(cls: type[T]) -> type[T]:
    """The gate between signals and money."""
    return _declare("risk", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def stake(cls: type[T]) -> type[T]:
    """How much to put on a ticket; stands inside a risk table."""
    return _declare("stake", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def venue(cls: type[T]) -> type[T]:
    """A place that takes orders and settles them."""
    return _declare("venue", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def sink(cls: type[T]) -> type[T]:
    """Where things go: `__call__(self, host, ins: Observable[...]) -> …`.

    One that hears from outside, and not only tells, says so with `outer = True` in its class: it then stands outside
    the door, and what it gives enters by it.
    """
    return _declare("sink", cls)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def alert(cls: type[T]) -> type[T]:
    """A way for alerts to leave the machine: `async def __call__(self, outlet: Outlet) -> None`."""
    return _declare("alert", cls)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


MANY_KEYS = 8
"""Of a table with more keys than these only the first are named."""


def type_text(hint: Any) -> str:
    """A type as a user of the file would say it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        nested = next((mark for mark in args[1:] if isinstance(mark, Nested)), None)
        if nested is not None:
            return f'{{ use = "{" | ".join(sorted(registered(nested.kind)))}", … }}'
        if is_column(hint):
            return "column"
        meta = next((mark for mark in args[1:] if isinstance(mark, Meta)), None)
        bounds = ", ".join(_bounds(meta)) if meta else ""
        return f"{type_text(args[0])} {bounds}".rstrip()
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in args)
    if origin in (Union, types.UnionType):
        return " | ".join(type_text(arg) for arg in args if arg is not type(None))
    if origin in (tuple, list):
        return f"list of {type_text(args[0])}"
    if is_dataclass(hint) and isinstance(hint, type):
        keys = [entry.name for entry in fields(hint)]
        return f"{{ {', '.join(keys if len(keys) <= MANY_KEYS else [*keys[:4], '…'])} }}"
    if origin is dict:
        return f"table of {type_text(args[1])}"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true | false", "Decimal": "amount"}.get(
        getattr(hint, "__name__", str(hint)), getattr(hint, "__name__", str(hint))
    )


def description(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        for meta in reversed(get_args(hint)[1:]):  # the outermost says more
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    return ""


def is_column(hint: Any) -> bool:
    """Whether a key of this type names a column, or may be left out."""
    args = get_args(hint)
    if get_origin(hint) is Annotated:
        return any(isinstance(mark, NamesColumn) for mark in args[1:]) or is_column(args[0])
    return get_origin(hint) in (Union, types.UnionType) and any(is_column(arg) for arg in args)


@cache
def column_keys(cls: type[Any]) -> tuple[str, ...]:
    """The keys of a part that name columns."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(entry.name for entry in fields(cls) if is_column(hints[entry.name]))


def _bounds(meta: Meta) -> Iterator[str]:
    for bound, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
        if (value := getattr(meta, bound)) is not None:
            yield f"{sign} {value}"


def _streamed(hint: Any) -> tuple[type[Any], ...]:
    """The value types in `Observable[A | B]`; of anything else, none."""
    if get_origin(hint) is not Observable:
        return ()
    (inner,) = get_args(hint)
    return get_args(inner) if get_origin(inner) in (Union, types.UnionType) else (inner,)


def _fields(cls: type[Any]) -> Iterator[Field]:
    hints = typing.get_type_hints(cls, include_extras=True)
    for entry in fields(cls):
        default = entry.default if entry.default_factory is MISSING else entry.default_factory()
        required = entry.default is MISSING and entry.default_factory is MISSING
        hint = hints[entry.name]
        if Derived in get_args(hint):
            continue
        yield Field(entry.name, hint, required, None if required else default, description(hint))
