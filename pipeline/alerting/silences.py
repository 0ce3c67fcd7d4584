"""Whether prices come, and can be trusted: by a `health` of the flow where there is one, else by their silence."""

from collections.abc import Iterator

from pipeline.alerting.edges import Sign, span_text
from pipeline.plan import Plan, products_of
from pipeline.service import FeedReport
from pipeline.service_remarks import AMISS, SESSIONS
from pipeline.values import HEALTH, Health, Link, Quotes

BAD = frozenset(("slow", "stale", "suspect", "skewed", "recovering", "down"))
SINGLE = "suspect"
"""The one state of a single product that is told: in the others the whole feed is."""


class Silences:
    """A fold of quotes, health, links and what sources say of themselves."""

    def __init__(self, plan: Plan, silence: int) -> None:
        self._seen: dict[str, int] = {}
        """When each product was last seen to have given a quote, on the flow's clock."""
        self._spoke = set[str]()
        """Those that gave one since the last look."""
        self._silent = set[str]()
        self.changed(plan, silence)

    def changed(self, plan: Plan, silence: int) -> None:
        """Go on by another plan."""
        self._calendars = plan.calendars
        self._silence = silence
        quoting = (node for node in plan.of("source") if Quotes in node.part.gives)
        self._products = tuple(dict.fromkeys(product for node in quoting for product in products_of(node)))
        self._judged = any(Health in node.part.gives for node in plan.of("operator"))

    def quoted(self, product: str) -> None:
        self._spoke.add(product)

    def take(self, value: Health | Link | FeedReport) -> Iterator[Sign]:
        match value:
            case Health() if len(value):
                state = HEALTH[value.state.item(-1)]
                bad = state in BAD and (not value.product or state == SINGLE)
                whose = f"prices of {value.product}" if value.product else "the feed"
                said = f"{whose} cannot be trusted: {state}" if bad else ""
                yield Sign("FEED_STALE", value.product, on=bad, text=said, cause="health")
            case Link() if not value.beginning:
                named = ", ".join(value.products[:8])
                said = "" if value.up else f"the connection that brings prices of {named} broke"
                for product in value.products:
                    yield Sign("FEED_STALE", product, on=not value.up, text=said, cause="link")
            case FeedReport():
                amiss = value.session in AMISS
                why = f": {value.last_error}" if value.last_error else ""
                said = f"{value.whose}: {SESSIONS[value.session]}{why}" if amiss else ""
                yield Sign("FEED_STALE", value.whose, on=amiss, text=said, cause="session")
            case _:
                pass

    def look(self, at: int) -> Iterator[Sign]:
        """Products that fell silent in open market, and those that speak again."""
        self._seen.update(dict.fromkeys(self._spoke, at))
        self._spoke.clear()
        for product in tuple(self._silent) if self._judged else self._silent.difference(self._products):
            self._silent.discard(product)  # nobody looks at it any more
            yield Sign("FEED_STALE", product, on=False, cause="silence")
        if self._judged:
            return
        for product in self._products:
            since = self._seen.setdefault(product, at)
            silent = at - since >= self._silence and self._open(product, since, at)
            if silent and product not in self._silent:
                self._silent.add(product)
                said = f"no quote of {product} for {span_text(self._silence)} in open market"
                yield Sign("FEED_STALE", product, on=True, text=said, cause="silence", since=at - self._silence)
            elif product in self._silent and not silent:
                self._silent.discard(product)
                yield Sign("FEED_STALE", product, on=False, cause="silence")

    def quiet(self, at: int) -> bool:
        """Whether no product gives a quote although one of them should."""
        silent = [at - self._seen.get(each, at) >= self._silence for each in self._products]
        opened = [self._open(each, self._seen.get(each, at), at) for each in self._products]
        return any(opened) and all(silence for silence, its_open in zip(silent, opened, strict=True) if its_open)

    def _open(self, product: str, since: int, at: int) -> bool:
        """Whether its market was open all the while: one that has just opened has not been silent yet."""
        calendar = self._calendars.of(product)
        return calendar.is_open(at) and calendar.is_open(max(since, at - self._silence))
