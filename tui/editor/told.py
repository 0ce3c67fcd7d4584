"""What an edit would do, and what became of it, in sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from pipeline.changes.proposal import NodeChange, Proposal
from pipeline.changes.proposing import scope_text
from pipeline.control.config import Edited

MARKS = {"apply": "~", "restart": "↻", "start": "+", "stop": "-"}
SAID = {"apply": "applied at once", "restart": "begins anew", "start": "new", "stop": "gone"}
OF_KEYS = {"changed": "changed from the next bar on", "held": "wait for what is open", "new": "new", "gone": "gone"}
NAMED = 3
"""So many of the orders that are waited for are named."""
MOST = 14
"""Lines of one kind; of more it is said how many."""

Tables = Mapping[str, Any]


def proposed(proposal: Proposal, before: Tables, after: Tables, time: Callable[[int], str]) -> Iterator[str]:
    """What an edit would do, a line each."""
    kept = sum(each.what == "keep" for each in proposal.nodes)
    if not proposal.changes:
        yield f"nothing of what runs changes: all {kept} nodes go on as they are"
    else:
        yield _counted(proposal, kept)
        yield from _few([_node(each, before, after) for each in proposal.changes], "nodes")
    told = [each for each in proposal.keys if each.what != "left"]
    if told and proposal.changes:
        yield ""
        yield from _few([f"keys {scope_text(each.scope)}: {OF_KEYS[each.what]}" for each in told], "groups of keys")
    if proposal.waits_for:
        more = len(proposal.waits_for) - NAMED
        named = ", ".join(proposal.waits_for[:NAMED]) + (f" and {more} more" if more > 0 else "")
        until = f", until {time(proposal.waits_until)}" if proposal.waits_until else ""
        yield f"waits for {named}{until}; what begins anew trades nothing new meanwhile"
    if any(each.what == "restart" for each in proposal.changes):
        gap = f"at most {proposal.gap_seconds:g} s" if proposal.gap_seconds else "no time at all"
        yield f"what begins anew hears nothing for {gap}, between two bars"
    yield from (f"! {each}" for each in proposal.warnings)


def _counted(proposal: Proposal, kept: int) -> str:
    counts = {what: sum(each.what == what for each in proposal.changes) for what in MARKS}
    told = [f"{MARKS[what]}{count} {SAID[what]}" for what, count in counts.items() if count]
    return f"{', '.join(told)}; {kept} kept with all that they remember"


def _node(change: NodeChange, before: Tables, after: Tables) -> str:
    keys = [_turned(key, _in(before, change.node, key), _in(after, change.node, key)) for key in change.keys]
    return f"  {MARKS[change.what]} {change.node}  {SAID[change.what]}  {', '.join(keys) or change.why}".rstrip()


def _in(tables: Tables, node: str, key: str) -> Any:
    found: Any = tables
    for step in (*node.split(".", 1), key):
        found = cast("dict[str, Any]", found).get(step) if isinstance(found, dict) else None
    return found


def _turned(key: str, before: Any, after: Any) -> str:
    if isinstance(before, dict | list) or isinstance(after, dict | list) or before == after:
        return key
    return f"{key} {_value(before)} → {_value(after)}"


def _value(value: Any) -> str:
    return "(left out)" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _few(lines: Sequence[str], of: str) -> Iterator[str]:
    yield from lines[:MOST]
    if len(lines) > MOST:
        yield f"  … and {len(lines) - MOST} more {of}"


def done(edited: Edited) -> str:
    """What became of an edit that was taken."""
    if edited.waiting:
        return f"saved; it waits for {len(edited.waiting)} open orders: {', '.join(edited.waiting[:NAMED])}"
    steps = [
        f"{said}: {', '.join(nodes)}"
        for said, nodes in (("applied at once", edited.applied), ("begun anew, new or gone", edited.restarted))
        if nodes
    ]
    said = "; ".join(steps) or "nothing of what runs changed"
    return "; ".join((f"applied · {said}", *edited.warnings))
