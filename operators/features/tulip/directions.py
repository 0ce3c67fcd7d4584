"""Which way the price goes, and how decidedly."""

from operators.features.tulip.entry import BEFORE, CASCADE, NO_CHANGE, ONE, WHOLE, Entry, fixed, times
from pipeline.rolling import TURNS, WILDER

ENTRIES: dict[str, Entry] = {
    "adx": Entry(
        "how directed the price moves, either way, in [0, 100]",
        times(2, -2),
        (14,),
        times(CASCADE),
        "fading",
        least=2,
        nothing="A bar with no directed move before it counts 0.",
    ),
    "adxr": Entry(
        "the mean of the index and of what it was a period ago",
        times(3, -3),
        (14,),
        times(CASCADE + 1),
        "fading",
        least=2,
        nothing="A bar with no directed move before it counts 0.",
    ),
    "dx": Entry(
        "how much the move one way outweighs the other, in [0, 100]",
        BEFORE,
        (14,),
        times(WILDER),
        "fading",
        least=2,
        nothing=NO_CHANGE.format(0),
    ),
    "di": Entry(
        "moves up and moves down as shares of the true range",
        BEFORE,
        (14,),
        times(WILDER),
        "fading",
        least=2,
        nothing=NO_CHANGE.format(0),
    ),
    "dm": Entry("moves up and moves down, each summed after Wilder", BEFORE, (14,), times(WILDER), "fading", least=2),
    "aroon": Entry("how lately the lowest low and the highest high were, in [0, 100]", WHOLE, (14,)),
    "aroonosc": Entry("aroon up less aroon down", WHOLE, (14,)),
    "vhf": Entry("the range by all moves in it", WHOLE, (28,), least=2, nothing=NO_CHANGE.format(0)),
    "psar": Entry(
        "a stop that follows a trend and turns with it",
        ONE,
        (0.02, 0.2),
        fixed(TURNS),
        "path",
    ),
}
