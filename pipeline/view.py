"""What an engine shows to whoever looks: the words of the desk's protocol, and the interface an engine has to offer.

Everything here travels as JSON between two processes that may be of different ages, so `PROTOCOL` is raised whenever a
field changes its meaning, goes away, or is added without a default. Times are ms UTC on the flow's own clock, money is
text as the account would write it, prices and scores are floats.
"""

from typing import Annotated, Literal, NamedTuple, Protocol, TypeVar

from msgspec import Meta, Struct

from pipeline.service import Diagnosis, FeedReport
from pipeline.states import Latch

PROTOCOL = 3

ENGINE_FILE = "engine.json"
"""In the flow's folder while an engine runs: where to find it (`Whereabouts`)."""

TOKEN_FILE = "engine.token"  # noqa: S105  # where it is, not what it is
"""In the flow's folder: what a console must say to be let in."""

EngineState = Literal["STARTING", "RUNNING", "PAUSED", "KILLED", "ENDED"]
Money = Literal["practice", "demo", "real"]
Outcome = Literal["win", "lose", "push", "canceled", "abort"]
Leaning = Literal[-1, 0, 1]
Level = Literal["debug", "info", "warning", "error"]

TRADED = "trade"
"""The verdict of a bar that was traded; any other is the gate that said no."""


class KeyName(NamedTuple):
    """Whose trades, as a person names them: `KeyName("demo-1", "EURUSD", "1m")`."""

    account: str
    product: str
    timeframe: str


# --- what is shown ---------------------------------------------------------------------------------------------------


class Hello(Struct, frozen=True, tag_field="topic", tag="hello"):
    """Who answers. The first message of every connection; `clock` is the flow's, running `speed` times the wall's."""

    protocol: int
    version: str
    pid: int
    started: int
    flow: str
    mode: Literal["paper", "live", "replay"]
    clock: int
    speed: float
    display_timezone: str


class OrderCounts(Struct, frozen=True):
    """Orders by where they are. `sent` counts them all, `unknown` those whose outcome only evidence can tell."""

    sent: int = 0
    open: int = 0
    settled: int = 0
    rejected: int = 0
    unknown: int = 0


class AccountRow(Struct, frozen=True):
    """One account's money. Never add up rows of different `money` or `currency`."""

    name: str
    venue: str
    money: Money
    currency: str
    balance: str
    day_profit: str
    open: int
    keys: int
    armed: bool = False
    armed_until: int = 0
    """On the flow's clock."""
    rehearsal: bool = False
    """Nobody's money moves, whatever `money` says."""
    stopped: str = ""
    """Why it trades no more until somebody releases it, or everybody, where everybody is stopped."""
    standing: str = ""
    """How it stands with its venue while it is not connected: nothing is sent meanwhile."""


class Status(Struct, frozen=True, tag_field="topic", tag="status"):
    """How the engine fares. `win_rate_text` is complete: the rate, its interval, its break-even and its n."""

    clock: int
    uptime_s: float
    state: EngineState
    keys: int
    bars: int
    decisions: int
    quotes_per_second: float
    lag_ms: float
    orders: OrderCounts
    wins: int
    losses: int
    pushes: int
    win_rate_text: str
    drops: dict[str, int]
    faults: int
    accounts: tuple[AccountRow, ...]
    last_fault: str = ""


class KeyRow(Struct, frozen=True):
    """One key now. `verdict` is `trade` or the gate that said no to the last bar; prices have `digits` decimals.

    `state` is RUN, `WARM 12/50`, CLOSED (the market), STALE (no quotes) or FROZEN (a gap, a fault, a kill). `updated`
    is when its newest quote or bar came.
    """

    account: str
    product: str
    timeframe: str
    price: float | None
    last_bar: int
    score: float | None
    direction: Leaning
    verdict: str
    open: int
    profit: str
    state: str
    updated: int
    digits: int = 5
    life: str = ""
    """INIT, RUNNING, PAUSED, RELOAD, STOPPING or STOPPED; "" while nothing was told of it."""
    life_why: str = ""
    errors: int = 0
    """So many came in a row."""

    @property
    def name(self) -> KeyName:
        return KeyName(self.account, self.product, self.timeframe)


class KeyChanges(NamedTuple):
    """Rows that changed since a version the asker had. `full`: these are all keys, forget the others."""

    version: int
    rows: tuple[KeyRow, ...]
    full: bool = False


class BarColumns(Struct, frozen=True):
    """Final bars, oldest first, as columns of one length."""

    open_ts: tuple[int, ...] = ()
    open: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    close: tuple[float, ...] = ()
    volume: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.open_ts)


class FormingBar(Struct, frozen=True):
    """The bar that is not final yet: to look at, never to decide on."""

    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class Mark(Struct, frozen=True):
    """What was decided on one bar, and what became of it. `order` is empty when nothing was sent."""

    bar: int
    verdict: str
    direction: Leaning
    order: str = ""
    result: Outcome | None = None
    profit: str | None = None
    entry: float | None = None
    expiry: int | None = None
    exit: float | None = None


