"""What a column was, and columns with columns."""

from operators.features.tulip.entry import BEFORE, NONE, ONE, WHOLE, ZERO_BEFORE, Entry, times
from pipeline.rolling import WILDER

ENTRIES: dict[str, Entry] = {
    "lag": Entry("the value of `period` bars ago", WHOLE, (1,), group="basic"),
    "max": Entry("the highest of the last bars", BEFORE, (20,), group="basic"),
    "min": Entry("the lowest of the last bars", BEFORE, (20,), group="basic"),
    "sum": Entry("the sum of the last bars", BEFORE, (20,), group="basic"),
    "decay": Entry(
        "a value in [0, 1] that falls evenly to 0 within the period after it was last reached",
        NONE,
        (5,),
        WHOLE,
    ),
    "edecay": Entry(
        "a value that falls by 1 / period of itself after it was last reached",
        NONE,
        (5,),
        times(WILDER),
        "fading",
        least=2,
    ),
    "crossover": Entry("1 where the left crosses over the right, else 0", ONE, group="basic"),
    "crossany": Entry("1 where the left crosses the right either way, else 0", ONE, group="basic"),
    "add": Entry("left plus right", NONE, group="basic"),
    "sub": Entry("left less right", NONE, group="basic"),
    "mul": Entry("left times right", NONE, group="basic"),
    "div": Entry("left by right", NONE, group="basic", nothing=ZERO_BEFORE),
    "abs": Entry("the size without the sign", NONE, group="basic"),
    "ln": Entry("the natural logarithm", NONE, nothing="Of 0 and below there is no answer."),
    "exp": Entry("e to the power of the value", NONE, nothing="Where it is too large for a number there is no answer."),
    "sqrt": Entry("the square root", NONE, nothing="Below 0 there is no answer."),
    "tanh": Entry("the value pressed into [-1, 1]", NONE),
}
