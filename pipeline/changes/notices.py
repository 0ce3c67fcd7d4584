"""What is told of changes of a running flow."""

from typing import Literal

from msgspec import Struct

from pipeline.changes.proposal import Changed


class Notice(Struct, frozen=True):
    """A sentence for whoever looks on."""

    level: Literal["info", "warning", "error"]
    text: str
    at: int


def changed_text(changed: Changed) -> str:
    """What became of an edit, in a sentence."""
    if changed.waiting:
        several = "s" if len(changed.waiting) > 1 else ""
        return (
            f"a change of the flow waits for {len(changed.waiting)} open order{several}: {', '.join(changed.waiting)}"
        )
    parts = (("applied", changed.applied), ("restarted", changed.restarted))
    done = "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names)
    return f"the flow goes on changed: {done}" if done else "the flow file was taken over: nothing of the flow differs"
