"""The names of all numbers: for Prometheus and OpenTelemetry by families, for the metrics channel by scope and key.

A family's labels have values that the flow's file names, or the program: a series is never born of what a market says.
Time is in seconds in a family and in milliseconds in a key, as the two worlds have it.
"""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
Shown = Literal["always", "keys", "samples"]
"""always; where a sink's `keys` asks for each key; or on the metrics channel only, where whoever asks pays for it."""


class Family(NamedTuple):
    """One name; `key` is what it is called on the metrics channel, with its labels in braces."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    key: str
    help: str
    shown: Shown = "always"

    @property
    def scope(self) -> str:
        """What it is of, on the metrics channel, with its labels in braces."""
        if self.labels == KEY:
            return "key:{account}/{product}/{timeframe}"
        return SCOPES.get(self.labels[0], "global") if self.labels else "global"


class Measure(NamedTuple):
    """What is said of some trades."""

    name: str
    key: str
    help: str


class Grouping(NamedTuple):
    """Of which trades."""

    name: str
    labels: tuple[str, ...]
    suffix: str
    said: str
    shown: Shown


MEASURES: tuple[Measure, ...] = (
    Measure("win_rate", "win_rate", "the share of decided trades that won"),
    Measure("win_rate_low", "win_rate_low", "the lower end of the win rate's 95 % interval, taken of the effective n"),
    Measure("win_rate_high", "win_rate_high", "its upper end"),
    Measure("break_even", "break_even", "the win rate at which nothing is lost, by the payouts of these trades"),
    Measure("decided", "n", "decided trades"),
    Measure("effective", "n_eff", "how many independent trades they are worth"),
    Measure("ties", "ties", "trades that ended as they began"),
    Measure("expectancy", "expectancy", "profit for each unit staked, of trades that ran to their expiry"),
    Measure("profit", "pnl", "profit"),
    Measure("profit_day", "pnl_day", "profit of the day, UTC"),
    Measure("drawdown", "drawdown", "the deepest fall of the profit from a high, as a sum of money"),
    Measure("drawdown_now", "drawdown_now", "how far the profit lies below its highest now"),
    Measure("streak", "streak", "decided trades won in a row; below 0 lost"),
    Measure("longest_losing_streak", "longest_losing_streak", "the most decided trades lost in a row"),
)
PURSE, KEY = ("money", "currency"), ("account", "product", "timeframe")
GROUPINGS: tuple[Grouping, ...] = (
    Grouping("account", ("account", *PURSE), "", "Of an account", "always"),
    Grouping("money", PURSE, "_{money}_{currency}", "Of one kind of money", "always"),
    Grouping("key", KEY, "", "Of a key", "keys"),
    Grouping("product", ("product", *PURSE), "_{money}_{currency}", "Of a product", "samples"),
    Grouping("timeframe", ("timeframe", *PURSE), "_{money}_{currency}", "Of a timeframe", "samples"),
)
SCOPES = {
    "account": "acc:{account}",
    "product": "prod:{product}",
    "timeframe": "tf:{timeframe}",
    "node": "node:{node}",
    "whose": "node:{whose}",
    "source": "edge:{source}>{target}.{input}",
    "queue": "queue:{queue}",
}
"""By the first label."""


def _counter(name: str, labels: tuple[str, ...], key: str, said: str) -> Family:
    return Family(f"moonlight_{name}_total", "counter", labels, key, said)


def _gauge(name: str, labels: tuple[str, ...], key: str, said: str, shown: Shown = "always") -> Family:
    return Family(f"moonlight_{name}", "gauge", labels, key, said, shown)


def _spread(name: str, labels: tuple[str, ...], key: str, said: str, shown: Shown = "always") -> Family:
    return Family(f"moonlight_{name}_seconds", "histogram", labels, key, said, shown)


def _of_trades() -> tuple[Family, ...]:
    return tuple(
        _gauge(f"{of.name}_{each.name}", of.labels, f"{each.key}{of.suffix}", f"{of.said}: {each.help}.", of.shown)
        for of in GROUPINGS
        for each in MEASURES
    )


ACCOUNT, NODE, QUEUE, EDGE = ("account",), ("node",), ("queue",), ("source", "target", "input")

FAMILIES: tuple[Family, ...] = (
    # --- money ---
    *_of_trades(),
    _counter(
        "trades", ("account", *PURSE, "result"), "trades_{result}", "Trades that ended: won, lost, tied, or void."
    ),
    _counter("orders", ("account", "state"), "orders_{state}", "Orders that came to a state."),
    _gauge("open_orders", ACCOUNT, "open", "Orders that have not ended."),
    _gauge("unknown_orders", ACCOUNT, "unknown", "Orders of which nobody knows what became of them."),
    _counter(
        "decisions",
        ("account", "verdict"),
        "decisions_{verdict}",
        "Bars by verdict: trade, or the first gate to say no.",
    ),
    _gauge("keys", ("state",), "keys_{state}", "Keys in a state of their life."),
    # --- latency ---
    _spread("stage", ("account", "stage"), "latency_{stage}", "Real time that a stage of a bar's way took."),
    _spread("latency", (), "latency", "Real time from a decision to the venue's answer, of all.", "samples"),
    _spread(
        "close", ("timeframe",), "latency_close", "Real time from an instant's first final bar to its last decision."
    ),
    _spread("quote_lag", NODE, "quote_lag", "A quote's age when it came, by its stamp, on the flow's clock."),
    _spread("loop_lag", (), "loop_lag", "How late the event loop came round, looked at once a second."),
    _gauge("behind_seconds", (), "behind_ms", "How far a simulated market is behind its own pace, in real time."),
    # --- edges ---
    _counter("edge_in", EDGE, "in", "Items that came to an edge of the graph."),
    _counter("edge_out", EDGE, "out", "Items that went on."),
    _gauge("edge_held", EDGE, "held", "Items that wait for their turn."),
    _gauge("edge_held_seconds", EDGE, "held_ms", "How long the oldest of them has waited; absent: none has."),
    _counter("edge_dropped", (*EDGE, "reason"), "dropped_{reason}", "Items let go, by reason."),
    _gauge("edges_amiss", (), "edges_amiss", "Edges that lost something without a name: 0, or this program is wrong."),
    _gauge("queue_depth", QUEUE, "depth", "What waits beside the graph."),
    _gauge("queue_capacity", (*QUEUE, "when_full"), "capacity", "How much may wait, and what becomes of one more."),
    _counter("queue_dropped", QUEUE, "dropped", "What was let go because there was no room."),
    _gauge("queue_oldest_seconds", QUEUE, "oldest_ms", "How long the oldest has waited, where that is known."),
    _counter("dropped_rows", ("node", "reason"), "dropped_{reason}", "Rows that a node let go, by reason."),
    _counter("noticed_rows", ("node", "what"), "noticed_{what}", "Rows that were taken although something is odd."),
    # --- errors ---
    _counter("troubles", ("whose", "class"), "errors_{class}", "What went wrong with a venue or a source, by class."),
    _counter("faults", NODE, "faults", "How often a node failed."),
    _counter("reconnects", ("whose",), "reconnects", "How often a connection broke that had stood."),
    _counter("changes", ("outcome",), "changes_{outcome}", "Edits of the running flow: applied, waiting, or refused."),
    _gauge("resting", NODE, "resting", "1 while a strategy that hogged the program is not asked."),
    _counter("standstills", ("cause",), "standstills_{cause}", "How often nothing ran for a while."),
    # --- venues and feeds ---
    _gauge("connected", ACCOUNT, "connected", "1 while the venue lets an account send orders."),
    _counter("calls", ACCOUNT, "calls", "What was asked of an account's venue."),
    _counter("failed_calls", ACCOUNT, "failed_calls", "What was asked of it and failed."),
    _gauge("call_seconds", ACCOUNT, "call_ms", "How long a call took on average, in the last minute told of."),
    _counter("quotes", NODE, "quotes", "Quotes that came."),
    _counter("bars", ("timeframe",), "bars", "Bars that became final."),
    _gauge("quotes_per_second", (), "quotes_per_s", "Quotes a second, of the last minute.", "samples"),
    _gauge("bars_per_minute", (), "bars_per_min", "Bars that became final in the last minute.", "samples"),
    _gauge("requests_per_minute", (), "requests_per_min", "Calls to all venues in the last minute.", "samples"),
    _gauge("feature", ("product", "timeframe", "feature"), "{feature}_{timeframe}", "A feature, as last.", "samples"),
    # --- the process ---
    _gauge("info", ("flow", "mode", "version"), "info", "Always 1: which flow this is."),
    _gauge("uptime_seconds", (), "uptime_s", "How long the flow has run."),
    _gauge("process_cpu_share", (), "cpu_share", "Processors in use: 1 is one of them, whole."),
    _counter("process_cpu_seconds", (), "cpu_s", "Processor time used."),
    _gauge("process_resident_bytes", (), "resident_bytes", "Memory held."),
    _gauge("process_open_files", (), "open_files", "Open files and sockets."),
    _gauge("process_threads", (), "threads", "Threads of Python."),
    _gauge("process_tasks", (), "tasks", "Tasks of the flow's loop."),
    _counter("process_collections", ("generation",), "collections_{generation}", "Looks for cycles of values."),
)
BY_NAME = {family.name: family for family in FAMILIES}
