"""Questioning: whether what somebody says of a row depends on that row and on so many before it, and on nothing else.

Quick, all rows are asked about at once: each row with the rows before it that it may depend on, and a few others behind
it, one such stretch after another. If every answer is that of the whole, no row looks ahead, and none too far back.
Only who does not pass is asked again for one row after another, as he would be in a flow.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.frames import Frame, Input, Subject, Written, otherwise
from pipeline.stretch import PRICES
from pipeline.times import timeframe_name, utc_text
from pipeline.values import Flags, Floats, Stamps

AT_ONCE = 40_000
"""Rows that are asked about at once, at most."""
FOLLOWING = 3
"""So many rows that never were come behind each then."""
FEW = 6
"""Rows that are always asked about one by one."""
ROUNDING = 1e-9
"""A difference no larger is one of rounding."""
MEASURED = 24
"""On so many rows it is measured how far somebody looks back."""
MOST_NAMED = 2
REVEALED = "use only rows up to the bar's own"
ONE_EACH = "give one score for each row"
FORGETFUL = "use nothing but its columns: no randomness, no memory, no clock"


@dataclass(frozen=True, slots=True)
class Breach:
    """What somebody does that a pure function of some rows does not; and how to mend it."""

    what: str
    fix: str


WRITES = Breach("writes into the columns it is given", "change a copy")


@dataclass(frozen=True, slots=True)
class Finding:
    """How many rows were compared, and the first breach."""

    compared: int
    breach: Breach | None = None


def questioned(subject: Subject, frame: Frame, *, deep: bool, silence: bool) -> Finding:
    """Ask about a frame; `silence` is whether NaN, for nothing to say, is an answer."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return _Questioning(subject, frame, silence).finding(deep)


def same(left: Floats, right: Floats) -> Flags:
    """Where two columns have the same bits, one NaN being like another."""
    alike: Flags = (left.view(np.int64) == right.view(np.int64)) | ((left != left) & (right != right))
    return alike


def moment(product: str, tf: int, open_ts: int) -> str:
    """A bar in words."""
    return f"the bar {utc_text(open_ts)[:16]}Z of {product} {timeframe_name(tf)}"


def named(names: list[str]) -> str:
    """Some of them in a sentence."""
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and others"
    return " and ".join(names)