class Chart(Struct, frozen=True):
    """One key's bars with the engine's own features (`columns`, null where not ready) and decisions on them."""

    account: str
    product: str
    timeframe: str
    digits: int
    updated: int
    bars: BarColumns
    forming: FormingBar | None
    columns: dict[str, tuple[float | None, ...]]
    marks: tuple[Mark, ...]

    @property
    def name(self) -> KeyName:
        return KeyName(self.account, self.product, self.timeframe)


class LogLine(Struct, frozen=True):
    """One line of the engine's log. `seq` rises by one a line, so a reader sees what it missed."""

    seq: int
    at: int
    level: Level
    text: str


PriceNews = Literal["ok", "waiting", "stale", "closed"]
"""waiting: none came yet, or the next one lets itself be waited for; stale: too old to go by; closed: the market is."""

BarNews = Literal["ok", "waiting", "late", "stale", "missing", "closed"]
"""waiting: the first is not due yet; late: the last one was slow, or the next one is overdue; stale: overdue for long;
missing: none came since the start. While the market is closed nothing is overdue."""


class PriceRow(Struct, frozen=True):
    """The last price of a product, and when it was quoted (0: none came yet)."""

    product: str
    bid: float | None
    ask: float | None
    mid: float | None
    tick_at: int
    state: PriceNews
    digits: int = 5


class StreamRow(Struct, frozen=True):
    """The final bars of a product and timeframe: as the flow made them, and as they were published."""

    product: str
    timeframe: str
    state: BarNews
    last_close: int
    """0: none came yet."""
    lag_seconds: float | None
    """How long after its close the last one was final."""
    overdue_seconds: float
    """How much later than it should have come the next one is; 0: it is not due."""
    bars: int
    holes: int
    """Bars that are missing and were not mended."""
    published: int = 0
    """The end of the last one that was published; 0: none."""
    published_lag_seconds: float | None = None


class Feed(Struct, frozen=True, tag_field="topic", tag="feed"):
    """Prices, bars, and how sources and publishers fare; `alerts` are sentences, the gravest first."""

    clock: int
    prices: tuple[PriceRow, ...]
    streams: tuple[StreamRow, ...]
    sources: tuple[FeedReport, ...]
    publishers: tuple[Diagnosis, ...]
    alerts: tuple[str, ...]
    pressed: bool = False
    """Whether a publisher has no room for more final bars."""


class NodeRow(Struct, frozen=True):
    """A node of the running flow, and what it has done since it began. `busy` and the quantiles are of the last look.

    A node works while it is given something; what others make of what it gives within the same call is their time.
    """

    id: str
    kind: str
    """source, operator, provider … as its part is, or the name of one that every flow has: ledger, features."""
    use: str
    """The part; "" for one that every flow has."""
    taken: int
    given: int
    faults: int
    restarts: int
    last_at: int
    """When it gave something last, on the flow's clock; 0: never."""
    dropped: dict[str, int]
    """Rows that it let go, by reason; on purpose or not."""
    busy: float
    """Its share of a processor, 0 to 1."""
    p50_ms: float
    """How long one call takes, in real time; 0 where none was made."""
    p99_ms: float
    last_fault: str
    says: str
    """The first sentence of its part."""
    line: int
    """Where its table begins in the flow's file, from 1; 0: it has none."""


class EdgeRow(Struct, frozen=True):
    """An edge of the running flow: what came, went on, is held, was let go. `came` is the sum of the others."""

    source: str
    target: str
    carries: tuple[str, ...]
    closes: bool
    """It goes back to where its values came from, so they wait their turn."""
    came: int
    went: int
    held: int
    most_held: int
    dropped: dict[str, int]


class QueueRow(Struct, frozen=True):
    """What waits beside the graph, at a disk or a network."""

    name: str
    depth: int
    capacity: int
    when_full: str
    dropped: int
    most: int
    """As much of it was ever seen to wait."""
    oldest_s: float | None
    """For how many real seconds the oldest has waited; None where nobody keeps that."""


class FlowNews(Struct, frozen=True, tag_field="topic", tag="flow"):
    """The graph as it runs. Rates are the differences of two of these, over the difference of their `real_ms`."""

    clock: int
    real_ms: float
    """A real clock of no calendar, which only goes on."""
    nodes: tuple[NodeRow, ...]
    edges: tuple[EdgeRow, ...]
    queues: tuple[QueueRow, ...]
    conserved: bool
    """Nothing was lost without a name."""


T = TypeVar("T", covariant=True)


class Look(Protocol[T]):
    """Something that costs the engine something for as long as somebody looks: it `ends`, once, when nobody does."""

    def news(self) -> T: ...

    def ends(self) -> None: ...


