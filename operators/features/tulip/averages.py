"""Averages of a column, and straight lines through it."""

from operators.features.tulip.entry import BEFORE, NO_VOLUME, NONE, Entry, half, half_later, hull, lively, times
from pipeline.rolling import FORGETTING, WILDER

ENTRIES: dict[str, Entry] = {
    "sma": Entry("the plain mean of the last bars", BEFORE, (20,), group="basic"),
    "ema": Entry("an average with the weight 2 / (period + 1)", NONE, (20,), times(FORGETTING), "fading", "basic"),
    "wma": Entry("a mean whose weights grow evenly to the newest bar", BEFORE, (20,), group="basic"),
    "hma": Entry("an average of weighted averages with little lag", hull, (20,), group="basic", least=2),
    "dema": Entry("two averages less their average", times(2, -2), (20,), times(5), "fading"),
    "tema": Entry("three averages folded against lag", times(3, -3), (20,), times(6), "fading"),
    "trima": Entry("a mean whose weights peak in the middle", BEFORE, (20,)),
    "wilders": Entry("an average with the weight 1 / period", BEFORE, (14,), times(WILDER), "fading"),
    "zlema": Entry(
        "an average of the price carried on by its last move",
        half,
        (20,),
        half_later,
        "fading",
        least=3,
    ),
    "kama": Entry(
        "an average that is quick in a trend and slow in noise",
        BEFORE,
        (10,),
        times(1, 150),
        "fading",
        least=2,
        nothing="A price that does not move counts as a trend.",
    ),
    "vidya": Entry(
        "an average that is quick while the price is lively",
        times(1, -1, by=1),
        (9, 30, 0.2),
        lively,
        "fading",
        least=2,
        nothing="Of a price that does not move it stays where it is.",
    ),
    "vwma": Entry(
        "the mean price of what was traded",
        BEFORE,
        (20,),
        nothing=NO_VOLUME,
    ),
    "linreg": Entry("the end of the straight line through the last bars", BEFORE, (14,), least=2),
    "tsf": Entry("the straight line through the last bars, carried on by one", BEFORE, (14,), least=2),
    "linregintercept": Entry("the beginning of the straight line through the last bars", BEFORE, (14,), least=2),
    "linregslope": Entry("how much the straight line through the last bars rises a bar", BEFORE, (14,), least=2),
    "bbands": Entry(
        "bands of `width` standard deviations (of the whole, not a sample) around a plain mean",
        BEFORE,
        (20, 2.0),
        group="basic",
        least=2,
        nothing="Of a price that does not move the bands are the mean.",
        name="bollinger",
    ),
}
