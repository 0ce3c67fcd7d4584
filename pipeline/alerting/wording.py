"""How a letter of alerts reads: as JSON for programs, as lines for people."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

import msgspec

from pipeline.alerting.route import Alert, Letter, Outlet, Severity

FORM = 1
"""Of the JSON; raised when a field changes its meaning or goes away."""
MARKS: Mapping[Severity, str] = {"critical": "✖", "medium": "!", "low": "·"}
OVER = "✓"


def body_of(outlet: Outlet, letter: Letter) -> bytes:
    """What programs are sent; docs/alerts.md has every field."""
    return msgspec.json.encode(
        {
            "moonlight": FORM,
            "flow": outlet.flow,
            "run": outlet.run,
            "way": outlet.name,
            "letter": letter.number,
            "try": letter.tries,
            "sent": outlet.now(),
            "severity": letter.severity,
            "alerts": letter.alerts,
        }
    )


def once_of(outlet: Outlet, letter: Letter) -> str:
    """The same for a letter that is sent again, and for no other."""
    return f"{outlet.run}-{quote(outlet.name, safe='')}-{letter.number}"


def title_of(flow: str, letter: Letter) -> str:
    """`flows: ✖ KILL_SWITCH and 2 more`."""
    first = max(letter.alerts, key=lambda alert: (alert.on, alert.severity == "critical"))
    more = f" and {len(letter.alerts) - 1} more" if len(letter.alerts) > 1 else ""
    return f"{flow}: {mark(first)} {first.code}{more}"


def lines_of(alerts: Sequence[Alert], tries: int = 1) -> str:
    """A line for each."""
    again = ["(sent once more: it may have arrived before)"] if tries > 1 else []
    return "\n".join((*(line_of(alert) for alert in alerts), *again))


def line_of(alert: Alert) -> str:
    return f"{mark(alert)} {alert.code} {alert.text}"


def mark(alert: Alert) -> str:
    return MARKS[alert.severity] if alert.on else OVER
