"""The report as the engine gives it: as much of each of its sections as is shown."""

from msgspec import Struct

from pipeline.statistics.shares import Money


class Ends(Struct, frozen=True):
    """An interval."""

    low: float
    high: float


class WinRate(Struct, frozen=True):
    """`text` is complete: the rate, its interval, its break-even, n, n_eff and ties."""

    text: str
    n: int = 0


class Retirement(Struct, frozen=True):
    """The alarm of a rule that has stopped to pay."""

    raised: bool = False


class Evidence(Struct, frozen=True):
    """The evidence for an edge and against one, valid however often one looks."""

    times: float
    against: float
    threshold: float
    alpha: float
    slots: int
    shown: bool = False
    against_shown: bool = False
    retirement: Retirement = Retirement()


class Edge(Struct, frozen=True):
    """How many independent trades an edge of that size still needs; `days` at the present rate."""

    edge: float
    still: float
    days: float | None = None


class Needed(Struct, frozen=True):
    """What is still needed until an edge would be seen."""

    edges: tuple[Edge, ...] = ()


class Expectancy(Struct, frozen=True):
    """What a unit of stake brought, and all of them."""

    per_stake: float
    profit: str
    staked: str
    per_stake_interval: Ends | None = None
    profit_interval: Ends | None = None


class Luck(Struct, frozen=True):
    """Where the profit stands among runs without an edge."""

    standing: float
    drawdown: str
    deeper: float


class Hour(Struct, frozen=True):
    """Trades that expired in an hour of the day, and their mean payout."""

    n: int
    payout: float


class Payouts(Struct, frozen=True):
    """By hour, in a zone."""

    zone: str
    hours: dict[str, Hour]


class Delay(Struct, frozen=True):
    """From a bar's end to the entry; what that costs, by how fast a signal may fade."""

    median_seconds: float
    p95_seconds: float
    costs: dict[str, float] = {}


class Audit(Struct, frozen=True):
    """Whether our own ticks explain how contracts were settled."""

    text: str
    unexplained: int = 0


class Subject(Struct, frozen=True):
    """A key, or all of one kind of money."""

    money: Money
    currency: str | None = None
    account: str = ""
    product: str = ""
    timeframe: str = ""
    win_rate: WinRate | None = None
    evidence: Evidence | None = None
    still_needed: Needed | None = None
    expectancy: Expectancy | None = None
    luck: Luck | None = None
    payouts: Payouts | None = None
    entry_delay: Delay | None = None
    audit: Audit | None = None


class Trials(Struct, frozen=True):
    """How often these data were looked at, by what, and with how many flows."""

    by_verb: dict[str, int] = {}
    flows: int = 0
    evidence_enough: float | None = None


class Report(Struct, frozen=True):
    """What trades prove, and how little."""

    note: str
    totals: tuple[Subject, ...] = ()
    trials: Trials = Trials()
    stamps: tuple[str, ...] = ()
