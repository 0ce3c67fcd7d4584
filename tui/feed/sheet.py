"""What the panels of the feed are: rows of what the engine last told of it."""

from collections.abc import Sequence
from typing import ClassVar

from pipeline.view import Feed
from tui.painted import Line
from tui.scrolled import Scrolled


class FeedSheet(Scrolled):
    """Rows of a feed, and why there are none."""

    hertz = 4.0
    NAME: ClassVar[str] = ""

    def rows(self, feed: Feed, width: int) -> Sequence[Line]:
        """All there is to show of a feed; nothing where it has none of it."""
        raise NotImplementedError

    def named(self, feed: Feed) -> str:
        """What it is called beside what it shows."""
        raise NotImplementedError

    def absent(self) -> str:
        """What to say where a feed has none of it."""
        raise NotImplementedError

    def lines(self, width: int) -> Sequence[Line]:
        feed = self.store.feed
        return () if feed is None else self.rows(feed, width)

    def title(self) -> str:
        return self.NAME if self.store.feed is None else self.named(self.store.feed)

    def empty(self) -> str:
        if self.store.feed is not None:
            return self.absent()
        return "not told yet" if self.store.hello else ""
