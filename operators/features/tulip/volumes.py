"""Volume behind the price."""

from operators.features.tulip.entry import NO_VOLUME, NONE, ONE, SUMS, WHOLE, Entry, times
from pipeline.rolling import FORGETTING

ENTRIES: dict[str, Entry] = {
    "obv": Entry("volume of rising bars less that of falling ones", NONE, memory="total", group="basic", nothing=SUMS),
    "ad": Entry("volume by where the close is in the range", NONE, memory="total", nothing=SUMS),
    "wad": Entry("moves measured from the true low or high", ONE, memory="total", nothing=SUMS),
    "nvi": Entry(
        "the price followed on bars with less volume only, from 1000 on",
        NONE,
        memory="total",
        nothing="Only its changes mean something: it is 1000 where the window of a block begins.",
    ),
    "pvi": Entry(
        "the price followed on bars with more volume only, from 1000 on",
        NONE,
        memory="total",
        nothing="Only its changes mean something: it is 1000 where the window of a block begins.",
    ),
    "adosc": Entry(
        "a quick average of accumulation less a slow one",
        times(1, -1, by=1),
        (3, 10),
        times(FORGETTING, by=1),
        "fading",
        nothing="A bar without a range counts nothing.",
    ),
    "kvo": Entry(
        "the force of volume behind the price, a quick average less a slow one",
        ONE,
        (34, 55),
        times(FORGETTING + 1, by=1),
        "fading",
        nothing="A bar without a range in a move without one has no force.",
    ),
    "mfi": Entry(
        "the share of money that flowed in, in [0, 100]",
        WHOLE,
        (14,),
        group="basic",
        least=2,
        nothing="Where no money flowed it is 50.",
    ),
    "emv": Entry(
        "how far the price went for its volume",
        ONE,
        nothing="Of a bar without volume there is no answer.",
    ),
    "marketfi": Entry("the range for one unit of volume", NONE, nothing="Of a bar without volume there is no answer."),
    "vosc": Entry(
        "a quick mean of the volume less a slow one, in percent of the slow one",
        times(1, -1, by=1),
        (5, 10),
        nothing=NO_VOLUME,
    ),
}
