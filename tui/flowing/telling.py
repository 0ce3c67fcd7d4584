"""All that is known of one node or queue, in lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.view import NodeRow, QueueRow
from tui.flowing.drawing import STYLES, millis, per_second
from tui.flowing.gauge import LOST, EdgeRead, Entry, Gauge
from tui.flowing.glyphs import MARKS, Glyphs
from tui.painted import Line, Run
from tui.sheet import words
from tui.words import age_text

Ago = Callable[[int], str]
"""How long ago a moment of the flow was."""


def of_node(
    entry: Entry, row: NodeRow, gauge: Gauge, flow: str, ago: Ago, glyphs: Glyphs, width: int
) -> Iterator[Line]:
    """What it is, what it does, what it let go, and each of its edges."""
    marks = MARKS[glyphs]
    place = f"{flow}:{row.line}" if row.line else "every flow has it"
    use = f" · {row.use}" if row.use else ""
    yield from wrapped(
        width,
        Run(f"{marks[entry.state]} {row.id}", STYLES[entry.state] if entry.state != "ok" else "bright"),
        Run(f"{APART}{entry.why}" if entry.why else "", STYLES[entry.state]),
        Run(f"{APART}{row.kind}{use} · {place}", "second"),
    )
    if row.says:
        yield words(width, Run(row.says, "second"))
    passed = f"{100 * row.given / row.taken:.3g} %" if row.taken else "─"
    yield from wrapped(
        width,
        Run(f"takes {per_second(entry.taken_s)}"),
        Run(f" ({row.taken:,})", "dim"),
        Run(f" · gives {per_second(entry.given_s)}"),
        Run(f" ({row.given:,})", "dim"),
        Run(f" · selectivity {passed}"),
        Run(f" · busy {100 * row.busy:.1f} %"),
        Run(f" · p50 {millis(row.p50_ms)}"),
        Run(f" · p99 {millis(row.p99_ms)}"),
    )
    last = f"gave last {ago(row.last_at)} ago" if row.last_at else "gave nothing yet"
    yield from wrapped(
        width,
        Run(f"held {entry.held:,} (most {entry.most:,})"),
        Run(f" · faults {row.faults}", "wrong" if row.faults else "second"),
        Run(f" · restarts {row.restarts}", "warn" if row.restarts else "second"),
        Run(f" · {last}", "second"),
    )
    if row.last_fault:
        yield words(width, Run(f"{marks['wrong']} {row.last_fault}", "wrong"))
    if row.dropped:
        yield from wrapped(width, Run("let go "), *_reasons(row.dropped))
    into = [each for each in gauge.edges.values() if each.row.target == row.id]
    out = [each for each in gauge.edges.values() if each.row.source == row.id]
    for each in into:
        yield from _edge(each, each.row.source, "from", glyphs, width)
    for each in out:
        yield from _edge(each, each.row.target, "to", glyphs, width)


def of_queue(entry: Entry, row: QueueRow, glyphs: Glyphs, width: int) -> Iterator[Line]:
    """How much waits there, and what becomes of one more when it is full."""
    yield words(
        width,
        Run(f"{MARKS[glyphs][entry.state]} {row.name}", STYLES[entry.state] if entry.state != "ok" else "bright"),
        Run("  a queue beside the graph", "second"),
        Run(f"  {entry.why}" if entry.why else "", STYLES[entry.state]),
    )
    room = f" of {row.capacity:,}" if row.capacity else ""
    yield words(width, Run(f"waits {row.depth:,}{room} · most {entry.most:,} · {oldest(row)}"))
    yield words(
        width,
        Run(f"when full: {WHEN_FULL.get(row.when_full, row.when_full)}", "second"),
        Run(f" · lost {entry.lost:,}" if entry.lost else "", "wrong"),
        Run(f" · passed over {entry.on_purpose:,}" if entry.on_purpose else "", "dim"),
    )


WHEN_FULL = {
    "waits": "whoever gives it waits",
    "drops_oldest": "the oldest is let go",
    "drops_newest": "one more is let go",
    "conflates": "an older one of its kind is passed over",
    "spills": "one more is put on disk",
    "fails": "the flow ends",
}


def oldest(row: QueueRow) -> str:
    """For how long the oldest waits, where somebody keeps that."""
    if not row.depth:
        return "nothing waits"
    return f"the oldest for {age_text(row.oldest_s)}" if row.oldest_s is not None else "nobody knows for how long"


def _edge(read: EdgeRead, other: str, way: str, glyphs: Glyphs, width: int) -> Iterator[Line]:
    """One edge of the node: the other end, what it carries, what came and what became of it."""
    row, marks = read.row, MARKS[glyphs]
    state = f"{marks[read.state]} " if read.state != "ok" else "  "
    turned = f" {marks['back']}" if row.closes else ""
    runs = [
        Run(state, STYLES[read.state]),
        Run(f"{way:<4} ", "dim"),
        Run(f"{other}{turned}", "text" if read.state == "ok" else STYLES[read.state]),
        Run(f"  came {per_second(read.came_s)} ({row.came:,})"),
        Run(f" · went {row.went:,}"),
        Run(f" · held {row.held:,} (most {row.most_held:,})" if row.most_held else "", "second"),
    ]
    if row.dropped:
        runs += [Run(" · let go ", "second"), *_reasons(row.dropped)]
    yield from wrapped(width, *runs, Run(f" · {' | '.join(row.carries)}", "dim"), indent=7)


def _reasons(dropped: Mapping[str, int]) -> Iterator[Run]:
    """By reason: what went by overload or fault stands first, and looks like it."""
    some = sorted(dropped.items(), key=lambda pair: (pair[0] not in LOST, -pair[1]))
    for at, (reason, count) in enumerate(some):
        lost = reason in LOST
        yield Run(f"{', ' if at else ''}{reason} {count:,}", "wrong" if lost else "dim")


def wrapped(width: int, *runs: Run, indent: int = 0) -> Iterator[Line]:
    """Runs beside each other, and below each other where there is no room. It is parted before a " · " only."""
    line, left = list[Run](), width
    for part in _parts(runs):
        needs = sum(len(run.text) for run in part)
        if line and needs > left:
            yield words(width, *line)
            line, left = [Run(" " * indent)] if indent else [], width - indent
            part[0] = Run(part[0].text.removeprefix(APART), part[0].style)
        line += part
        left -= needs
    yield words(width, *line)


APART = " · "


def _parts(runs: Sequence[Run]) -> Iterator[list[Run]]:
    part = list[Run]()
    for run in runs:
        if part and run.text.startswith(APART):
            yield part
            part = []
        if run.text:
            part.append(run)
    if part:
        yield part
