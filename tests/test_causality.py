"""The proof that nothing looks ahead, told by the command line of real plug-in files."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import Observable

from pipeline.__main__ import main
from pipeline.causality import DEEP, LEVELS, foreign, proved
from pipeline.frames import AskedEnsemble, AskedProvider, Frame, frame_of
from pipeline.joining import VotesOfBars, by_bar
from pipeline.made_up import FRIDAY, bars_of, votes_of
from pipeline.questioning import questioned
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Columns, Floats, Signals, Votes
from tests.support import SMALL, plan_of

CROSS = 'use = "ema_cross"\nfast = "fast"\nslow = "slow"'
BAR = r"the bar 2026-01-\d\dT\d\d:\d\dZ of EURUSD (1m|5m)"
HEAD = '''
"""Strategies of my own."""

import itertools
from typing import ClassVar

import numpy as np
import pandas as pd

from pipeline.parts import Column, feature, provider
from pipeline.stretch import Stretch
from pipeline.values import Columns, Floats

COUNTER = itertools.count()
CHANCE = np.random.default_rng()
'''
PROVIDER = '''

@provider
class Mine:
    """A rule of my own."""

    lookback = {back}

    def __call__(self, columns: Columns) -> Floats:
        close = columns["close"]
        {rule}
'''
FEATURE = '''

@feature
class Mine:
    """A column of my own."""

    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return {warmup}

    def __call__(self, rows: Stretch) -> Floats:
        close = rows.close
        {rule}
'''


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """A flow without plug-ins is loaded at the end, which takes their parts back."""
    yield
    plan_of()


def flow_with(folder: Path, code: str, of: str) -> str:
    """A flow beside a plug-in file with one part of that kind; its path."""
    (folder / "mine.py").write_text(HEAD + code, encoding="utf-8")
    text = SMALL.replace("block = 64", 'block = 64\nplugins = ["mine.py"]')
    if of == "provider":
        text = text.replace(CROSS, 'use = "mine"')
    else:
        text = text.replace("[features]", '[features]\nown = { use = "mine" }')
    (folder / "flows.toml").write_text(text, encoding="utf-8")
    return str(folder / "flows.toml")


def said(folder: Path, code: str, of: str, capsys: pytest.CaptureFixture[str], *verb: str) -> str:
    """The problem that a verb tells of the plug-in, without its place."""
    path = flow_with(folder, code, of)
    assert main([*(verb or ("validate",)), path]) == 2
    told = capsys.readouterr().err.splitlines()
    match = re.fullmatch(rf"{re.escape(path)}:\d+:\d+: (.*)", told[0])
    assert match is not None, told
    return match[1]


# --- providers -------------------------------------------------------------------------------------------------------

AHEAD = (
    rf'\[providers\.cross\] looks ahead: its score of {BAR} changes with later values of "close"; '
    "use only rows up to the bar's own"
)
BACK = rf'\[providers\.cross\] looks back too far: its score of {BAR} changes with "close" more than 2 rows before it; '
RANGE = r"a score lies in \[-1, 1\], or is NaN for nothing to say"
MEMORY = "use nothing but its columns: no randomness, no memory, no clock"
RULES = {
    "looks at the next bar": (0, "return np.sign(np.append(close[1:], close[-1]) - close)", AHEAD),
    "shifts the wrong way": (0, "return np.sign(pd.Series(close).shift(-1).to_numpy() - close)", AHEAD),
    "has a centred mean": (2, "return np.sign(close - pd.Series(close).rolling(5, center=True).mean())", AHEAD),
    "normalises over all it sees": (0, "return np.clip((close - close.mean()) / (close.std() + 1e-9), -1, 1)", AHEAD),
    "looks back further than it says": (
        2,
        "return np.sign(close - pd.Series(close).shift(5).to_numpy())",
        BACK + "set lookback to 5 or more",
    ),
    "has a running mean, which remembers its rounding": (
        4,
        "return pd.Series(close).rolling(5).mean().to_numpy() / 1e6",
        rf"\[providers\.cross\] rounds its score of {BAR} otherwise, by \S+, when other rows come first; "
        r"sum each window by itself \(sliding_window_view\): a running sum remembers its rounding",
    ),
    "takes a mean of all before": (
        2,
        "return np.sign(close - pd.Series(close).expanding().mean().to_numpy())",
        BACK + r"set lookback to (\d+ or more|as many as it uses, always the same)",
    ),
    "counts its rows": (
        0,
        "return np.arange(len(close)) / len(close)",
        rf"\[providers\.cross\] looks ahead: its score of {BAR} changes with how many rows come after it; "
        "use only rows up to the bar's own",
    ),
    "reads a counter": (
        0,
        "return np.full(len(close), next(COUNTER) % 7 / 7)",
        rf"\[providers\.cross\] says \S+ of {BAR}, and \S+ when it is asked again; {MEMORY}",
    ),
    "draws lots": (
        0,
        "return CHANCE.uniform(-1, 1, len(close))",
        rf"\[providers\.cross\] says \S+ of {BAR}, and \S+ when it is asked again; {MEMORY}",
    ),
    "writes into its columns": (
        0,
        "close[close > 1] = 1; return np.sign(close - 0.5)",
        r"\[providers\.cross\] writes into the columns it is given; change a copy",
    ),
    "puts a column among its columns": (
        0,
        "columns.values['mine'] = close; return np.sign(close - 0.5)",
        r"\[providers\.cross\] writes into the columns it is given; change a copy",
    ),
    "shouts": (
        0,
        "return np.where(close > 0, 1.5, 0)",
        rf"\[providers\.cross\] gives 1\.5 as its score of {BAR}; {RANGE}",
    ),
    "is infinite": (
        0,
        "return close / 0",
        rf"\[providers\.cross\] gives inf as its score of {BAR}; {RANGE}",
    ),
    "speaks once": (
        0,
        "return np.ones(1)",
        r"\[providers\.cross\] gives 1 score for 256 rows; give one score for each row",
    ),
    "raises": (
        0,
        'return columns["nothing"]',
        r"\[providers\.cross\] fails with KeyError: 'nothing', asked about 256 made-up bars; "
        "mend it, or give NaN where there is nothing to say",
    ),
    "needs more rows than it says": (
        0,
        "return np.sign(close - close[[-2]])",
        r"\[providers\.cross\] fails with IndexError: .*, asked about 1 made-up bars; "
        "mend it, or give NaN where there is nothing to say",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_a_provider_that(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    back, rule, sentence = RULES[name]
    code = PROVIDER.format(back=back, rule=rule)
    assert re.fullmatch(sentence, told := said(tmp_path, code, "provider", capsys)), told


SOUND = {
    "one row": (0, "return np.clip(close - columns['open'], -1, 1)"),
    "a window of what it says": (5, "return np.sign(close - pd.Series(close).shift(5).to_numpy())"),
    "the hour of the day": (0, "return np.cos(columns.open_ts / 3_600_000)"),
    "stamps in order": (
        3,
        "before = np.searchsorted(columns.open_ts, columns.open_ts - 1); "
        "return np.where(before > 2, np.sign(close - close[np.maximum(before - 2, 0)]), np.nan)",
    ),
    "a table of pandas": (
        0,
        "return np.sign((lambda all: all.close - all.open)(pd.DataFrame(columns.values)).to_numpy())",
    ),
    "a column it does not name": (0, "return np.sign(close - columns['slow'])"),
    "a copy": (0, "own = close.copy(); own[own > 1] = 1; return np.sign(own - 0.5)"),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_provider_is_not_accused_of(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    back, rule = SOUND[name]
    path = flow_with(tmp_path, PROVIDER.format(back=back, rule=rule), "provider")
    assert main(["validate", path]) == 0, capsys.readouterr().err
    assert "nothing looks ahead: 2 features, 1 provider, 1 ensemble tried" in capsys.readouterr().out


@pytest.mark.parametrize(
    "verb", [("run", "--for", "1s"), ("replay", "--for", "1h"), ("test",)], ids=lambda verb: verb[0]
)
def test_what_would_trade_on_it_refuses_it_too(
    verb: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    back, rule, sentence = RULES["shifts the wrong way"]
    code = PROVIDER.format(back=back, rule=rule)
    assert re.fullmatch(sentence, told := said(tmp_path, code, "provider", capsys, *verb)), told
    assert not (tmp_path / "data").exists()


def test_the_problem_stands_where_the_table_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = flow_with(tmp_path, PROVIDER.format(back=0, rule=RULES["draws lots"][1]), "provider")
    line = Path(path).read_text(encoding="utf-8").splitlines().index("[providers.cross]") + 1
    assert main(["validate", path, "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["line"] == line
    assert problem["fix"] == MEMORY


# --- features --------------------------------------------------------------------------------------------------------

COLUMNS = {
    "peeks": (
        1,
        "made = np.zeros(len(close)); made[1:-1] = (close[1:-1] > close[:-2]) & (close[1:-1] > close[2:]); return made",
        rf'\[features\.own\] looks ahead: its value of {BAR} changes with later values of "close"; '
        "use only rows up to the bar's own",
    ),
    "says it is warm too soon": (
        1,
        "return pd.Series(close).ewm(span=30, adjust=False).mean().to_numpy()",
        r"\[features\.own\] says it is warm after 1 bars, but where it began still makes \d+ % of its spread then; "
        'let warmup be more, or say memory = "total" of a sum that never forgets',
    ),
    "answers later than it says": (
        1,
        "return pd.Series(close).rolling(9).mean().to_numpy()",
        r"\[features\.own\] says it is warm after 1 bars and answers first after 8; let warmup be 8",
    ),
    "remembers": (
        0,
        "return close + next(COUNTER)",
        rf"\[features\.own\] gives other values for the same bars when it is asked again; {MEMORY}",
    ),
    "writes": (
        0,
        "close[close > 1] = 1; return close.copy()",
        r"\[features\.own\] writes into the bars it is given; change a copy",
    ),
    "raises": (
        0,
        "raise ZeroDivisionError('of course')",
        r"\[features\.own\] fails with ZeroDivisionError: of course, given \d+ made-up bars; give NaN for no answer",
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_feature_that(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warmup, rule, sentence = COLUMNS[name]
    code = FEATURE.format(warmup=warmup, rule=rule)
    assert re.fullmatch(sentence, told := said(tmp_path, code, "feature", capsys)), told


def test_a_feature_of_ones_own_that_keeps_the_rules_passes(tmp_path: Path) -> None:
    code = FEATURE.format(warmup=8, rule="return pd.Series(close).rolling(9).mean().to_numpy()")
    assert main(["validate", flow_with(tmp_path, code, "feature")]) == 0


# --- ensembles -------------------------------------------------------------------------------------------------------


class Remembering:
    """Adds up the votes of the row before, which it keeps in mind."""

    lookback: ClassVar[int] = 1

    def __init__(self) -> None:
        self._last = 0.0

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, ("a",), self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        said = votes.spoken("a")
        before = np.concatenate(([self._last], said[:-1]))
        self._last = float(said[-1])
        return votes.signals(before)


class Mean:
    """The mean of so many votes, and of the one after where `ahead`."""

    def __init__(self, rows: int, lookback: int, *, ahead: bool = False) -> None:
        self._rows, self.lookback, self._ahead = rows, lookback, ahead

    def __call__(self, votes: Observable[Votes]) -> Observable[Signals]:
        return by_bar(votes, ("a",), self.signals)

    def signals(self, votes: VotesOfBars) -> Signals:
        said = votes.spoken("a")
        said = np.append(said[1:], 0.0) if self._ahead else said
        padded = np.concatenate((np.zeros(self._rows - 1), said))
        return votes.signals(np.lib.stride_tricks.sliding_window_view(padded, self._rows).mean(axis=1))


@cache
def frame(votes: bool = True, tf: int = MINUTE, rows: int = 200) -> Frame:
    columns = plan_of().anchoring.columns(bars_of("EURUSD", tf, 300, 100, 1.1, 5).rows(0, 300, rows))
    return frame_of(columns, rows, {"a": votes_of(len(columns), 3)} if votes else None)


@pytest.mark.parametrize("deep", [False, True])
def test_an_ensemble_is_asked_as_a_provider_is(deep: bool) -> None:
    def found(ensemble: object) -> str:
        asked = AskedEnsemble(ensemble, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        breach = questioned(asked, frame(), deep=deep, silence=False).breach
        return "" if breach is None else breach.what

    assert found(Mean(6, 5)) == ""
    assert re.fullmatch(
        rf"looks back too far: its score of {BAR} changes with the votes of a more than 3 rows before it",
        found(Mean(6, 3)),
    )
    assert re.fullmatch(
        rf"looks ahead: its score of {BAR} changes with later values of the votes of a", found(Mean(6, 6, ahead=True))
    )
    assert "when it is asked again" in found(Remembering()) or "rows come before it" in found(Remembering())


# --- how it is done --------------------------------------------------------------------------------------------------


def test_every_row_by_itself_is_what_deep_means(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "flows.toml"
    path.write_text(SMALL.replace('timeframes = ["1m", "5m"]', 'timeframes = ["1m"]'), encoding="utf-8")
    assert main(["validate", str(path), "--deep", "--json"]) == 0
    compared = json.loads(capsys.readouterr().out)["rows_compared"]
    features_provider_and_ensemble = 3 * DEEP + 1
    assert compared == len(LEVELS) * features_provider_and_ensemble


def test_only_parts_that_are_not_ours_are_tried_again_before_a_run(tmp_path: Path) -> None:
    assert foreign(plan_of()) == frozenset()
    flow_with(tmp_path, PROVIDER.format(back=0, rule="return np.sign(close - 1)"), "provider")
    plan = plan_of((tmp_path / "flows.toml").read_text(encoding="utf-8"), tmp_path)
    assert foreign(plan) == {"providers.cross"}
    assert proved(plan, only=foreign(plan)).breaches == {}


@settings(max_examples=25, deadline=None)
@given(at=st.integers(20, 180), back=st.integers(0, 6), seldom=st.integers(1, 40))
def test_a_rule_that_peeks_on_one_row_only_is_found(at: int, back: int, seldom: int) -> None:
    """The quick look misses none: it asks about all rows at once."""
    whole = frame(votes=False)
    stamp = whole.columns(1).open_ts.item(at)

    def peeks(columns: Columns) -> Floats:
        close = columns["close"]
        here = columns.open_ts == stamp
        return np.where(here, np.sign(np.append(close[1:], 0.0) - close * (1 + seldom / 1e9)), 0.25)

    finding = questioned(AskedProvider(peeks, back, hears=False), whole, deep=False, silence=True)
    known = np.sign(whole.columns(1)["close"][at + 1] - whole.columns(1)["close"][at] * (1 + seldom / 1e9))
    if known != -1:  # where the next close is lower, peeking and seeing nothing come to the same
        assert finding.breach is not None
        assert "looks ahead" in finding.breach.what


@pytest.mark.parametrize("tf", [MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, DAY])
def test_made_up_bars_are_one_run_over_a_weekend(tf: int) -> None:
    bars = bars_of("EURUSD", tf, 900, 200, 1.1, 7)
    assert len(bars) == 900
    assert (np.diff(bars.open_ts) >= tf).all()
    assert (bars.open_ts % tf == 0).all()
    behind = bars.open_ts[-200:]
    assert behind[0] - bars.open_ts[-201] >= 2 * DAY
    assert bars.open_ts[-201] < FRIDAY <= behind[0]
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.low > 0).all()
    assert (np.diff(bars.close) == 0).any(), "somewhere the price stands still"