class _Questioning:
    def __init__(self, subject: Subject, frame: Frame, silence: bool) -> None:
        self._subject, self._frame, self._silence = subject, frame, silence

    def finding(self, deep: bool) -> Finding:
        try:
            whole = self._subject.ask(self._frame)
            self._narrow(whole)
        except Exception as failure:  # noqa: BLE001  # a plug-in may raise anything: that is what is told
            return Finding(0, self._raised(self._frame, failure))
        rows = np.flatnonzero(self._frame.sound)
        breach = self._shape(whole) or self._again(whole, rows) or self._range(whole, rows)
        if breach is not None:
            return Finding(0, breach)
        compared = len(rows)
        if not deep:
            few = rows[np.linspace(0, len(rows) - 1, min(FEW, len(rows))).astype(np.int64)]
            passed, compared = self._at_once(whole, rows)
            compared += len(few)
            if passed and self._first(whole, few) is None:
                return Finding(compared)
        return Finding(compared, self._first(whole, rows))

    def _narrow(self, whole: Floats) -> None:
        """Leave out the columns that it does not look at, if it then says the same: there is less to cut out."""
        if self._subject.names is None:
            return
        narrow = self._frame.only(self._subject.names | {*PRICES})
        try:
            made = self._subject.ask(narrow)
        except Exception:  # noqa: BLE001  # it does look at others
            return
        if made.shape == whole.shape and same(made, whole).all():
            self._frame = narrow

    def _bar(self, row: int) -> str:
        frame = self._frame
        return moment(frame.product, frame.tf, frame.columns(1).open_ts.item(row))

    # --- one answer for each row, and always the same ----------------------------------------------------------------

    def _raised(self, frame: Frame, failure: Exception) -> Breach:
        loose = frame.loose()
        if isinstance(failure, Written):
            return WRITES
        try:
            self._subject.ask(loose)
        except Exception as again:  # noqa: BLE001  # as above
            what = f"fails with {type(again).__name__}: {again}, asked about {len(frame)} made-up bars"
            return Breach(_one_line(what), "mend it, or give NaN where there is nothing to say")
        if any(frame[key].tobytes() != loose[key].tobytes() for key in frame):
            return WRITES
        return Breach(_one_line(f"fails with {type(failure).__name__}: {failure}, asked once"), FORGETFUL)

    def _shape(self, whole: Floats) -> Breach | None:
        if whole.shape == (len(self._frame),):
            return None
        given = _count(whole.size, "score") if whole.ndim == 1 else f"an array of the shape {whole.shape}"
        return Breach(f"gives {given} for {_count(len(self._frame), 'row')}", ONE_EACH)

    def _again(self, whole: Floats, rows: Stamps) -> Breach | None:
        try:
            again = self._subject.ask(self._frame)
        except Exception as failure:  # noqa: BLE001  # as above
            return self._raised(self._frame, failure)
        if again.shape != whole.shape:
            return Breach(f"gives {_count(whole.size, 'score')}, and {again.size} when it is asked again", FORGETFUL)
        other = rows[~same(whole, again)[rows]]
        if not len(other):
            return None
        row = int(other[0])
        said = f"says {whole[row]:.6g} of {self._bar(row)}, and {again[row]:.6g} when it is asked again"
        return Breach(said, FORGETFUL)

    def _range(self, whole: Floats, rows: Stamps) -> Breach | None:
        fit = np.abs(whole) <= 1
        if self._silence:
            fit |= whole != whole
        beyond = rows[~fit[rows]]
        if not len(beyond):
            return None
        row = int(beyond[0])
        fix = "a score lies in [-1, 1]" + (", or is NaN for nothing to say" if self._silence else "")
        return Breach(f"gives {whole[row]:.6g} as its score of {self._bar(row)}", fix)

    # --- all rows at once --------------------------------------------------------------------------------------------

    def _at_once(self, whole: Floats, rows: Stamps) -> tuple[bool, int]:
        """Whether each row has the answer it has in the whole, behind no more than the rows it may depend on.

        Behind each come rows that never were: whoever looks at them gives himself away, as they are otherwise twice.
        """
        back = self._subject.lookback
        rows = rows[rows >= back]
        wide = back + 1 + FOLLOWING
        rows = rows[:: -(-len(rows) * wide * self._subject.dear // AT_ONCE) or 1]
        if not len(rows):
            return True, 0
        last = len(self._frame) - 1
        known, follow = rows[:, None] + np.arange(-back, 1), np.minimum(rows[:, None] + 1 + np.arange(FOLLOWING), last)
        which = np.concatenate((known, follow + len(self._frame)), axis=1).ravel()
        for kind in range(2):
            try:
                made = self._subject.ask(self._frame.doubled(kind).rows(which))
            except Exception:  # noqa: BLE001  # such rows may be too much for it: it is asked again, one by one
                return False, 0
            if made.shape != which.shape or not same(made[back::wide], whole[rows]).all():
                return False, 0
        return True, len(rows)

    # --- one row after another ---------------------------------------------------------------------------------------

    def _first(self, whole: Floats, rows: Stamps) -> Breach | None:
        for row in rows.tolist():
            breach = self._ahead(whole, row) or self._back(whole, row)
            if breach is not None:
                return breach
        return None

    def _ahead(self, whole: Floats, row: int) -> Breach | None:
        """What is wrong with a row that is the last there is."""
        last = self._last(self._frame.rows(slice(0, row + 1), live=True))
        if isinstance(last, Breach):
            return last
        if same(last, whole[row : row + 1]).all():
            return None
        later = self._blamed(whole, row, slice(row + 1, None))
        on = f"later values of {named(later)}" if later else "how many rows come after it"
        return Breach(f"looks ahead: its score of {self._bar(row)} changes with {on}", REVEALED)

    def _back(self, whole: Floats, row: int) -> Breach | None:
        """What is wrong with a row behind no more rows than it may depend on."""
        back = self._subject.lookback
        if row < back:
            return None
        last = self._last(self._frame.rows(slice(row - back, row + 1), live=True))
        if isinstance(last, Breach):
            return last
        if same(last, whole[row : row + 1]).all():
            return None
        moved = abs(last.item() - whole[row].item())
        if moved <= ROUNDING:
            what = f"rounds its score of {self._bar(row)} otherwise, by {moved:.1g}, when other rows come first"
            return Breach(what, "sum each window by itself (sliding_window_view): a running sum remembers its rounding")
        earlier = self._blamed(whole, row, slice(0, row - back))
        on = f"{named(earlier)} more than {back} rows before it" if earlier else "how many rows come before it"
        need = self._needed(whole)
        fix = f"set lookback to {need} or more" if need else "set lookback to as many as it uses, always the same"
        return Breach(f"looks back too far: its score of {self._bar(row)} changes with {on}", fix)

    def _last(self, part: Frame) -> Floats | Breach:
        """The answer for the last row of a part."""
        try:
            made = self._subject.ask(part)
        except Exception as failure:  # noqa: BLE001  # as above
            return self._raised(part, failure)
        if made.shape != (len(part),):
            return Breach(f"gives {_count(made.size, 'score')} for {_count(len(part), 'row')}", ONE_EACH)
        return made[-1:]

    def _blamed(self, whole: Floats, row: int, rows: slice) -> list[str]:
        """What the score of a row changes with, when other values stand in some rows."""
        found = (str(key) for key in self._frame if self._changes(whole, row, self._others(key, rows)))
        return list(dict.fromkeys(found))

    def _others(self, key: Input, rows: slice) -> Iterator[Frame]:
        yield from (self._frame.changed(key, rows, made) for made in otherwise(key, self._frame[key][rows]))

    def _changes(self, whole: Floats, row: int, others: Iterator[Frame]) -> bool:
        for other in others:
            try:
                made = self._subject.ask(other)
            except Exception:  # noqa: BLE001, S112  # values that cannot be: what it makes of them says nothing
                continue
            if made.shape == whole.shape and not same(made[row : row + 1], whole[row : row + 1]).all():
                return True
        return False

    def _needed(self, whole: Floats) -> int | None:
        """How many rows before the last ones make their answers what they are; None when that seems to have no end."""
        back, rows = self._subject.lookback, np.flatnonzero(self._frame.sound)
        most, need = len(whole) // 2, 0
        for row in rows[rows > most][-MEASURED:].tolist():

            def enough(back: int, row: int = row) -> bool:
                last = self._last(self._frame.rows(slice(row - back, row + 1), live=True))
                return not isinstance(last, Breach) and bool(same(last, whole[row : row + 1]).all())

            found = back if enough(back) else _least(enough, back, most)
            if found is None:
                return None
            need = max(need, found)
        return need if need > back else None


def _least(enough: Callable[[int], bool], short: int, most: int) -> int | None:
    """The least number that is enough, more than one that is not; None when there is none up to `most`."""
    step = 1
    while not enough(min(most, short + step)):
        if short + step >= most:
            return None
        short, step = short + step, 2 * step
    fit = min(most, short + step)
    while fit - short > 1:
        middle = (short + fit) // 2
        short, fit = (short, middle) if enough(middle) else (middle, fit)
    return fit


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
