"""Orders as the engine's ledger has them: all that have not ended, and the newest of a day or of all, page by page."""

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import quote

from pipeline.errors import MoonlightError
from pipeline.states import ENDED, UNSURE
from pipeline.told.orders import NOT_ENDED, Counted, OrderRow, Orders, OrderWhole
from tui.asking import Engine, NotTaken

PAGE = 200
"""Orders asked for at once."""
FOLLOWED = 5
"""So many pages are asked for until one meets what is known; where none does the list begins anew."""
RUNNING = 4
"""So many pages of orders that have not ended."""
LATE = 10
"""So many orders that ended unseen are asked after at once."""
KEPT = 1_500
"""So many are listed that nobody asked for."""


def path_of(order: str) -> str:
    """Where an order is asked for; its name may have anything in it."""
    return f"/orders/{quote(order, safe='')}"


class Blotter:
    """What was told of orders so far; it is asked for anew by `look`, and further back by `more`."""

    def __init__(self, engine: Engine, now: Callable[[], float]) -> None:
        self._engine, self._now = engine, now
        self.running: tuple[OrderRow, ...] = ()
        """Those that have not ended, the newest first."""
        self.listed: list[OrderRow] = []
        """Those since `since`, the newest first and without a gap, as far back as was asked."""
        self.counted: tuple[Counted, ...] = ()
        """All since `since`, account by account, on whatever page they are."""
        self.since = 0
        self.next = ""
        """The cursor of what lies behind those listed; "" when that is all."""
        self.told = False
        self.why = ""
        """Why the last question has no answer; ""."""
        self.at = 0.0
        """When it was answered last, by the console's clock."""
        self.version = 0
        self.asking = False
        self._begun = 0
        self._most = KEPT
        self._behind: dict[str, str] = {}
        """The cursors that lead on behind an order."""

    @property
    def unknown(self) -> tuple[OrderRow, ...]:
        return tuple(row for row in self.running if row.status in UNSURE)

    @property
    def total(self) -> int:
        """How many there are since `since`."""
        fields = ("won", "lost", "even", "void", "none", "running", "unknown")
        return sum(getattr(each, name) for each in self.counted for name in fields)

    def begin(self, since: int) -> None:
        """List those since a moment, from the newest on."""
        self.since, self.listed, self.counted, self.next = since, [], (), ""
        self._most, self._behind, self.told = KEPT, {}, False
        self._begun += 1  # an answer that is on its way belongs to the list before
        self.version += 1

    async def look(self) -> None:
        """Ask for what is new."""
        await self._ask(self._look)

    async def more(self) -> None:
        """Ask for the page behind those listed."""
        if self.next:
            await self._ask(self._more)

    async def _ask(self, question: Callable[[], Awaitable[None]]) -> None:
        """One question at a time."""
        if self.asking:
            return
        self.asking, begun = True, self._begun
        try:
            await question()
        except MoonlightError as problem:
            self.why = str(problem)
        else:
            self.why, self.at, self.told = "", self._now(), begun == self._begun
        finally:
            self.asking = False
            self.version += 1

    async def _look(self) -> None:
        begun = self._begun
        running = await self._running()
        rows, cursor, counted = await self._newest()
        latest = {row.order: row for row in (*running, *rows)}
        known = (row for row in (*self.running, *self.listed) if row.status not in ENDED and row.order not in latest)
        gone = set[str]()
        for name in list(dict.fromkeys(row.order for row in known))[:LATE]:
            try:
                latest[name] = (await self._engine.get(path_of(name), OrderWhole)).order
            except NotTaken as refusal:
                if refusal.code != "NOT_FOUND":
                    raise
                gone.add(name)  # of another ledger, or of what is not kept any more
        self.listed = [row for row in self.listed if row.order not in gone] if gone else self.listed
        self.running = tuple(row for row in _sorted(latest.values()) if row.status not in ENDED)
        if begun == self._begun:
            self._list(rows, cursor, latest)
            self.counted = counted

    async def _running(self) -> list[OrderRow]:
        found, cursor = list[OrderRow](), ""
        for _ in range(RUNNING):
            page = await self._engine.get("/orders", Orders, status=NOT_ENDED, limit=500, cursor=cursor)
            found += page.orders
            cursor = page.next
            if not cursor:
                break
        return found

    async def _newest(self) -> tuple[list[OrderRow], str, tuple[Counted, ...]]:
        """The newest until they meet those listed, with the cursor behind them, and the counts of all."""
        since, listed = self.since, {row.order for row in self.listed}
        first = await self._engine.get("/orders", Orders, from_ms=since, limit=PAGE, count="true")
        page, rows = first, list(first.orders)
        self._notice(page)
        for _ in range(FOLLOWED - 1):
            if not listed or not page.next or any(row.order in listed for row in page.orders):
                break
            page = await self._engine.get("/orders", Orders, from_ms=since, limit=PAGE, cursor=page.next)
            self._notice(page)
            rows += page.orders
        return rows, page.next, first.counted

    def _list(self, rows: list[OrderRow], cursor: str, latest: dict[str, OrderRow]) -> None:
        """Put what came in front of what is listed; where the two do not meet there would be a gap, so none is kept."""
        fresh = {row.order for row in rows}
        behind = [row for row in self.listed if row.order not in fresh]
        if cursor and len(behind) < len(self.listed):
            rows = [*rows, *(latest.get(row.order, row) for row in behind)]
        else:
            self.next = cursor
        self.listed = [latest.get(row.order, row) for row in rows]
        self._shorten()

    def _shorten(self) -> None:
        """Let the oldest go that nobody asked for, from where a page can be asked for again."""
        if len(self.listed) > self._most:
            ends = (at for at in range(self._most - 1, 0, -1) if self.listed[at].order in self._behind)
            if (end := next(ends, None)) is not None:
                self.next = self._behind[self.listed[end].order]
                del self.listed[end + 1 :]
        if len(self._behind) > len(self.listed):
            kept = {row.order for row in self.listed}
            self._behind = {name: cursor for name, cursor in self._behind.items() if name in kept}

    async def _more(self) -> None:
        begun = self._begun
        page = await self._engine.get("/orders", Orders, from_ms=self.since, limit=PAGE, cursor=self.next)
        if begun != self._begun:
            return
        self._notice(page)
        known = {row.order for row in self.listed}
        self.listed += (row for row in page.orders if row.order not in known)
        self.next = page.next
        self._most = max(self._most, len(self.listed) + PAGE)

    def _notice(self, page: Orders) -> None:
        if page.next:
            self._behind[page.orders[-1].order] = page.next


def _sorted(rows: Iterable[OrderRow]) -> list[OrderRow]:
    return sorted(rows, key=lambda row: (row.began, row.order), reverse=True)
