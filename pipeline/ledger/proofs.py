"""What a ledger has that makes orders certain: certificates, audits, verdicts, and how each order came about."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from pipeline.evidence import Audited, Dispute, Unclosed, Verdict
from pipeline.ledger.remembering import last_certificates
from pipeline.ledger.rows import SELECT_VERDICT, verdict_of
from pipeline.ledger.tables import readable
from pipeline.values import Certificate

NAMES = ", ".join(f'"{name}"' for name in Audited.__struct_fields__)
SELECT_AUDIT = f"SELECT {NAMES} FROM audits"  # noqa: S608  # our own names
SELECT_SIGNATURE = "SELECT signature FROM verdicts ORDER BY seq"
SELECT_DISPUTE = 'SELECT "order", account, at, was, now FROM disputes'


class Event(NamedTuple):
    """What became of an order at a moment."""

    at: int
    state: str
    reason: str
    cause: str


class Proofs:
    """The reading end, afterwards or beside a running flow. It changes nothing."""

    def __init__(self, path: Path) -> None:
        self._db = readable(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def certificates(self) -> Mapping[str, Certificate]:
        """The last one of each account."""
        return {each.account: each for each in last_certificates(self._db)}

    def numbers(self) -> Mapping[str, int]:
        """How many certificates each account has had: another number is a new one."""
        return dict(self._db.execute("SELECT account, max(seq) FROM certificates GROUP BY account").fetchall())

    def reconciled(self) -> Mapping[str, int]:
        """Up to when what the venue lists for each account is accounted for."""
        return dict(self._db.execute("SELECT account, until FROM reconciled").fetchall())

    def audits(self) -> Mapping[str, Audited]:
        """How each contract ended by our own prices, by its order."""
        return {each.order: each for each in map(_audited, self._db.execute(SELECT_AUDIT))}

    def verdicts(self) -> Sequence[tuple[Verdict, str]]:
        """What was signed for, in order, with the signatures."""
        verdicts = [verdict_of(tuple(row)) for row in self._db.execute(f"{SELECT_VERDICT} ORDER BY seq")]
        signatures = [row[0] for row in self._db.execute(SELECT_SIGNATURE)]
        return list(zip(verdicts, signatures, strict=True))

    def events(self, order: str) -> Iterator[Event]:
        """All that became of an order, in order."""
        asked = 'SELECT at, state, reason, cause FROM order_events WHERE "order" = ? ORDER BY seq'
        return (Event(*row) for row in self._db.execute(asked, (order,)))

    def disputes(self, order: str) -> Iterator[Dispute]:
        """What was told of an order that contradicts what was known."""
        return (Dispute(*row) for row in self._db.execute(f'{SELECT_DISPUTE} WHERE "order" = ? ORDER BY seq', (order,)))

    def unclosed(self, after: int = 0) -> Sequence[tuple[int, Unclosed]]:
        """What was wanted closed early and runs on, in order, each with its number; those after a number."""
        asked = 'SELECT seq, "order", account, at, reason FROM unclosed WHERE seq > ? ORDER BY seq'
        return [(row[0], Unclosed(*tuple(row)[1:])) for row in self._db.execute(asked, (after,))]


def _audited(row: sqlite3.Row) -> Audited:
    facts = {name: row[name] for name in Audited.__struct_fields__}
    return msgspec.convert(facts, Audited, strict=False)
