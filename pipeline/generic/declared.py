"""What a broker declares of itself, and whether that is enough for what a flow file takes it for."""

from decimal import Decimal

from msgspec import Struct

from pipeline.connections.contract import Limit
from pipeline.connections.reading import Answer
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Evidence
from pipeline.generic.contracts import length_of
from pipeline.settlement import Tie
from pipeline.times import MINUTE, SECOND, timeframe_name

VERSION = 1
"""Of the endpoint contract."""


class Declared(Struct, frozen=True):
    """What a broker says of itself."""

    evidence: Evidence
    tie: str
    currencies: frozenset[str]
    shortest: int
    longest: int
    stream: bool
    ticks: bool
    """Whether it keeps ticks that can be asked for."""
    page: str
    limits: tuple[Limit, ...]
    least: Decimal
    most: Decimal | None
    """Stakes."""


def declared_of(answer: Answer) -> Declared:
    """What /capabilities answered."""
    if (version := answer.whole("contract")) != VERSION:
        raise refused(f"the broker speaks version {version} of the endpoint contract, this program version {VERSION}")
    proves, lasts, stakes = answer.table("evidence"), answer.table("durations"), answer.table("stake")
    evidence = Evidence(
        lists=proves.flag("lists", default=False),
        echoes=proves.flag("echoes", default=False),
        once=proves.flag("once", default=False),
        late_ms=proves.whole("late_ms", default=0),
        closes=proves.flag("closes", default=False),
        stamps_ms=proves.whole("stamps_ms", default=1000),
    )
    return Declared(
        evidence,
        answer.text("tie"),
        frozenset(answer.texts("currencies")),
        length_of(lasts, "least"),
        length_of(lasts, "most"),
        answer.flag("stream", default=False),
        answer.flag("ticks", default=False),
        answer.text("permission_page", default=""),
        tuple(_limit(each) for each in answer.rows("limits", default=())),
        stakes.number("least"),
        stakes.number("most") if stakes.has("most") else None,
    )


def falls_short(asked: Evidence, declared: Evidence) -> str:
    """Where a broker proves less than a flow file takes for granted, in a sentence; "" where it is enough."""
    for name in ("lists", "echoes", "once", "closes"):
        if getattr(asked, name) and not getattr(declared, name):
            return f"the broker does not declare that it {MEANS[name]}; write {name} = false in evidence"
    if declared.late_ms > asked.late_ms:
        late = declared.late_ms
        return f"the broker may bring an order to life {late} ms after it was sent; write late_ms = {late} in evidence"
    if declared.stamps_ms > asked.stamps_ms:
        apart = declared.stamps_ms
        return f"the broker's stamps may be {apart} ms from its clock; write stamps_ms = {apart} in evidence"
    return ""


MEANS = {
    "lists": "lists an account's contracts",
    "echoes": "tells our own id of an order in its listings",
    "once": "takes an order that is sent twice once",
    "closes": "takes contracts back before their expiry",
}


def refused(sentence: str) -> CallFailed:
    """Nothing that is tried again would change it: somebody has to."""
    return CallFailed("rule", sentence, fate="refused", final=True)


def tie_differs(asked: Tie, declared: str) -> str:
    if declared == asked:
        return ""
    return f'the broker settles a tie as "{declared[:20]}", the flow file as "{asked}"; write tie = "{declared[:20]}"'


def tighter(asked: tuple[Limit, ...], declared: tuple[Limit, ...]) -> str:
    """Where a broker answers less often than a flow file counts on."""
    for ours in asked:
        for theirs in declared:
            same = ours.calls == theirs.calls or not theirs.calls
            if same and theirs.per_minute < ours.per_minute:
                return (
                    f"the broker answers {theirs.per_minute} calls a minute ({theirs.name}), the flow file counts on "
                    f"{ours.per_minute} ({ours.name}); write per_minute = {theirs.per_minute} in rates"
                )
    return ""


def _limit(row: Answer) -> Limit:
    calls = frozenset(row.texts("calls") if row.has("calls") else ())
    per_hour = row.whole("per_hour") if row.has("per_hour") else None
    return Limit(row.text("name", default="requests"), calls, row.whole("per_minute"), per_hour)


def out_of(declared: Declared, tf: int, stake: Decimal) -> str:
    """Why an order for so long and so much cannot be taken; "" when it can."""
    if not declared.shortest <= tf <= declared.longest:
        span = f"{_text(declared.shortest)} to {_text(declared.longest)}"
        return f"the broker takes contracts of {span}, not of {_text(tf)}"
    if stake < declared.least:
        return f"the broker takes no stake below {declared.least:f}"
    if declared.most is not None and stake > declared.most:
        return f"the broker takes no stake above {declared.most:f}"
    return ""


def _text(length: int) -> str:
    return timeframe_name(length) if length % MINUTE == 0 else f"{length / SECOND:g}s"
