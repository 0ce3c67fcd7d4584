"""Prices of a bar, its range, and how far prices are spread."""

from operators.features.tulip.entry import BEFORE, NONE, ONE, WHOLE, ZERO_BEFORE, Entry, times
from pipeline.rolling import FORGETTING, WILDER

ENTRIES: dict[str, Entry] = {
    "avgprice": Entry("the mean of open, high, low and close", NONE, group="basic"),
    "medprice": Entry("the middle between high and low", NONE, group="basic"),
    "typprice": Entry("the mean of high, low and close", NONE, group="basic"),
    "wcprice": Entry("the mean of high, low and twice the close", NONE, group="basic"),
    "bop": Entry(
        "how much of a bar's range its body is, in [-1, 1]", NONE, nothing="Of a bar without a range it is 0."
    ),
    "qstick": Entry("the mean of close less open", BEFORE, (10,)),
    "tr": Entry("the range of a bar and of the step to it", NONE, fades=ONE, group="basic"),
    "atr": Entry("Wilder's average of the true range", BEFORE, (14,), times(WILDER), "fading", "basic"),
    "natr": Entry(
        "the average true range in percent of the close",
        BEFORE,
        (14,),
        times(WILDER),
        "fading",
        "basic",
        nothing=ZERO_BEFORE,
    ),
    "stddev": Entry("how far the last prices are spread", BEFORE, (20,), group="basic", least=2),
    "var": Entry("the square of the standard deviation", BEFORE, (20,), least=2),
    "stderr": Entry("the standard deviation by the root of the period", BEFORE, (20,), least=2),
    "md": Entry("the mean distance from the mean", BEFORE, (20,), least=2),
    "volatility": Entry(
        "the standard deviation of the steps times the root of 252", WHOLE, (20,), least=2, nothing=ZERO_BEFORE
    ),
    "cvi": Entry(
        "how the averaged range has changed, in percent",
        times(2, -1),
        (10,),
        times(FORGETTING + 2),
        "fading",
        least=2,
        nothing="Where the bars before had no range there is no answer.",
    ),
    "mass": Entry(
        "how much ranges widen, summed",
        times(1, 15),
        (25,),
        times(1, 45),
        "fading",
        nothing="A bar for which no bar ever had a range counts 1.",
    ),
}
