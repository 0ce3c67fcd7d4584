"""What is amiss with a feed, in a line or two: nothing else on the page matters more."""

from typing import ClassVar

from tui.painted import Frame, Line, Panel, Run
from tui.palette import WARNING
from tui.words import fit, plain


class AlertsPanel(Panel):
    """What is amiss, the gravest first, and how many more there are than fit."""

    FRAMED: ClassVar[bool] = False

    def look(self) -> None:
        """It takes more than one row only while there is more to say, and room."""
        self.set_class(self.store.feed is not None and len(self.store.feed.alerts) > 1, "-several")
        super().look()

    def frame(self, width: int, height: int) -> Frame:
        feed = self.store.feed
        if feed is None:
            return Frame([Line((Run(" no word of the feed yet", "dim"),))])
        if not feed.alerts:
            return Frame([Line((Run(" nothing is amiss with the feed", "up"),))])
        shown = feed.alerts if len(feed.alerts) <= height else feed.alerts[: height - 1] if height > 1 else ()
        lines = [_line(f" {WARNING} {text}", width) for text in shown]
        if len(shown) < len(feed.alerts):
            rest = feed.alerts[len(shown) :]
            lines.append(
                _line(f" {WARNING} {rest[0]}" + (f" (and {len(rest) - 1} more)" if len(rest) > 1 else ""), width)
            )
        return Frame(lines)


def _line(text: str, width: int) -> Line:
    return Line((Run(fit(plain(text), width), "warn"),))
