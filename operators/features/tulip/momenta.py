"""How far and how quickly the price has gone."""

from operators.features.tulip.entry import (
    BEFORE,
    NO_ANSWER,
    NO_CHANGE,
    ONE,
    WHOLE,
    ZERO_BEFORE,
    Entry,
    fixed,
    signalled,
    smoothed,
    times,
)
from pipeline.rolling import FORGETTING, WILDER

ENTRIES: dict[str, Entry] = {
    "mom": Entry("the price less that of `period` bars before", WHOLE, (10,), group="basic"),
    "roc": Entry(
        "the change over `period` bars as a share of the price then", WHOLE, (10,), group="basic", nothing=ZERO_BEFORE
    ),
    "rocr": Entry("the price by that of `period` bars before", WHOLE, (10,), nothing=ZERO_BEFORE),
    "rsi": Entry(
        "the share of gains in all moves, in [0, 100], by Wilder's averages",
        WHOLE,
        (14,),
        times(WILDER),
        "fading",
        "basic",
        least=2,
        nothing=NO_CHANGE.format(50),
    ),
    "stochrsi": Entry(
        "where the RSI stands in its own range of the last bars, in [0, 1]",
        times(2, -1),
        (14,),
        times(WILDER + 1),
        "fading",
        least=2,
        nothing="Of an RSI that does not move it is 0.5.",
    ),
    "cmo": Entry("gains less losses by all moves, in [-100, 100]", WHOLE, (14,), least=2, nothing=NO_CHANGE.format(0)),
    "stoch": Entry(
        "where the close stands in the range of the last `k` bars, in [0, 100], smoothed, and the mean of that",
        smoothed,
        (14, 3, 3),
        group="basic",
        nothing="A bar within no range counts 50.",
    ),
    "willr": Entry(
        "how far the close is under the highest high, in [-100, 0]", BEFORE, (14,), nothing="Within no range it is -50."
    ),
    "cci": Entry(
        "how many mean deviations (of 0.015) the typical price is from its mean",
        times(2, -2),
        (20,),
        least=2,
        nothing=NO_CHANGE.format(0),
    ),
    "macd": Entry(
        "a quick average less a slow one, the average of that, and the difference of the two",
        times(1, -1, by=1),
        (12, 26, 9),
        signalled,
        "fading",
        "basic",
    ),
    "apo": Entry("a quick average less a slow one", ONE, (12, 26), times(FORGETTING, by=1), "fading"),
    "ppo": Entry(
        "a quick average less a slow one, in percent of the slow one",
        ONE,
        (12, 26),
        times(FORGETTING, by=1),
        "fading",
        nothing=ZERO_BEFORE,
    ),
    "trix": Entry(
        "the change of an average of averages of averages, in percent",
        times(3, -2),
        (15,),
        times(8),
        "fading",
        least=2,
        nothing=ZERO_BEFORE,
    ),
    "ao": Entry("the mean middle of 5 bars less that of 34", fixed(33)),
    "ultosc": Entry(
        "what buyers took of the true range, over three periods, in [0, 100]",
        times(1, by=2),
        (7, 14, 28),
        nothing="A period without a range counts one half.",
    ),
    "dpo": Entry("the price of half a period ago less the mean", BEFORE, (20,), least=3),
    "fosc": Entry(
        "how far the price is from what the bars before it forecast, in percent",
        WHOLE,
        (14,),
        least=2,
        nothing=ZERO_BEFORE,
    ),
    "fisher": Entry(
        "the place in the range, stretched so that turns are sharp, and its value of the bar before",
        BEFORE,
        (9,),
        times(1, 40),
        "fading",
        least=2,
        nothing=NO_ANSWER,
    ),
    "msw": Entry(
        "the sine of the phase of a cycle of `period` bars, and that ahead by an eighth",
        WHOLE,
        (10,),
        least=2,
        nothing=NO_ANSWER,
    ),
}
