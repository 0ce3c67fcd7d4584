"""Whether features know only what was known: on windows that end at a bar each gives what it gives when more follows.

Besides, whether a feature is warm when it says so: from there on it must not matter much where it began.
"""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.anchored import Anchoring
from pipeline.parts import Feature
from pipeline.questioning import FORGETFUL, REVEALED, Breach, moment, named, same
from pipeline.recipes import column_names, owners_of, reads_of, recipe_of
from pipeline.stretch import PRICES
from pipeline.values import BAR_COLUMNS, Bars, Columns, Floats, Stamps

RARE = 2
"""So many of the rows on which a column does what it seldom does are looked at."""
EVEN = 8
"""So many rows besides, from first to last."""
MOST = 40
"""Rows that are looked at quickly, at most."""
WORK, FOREIGN_WORK = 2_000_000, 500_000
"""Numbers that are computed for these, and for those of features that are not ours, about."""
SHIFT, AFTER = 37, 200
"""How much later a feature begins the second time, and over how many rows the two are held against each other."""
TOLERATED = 0.01
"""So much of its spread may depend on where a feature began, once it is warm."""
UNCOMPARED = ("total", "path")
"""Kinds of memory that never fade."""


@dataclass(frozen=True, slots=True)
class FeatureFinding:
    """How many rows were compared, each feature's first breach, and the columns, if no feature raised."""

    compared: int
    breaches: Mapping[str, Breach]
    columns: Columns | None


def features_tried(anchoring: Anchoring, bars: Bars, *, deep: bool, foreign: Sequence[str]) -> FeatureFinding:
    """Try the features of a flow on its new rows of bars; those that are `foreign` in every row."""
    for name in BAR_COLUMNS:
        getattr(bars, name).flags.writeable = False
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            columns = anchoring.columns(bars)
        except Exception:  # noqa: BLE001  # one of them raised; which one is found out
            return FeatureFinding(0, dict(_raising(anchoring, bars)), None)
        trial = _Trial(anchoring, bars, columns)
        compared, breaches = trial.compared(None if deep else trial.telling_rows(trial.affordable(WORK, MOST)))
        if foreign and not deep:
            alone = replace(anchoring, features=_with_read(anchoring.features, foreign), lookback=0, recalled=0)
            trial = _Trial(alone, bars, alone.columns(bars))
            more, found = trial.compared(
                trial.telling_rows(trial.affordable(FOREIGN_WORK, bars.fresh), even=bars.fresh)
            )
            compared, breaches = compared + more, found | breaches
        for name in foreign:
            breach = None if name in breaches else _warmth(anchoring.features, name, bars)
            breaches |= {name: breach} if breach is not None else {}
        return FeatureFinding(compared, breaches, columns)