class View(Protocol):
    """What an engine has to offer to be looked at. Every call is quick, waits for nothing and changes nothing."""

    def hello(self) -> Hello: ...

    def status(self) -> Status: ...

    def keys(self, since: int) -> KeyChanges:
        """The keys that changed after version `since`; all of them, marked `full`, when it is 0 or too old to tell."""
        ...

    def chart(self, name: KeyName, bars: int) -> Chart | None:
        """The last `bars` final bars of a key with what was decided on them; None when there is no such key."""
        ...

    def feed(self) -> Feed:
        """Prices, bars, sources and publishers as they are."""
        ...

    def log(self, after: int, limit: int) -> tuple[LogLine, ...]:
        """The newest lines after `after`, at most `limit` of them, oldest first."""
        ...

    def flow(self) -> Look[FlowNews]:
        """The graph, whose nodes are timed while somebody looks."""
        ...

    def tap(self, of: "TapOf") -> Look["TapNews"]:
        """What a node gives from now on; each time, what it gave since the time before."""
        ...


class Stopped(Struct, frozen=True):
    """What was stopped or released just now, and all that is stopped: each stop with whom, since when, why, by whom."""

    changed: tuple[Latch, ...]
    stopped: tuple[Latch, ...]


class Halt(Struct, frozen=True, forbid_unknown_fields=True):
    """Stop or release an account, or everybody."""

    scope: Annotated[str, Meta(max_length=200, description='an account; "" everybody')] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    by: Literal["api", "console"] = "api"


class Halting(Protocol):
    """What an engine lets itself be told: to stop, and to go on. Nothing else of it can be changed from outside.

    Both may be called from any thread, and return once it is on disk.
    """

    def stop(self, scope: str, reason: str, by: str) -> Stopped: ...

    def release(self, scope: str, reason: str, by: str) -> Stopped: ...


# --- what travels ----------------------------------------------------------------------------------------------------

Rate = Annotated[float, Meta(ge=0, le=20, description="messages a second; 0 for none")]


class ChartOf(Struct, frozen=True, forbid_unknown_fields=True):
    """The one chart a console looks at."""

    account: str
    product: str
    timeframe: str
    bars: Annotated[int, Meta(ge=1, le=2000)] = 240
    rate: Rate = 4

    @property
    def name(self) -> KeyName:
        return KeyName(self.account, self.product, self.timeframe)


class TapOf(Struct, frozen=True, forbid_unknown_fields=True):
    """The one node that a console listens in on."""

    node: Annotated[str, Meta(max_length=200)]
    rate: Rate = 5


class TapLine(Struct, frozen=True):
    """Something a node gave, in one line without secrets. `seq` rises by one with each that it gives."""

    seq: int
    at: int
    kind: str
    text: str


class Topics(Struct, frozen=True, forbid_unknown_fields=True):
    """What a console wants told, and how often at most. What it does not name costs the engine nothing."""

    status: Rate = 0
    keys: Rate = 0
    log: Rate = 0
    feed: Rate = 0
    chart: ChartOf | None = None
    flow: Rate = 0
    tap: TapOf | None = None


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """All a console may say. Each one replaces the one before."""

    subscribe: Topics


class KeysNews(Struct, frozen=True, tag_field="topic", tag="keys"):
    """Keys that changed. `full`: forget the keys you had."""

    rows: tuple[KeyRow, ...]
    full: bool


class ChartNews(Struct, frozen=True, tag_field="topic", tag="chart"):
    """A whole chart; None when the engine has no such key."""

    of: ChartOf
    chart: Chart | None


class FormingNews(Struct, frozen=True, tag_field="topic", tag="forming"):
    """The chart told before has only moved in the bar that forms."""

    of: ChartOf
    forming: FormingBar | None
    updated: int


class LogNews(Struct, frozen=True, tag_field="topic", tag="log"):
    """New lines; `skipped` older ones were passed over because there were too many at once."""

    lines: tuple[LogLine, ...]
    skipped: int


class TapNews(Struct, frozen=True, tag_field="topic", tag="tap"):
    """What a node gave since the last of these: the newest, oldest first; `skipped` others were passed over."""

    of: TapOf
    lines: tuple[TapLine, ...]
    skipped: int
    why: str = ""
    """Why nothing of it can be heard at present; ""."""


class Beat(Struct, frozen=True, tag_field="topic", tag="beat"):
    """Once a second: the engine lives, and this is its flow's clock."""

    clock: int
    speed: float


class Refusal(Struct, frozen=True, tag_field="topic", tag="refusal"):
    """What the console said could not be taken, and why. Nothing else changed."""

    what: str


News = Hello | Status | Feed | KeysNews | ChartNews | FormingNews | LogNews | FlowNews | TapNews | Beat | Refusal


class Greeting(Struct, frozen=True):
    """As much of a hello as every protocol has, to tell a mismatch instead of a decoding error."""

    protocol: int
    version: str


class Whereabouts(Struct, frozen=True):
    """Where the engine of a flow's folder answers."""

    pid: int
    url: str
    started: int
    socket: str = ""
    """The Unix socket beside this file that answers too; "" for none."""
    certificate: str = ""
    """With which the address answers, as a file; "" where it speaks no TLS."""
