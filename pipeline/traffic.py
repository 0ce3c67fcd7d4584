"""How often a flow's accounts asked their venues, and how long that took: for the end of a run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.evidence import Called
from pipeline.times import MINUTE


@dataclass
class _Account:
    since: int
    until: int
    calls: int = 0
    failed: int = 0
    millis: float = 0.0


class Traffic:
    """The calls of a run, as its accounts' venues tell of them."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def told(self, _: str, value: Any) -> None:
        if isinstance(value, Called):
            account = self._accounts.setdefault(value.account, _Account(value.at - MINUTE, value.at))
            account.until = max(account.until, value.at)
            account.calls += value.calls
            account.failed += value.failed
            account.millis += value.calls * value.millis

    def rows(self) -> list[dict[str, str | int | float]]:
        """For programs."""
        return [
            {
                "account": name,
                "calls": each.calls,
                "failed": each.failed,
                "a_minute": round(_a_minute(each), 1),
                "ms_mean": round(each.millis / max(1, each.calls), 1),
            }
            for name, each in sorted(self._accounts.items())
        ]

    def lines(self) -> Iterator[str]:
        """For people."""
        for row in self.rows():
            failed = f", {row['failed']:,} failed" if row["failed"] else ""
            times = "once" if row["calls"] == 1 else f"{row['calls']:,} times"
            yield (
                f"{row['account']} asked its venue {times}: "
                f"{row['a_minute']:g} a minute, {row['ms_mean']:g} ms each{failed}"
            )


def _a_minute(account: _Account) -> float:
    return account.calls * MINUTE / (account.until - account.since)