class _Trial:
    """Some features on some bars, of which the last are new."""

    def __init__(self, anchoring: Anchoring, bars: Bars, columns: Columns) -> None:
        self._anchoring, self._bars, self._whole = anchoring, bars, columns
        self._first = len(bars) - bars.fresh
        self._need = anchoring.context(bars.tf)

    def affordable(self, work: int, most: int) -> int:
        """How many rows may be looked at for so many numbers."""
        return max(EVEN, min(most, work // (self._need * max(1, len(self._anchoring.names)))))

    def telling_rows(self, most: int, even: int = EVEN) -> Stamps:
        """New rows of the bars, by their numbers: where columns do what they seldom do, and some `even` ones."""
        found = [np.linspace(0, self._bars.fresh - 1, even).astype(np.int64)]
        for name in self._anchoring.names:
            column = self._whole[name][-self._bars.fresh :]
            _, which, often = np.unique(column, return_inverse=True, return_counts=True)
            moved = np.abs(np.diff(column, prepend=column[:1]))
            seldom = np.lexsort((-np.nan_to_num(moved), often[which]))
            found.append(seldom[:RARE])
        rows = np.unique(np.concatenate(found))
        return self._first + rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]

    def compared(self, rows: Stamps | None) -> tuple[int, dict[str, Breach]]:
        """Compare some rows, or all, with what they are when they are the last."""
        again = self._differing(self._anchoring.columns(self._bars), slice(None))
        breaches = {name: self._forgot(name) for name in self._guilty(again)}
        chosen = range(self._first, len(self._bars)) if rows is None else rows.tolist()
        for row in chosen:
            begin = max(0, row - self._need)
            live = self._anchoring.columns(self._bars.rows(begin, row + 1, 1))
            at = len(self._whole) - len(self._bars) + row
            for name in self._guilty(self._differing(live.values, at)):
                if name not in breaches:
                    breaches[name] = self._ahead(name, row, at)
        return len(chosen), breaches

    def _differing(self, values: "Columns | Mapping[str, Floats]", at: "int | slice") -> list[str]:
        """The columns that differ: in all rows, or the last of these from one of the whole."""
        if isinstance(at, slice):
            return [name for name in self._anchoring.names if not same(values[name], self._whole[name]).all()]
        return [
            name for name in self._anchoring.names if not same(values[name][-1:], self._whole[name][at : at + 1]).all()
        ]

    def _guilty(self, columns: Sequence[str]) -> Iterator[str]:
        """The features of columns that differ, but for those that only read others which do."""
        owners = owners_of(self._anchoring.features)
        for name in dict.fromkeys(owners[column] for column in columns):
            if not set(reads_of(self._anchoring.features[name])) & set(columns):
                yield name

    def _forgot(self, name: str) -> Breach:
        return Breach("gives other values for the same bars when it is asked again", FORGETFUL)

    def _ahead(self, name: str, row: int, at: int) -> Breach:
        bar = moment(self._bars.product, self._bars.tf, self._bars.open_ts.item(row))
        later = [f'"{price}"' for price in PRICES if self._follows(name, price, row, at)]
        on = f"later values of {named(later)}" if later else "how many rows come after it"
        return Breach(f"looks ahead: its value of {bar} changes with {on}", REVEALED)

    def _follows(self, name: str, price: str, row: int, at: int) -> bool:
        """Whether a feature's value of a row changes when a price of later bars does."""
        feature = self._anchoring.features[name]
        was = getattr(self._bars, price)
        for share in (1.5, 0.5):
            changed = was.copy()
            changed[row + 1 :] *= share
            try:
                other = self._anchoring.columns(replace(self._bars, **{price: changed}))
            except Exception:  # noqa: BLE001, S112  # prices that cannot be: what is made of them says nothing
                continue
            for column in column_names(name, feature):
                if not same(other[column][at : at + 1], self._whole[column][at : at + 1]).all():
                    return True
        return False


def _raising(anchoring: Anchoring, bars: Bars) -> Iterator[tuple[str, Breach]]:
    """The features that raise though those they read do not; one that is read raises before those that read it."""
    guilty = set[str]()
    owners = owners_of(anchoring.features)
    for name in _in_order(anchoring.features):
        try:
            for _ in recipe_of(anchoring.features, [name], bars.tf).computed(bars, 0, len(bars)):
                pass
        except Exception as failure:  # noqa: BLE001  # a plug-in may raise anything: that is what is told
            below = {owners.get(column) for column in reads_of(anchoring.features[name])}
            if not below & guilty:
                yield name, _raised(failure, len(bars))
            guilty.add(name)


def _raised(failure: Exception, rows: int) -> Breach:
    if isinstance(failure, ValueError) and "read-only" in str(failure):
        return Breach("writes into the bars it is given", "change a copy")
    text = " ".join(str(failure).split())
    return Breach(f"fails with {type(failure).__name__}: {text}, given {rows} made-up bars", "give NaN for no answer")


def _with_read(features: Mapping[str, Feature], wanted: Iterable[str]) -> dict[str, Feature]:
    """Some features with all that they read, as they stand in the flow."""
    owners, found, todo = owners_of(features), set[str](), list(wanted)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += [owners[column] for column in reads_of(features[name]) if column in owners]
    return {name: each for name, each in features.items() if name in found}


def _in_order(features: Mapping[str, Feature]) -> list[str]:
    """Each after what it reads."""
    return sorted(features, key=lambda name: len(_with_read(features, [name])))


def _warmth(features: Mapping[str, Feature], name: str, bars: Bars) -> Breach | None:
    """Whether a feature is warm when it says so: begun later, it says nearly the same from there on."""
    recipe = recipe_of(features, [name], bars.tf)
    ready, says = recipe.ready[name], features[name].warmup()
    count = ready + AFTER
    begin = len(bars) - count - SHIFT
    if begin < 0:
        return None
    early, late = (_last(recipe.computed(bars, start, len(bars)), name, AFTER) for start in (begin, begin + SHIFT))
    worst = 0.0
    for first, second in zip(early, late, strict=True):
        known = np.isfinite(first) & np.isfinite(second)
        if not known.any():
            continue
        begins = int(np.argmax(np.isfinite(second)))
        if begins and np.isfinite(first[:begins]).all():
            fix = f"let warmup be {says + begins}"
            return Breach(f"says it is warm after {says} bars and answers first after {says + begins}", fix)
        spread = float(np.ptp(first[known]))
        worst = max(worst, float(np.abs(first - second)[known].max()) / spread if spread > 0 else 0.0)
    if getattr(features[name], "memory", "window") in UNCOMPARED or worst <= TOLERATED:
        return None
    share = f"{math.ceil(worst * 100)} %"
    return Breach(
        f"says it is warm after {says} bars, but where it began still makes {share} of its spread then",
        'let warmup be more, or say memory = "total" of a sum that never forgets',
    )


def _last(computed: Iterator[tuple[str, tuple[Floats, ...]]], name: str, rows: int) -> tuple[Floats, ...]:
    """The last rows of a feature's columns."""
    for each, columns in computed:
        if each == name:
            return tuple(np.concatenate((np.full(max(0, rows - len(one)), np.nan), one))[-rows:] for one in columns)
    return ()
