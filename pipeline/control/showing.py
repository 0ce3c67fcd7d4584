"""An engine that only shows itself, and may be stopped."""

from pipeline.aside import Asking
from pipeline.control.controls import Controls
from pipeline.control.halting import Brakes
from pipeline.control.looking import Lines, Looks
from pipeline.control.vitals import Machine
from pipeline.view import Halting, View


def looked_at(view: View, ask: Asking, switch: Halting | None = None) -> Controls:
    """What may be asked of it."""
    lines = Lines()
    return Controls(
        view=view,
        ask=ask,
        lines=lines,
        looks=Looks(view, ask, lines, Machine(), lambda: ""),
        brakes=None if switch is None else Brakes(switch),
    )
