"""The ledger: one SQLite file with every order and every decision of a flow, written by one writer.

Verbs write beside a running flow what it is to hear of: stops, switches, armings, verdicts and requests. Its tables
are public: open the file with any SQLite tool. Money is text, times are ms UTC. An account has at most one order for a
product, timeframe and bar, and the file itself sees to that.
"""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pipeline.evidence import Dispute, Noted, Request, Verdict, Written
from pipeline.ledger import statements
from pipeline.ledger.failures import LedgerError
from pipeline.ledger.hearing import Heard, Hearing
from pipeline.ledger.remembering import last_lives, last_moment_of, latches_in, past_of, switches_in
from pipeline.ledger.rows import decision_rows, number_of, outcome_rows
from pipeline.ledger.statements import INSERT_DECISION, INSERT_FEATURE, INSERT_OUTCOME, Kept
from pipeline.ledger.tables import opened, remembered
from pipeline.ledger.writers import InlineWriter, Work, Writer
from pipeline.values import Arming, Decisions, Latch, Life, Order, Outcomes, Past, Switched

T = TypeVar("T")
Soon = Callable[[Callable[[], object]], object]
"""Calls something once what is happening now has happened."""


class Ledger:
    """The writing end. What is asked for is on disk in that order; decisions go with whatever is written next.

    Without a writer it writes at once. With one that needs its time, `listen` says who is told meanwhile.
    """

    def __init__(self, path: Path, writer: Writer | None = None, reading: sqlite3.Connection | None = None) -> None:
        self.path = path
        self._writer = writer or InlineWriter(opened(path), path)
        self._db = reading or remembered(path)
        self._hearing = Hearing(self._db)
        self._kept: dict[str, list[Sequence[Any]]] = {}
        self._epoch: int | None = None
        self._told: Callable[[Any], object] | None = None
        self._soon: Soon | None = None
        self._awaited = 0
        self._answers: deque[Written] = deque()
        self._refused: set[str] = set()
        """Orders whose bar had one before: what becomes of them is not what becomes of that one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def listen(
        self, told: Callable[[Any], object], failed: Callable[[LedgerError], object], soon: Soon | None = None
    ) -> None:
        """Say whom to tell from here on what is on disk (`Written`), what spoke against it (`Dispute`), and a failure.

        With `soon` the time of the flow does not depend on the disk: intents are waited for before the flow goes on.
        """
        self._told, self._soon = told, soon
        self._writer.failed = failed

    def own(self, epoch: int) -> None:
        """Write only as long as no newer life of an engine has begun."""
        self._epoch = epoch

    @property
    def waiting(self) -> int | None:
        """How many works wait to be written; None where they are written at once."""
        waiting: int | None = getattr(self._writer, "waiting", None)
        return waiting

    # --- orders ------------------------------------------------------------------------------------------------------

    def intend(self, order: Order) -> bool | None:
        """Record an order for good before it is sent; False when its account has one for that bar.

        None when that will be known later: then a `Written` is told.
        """
        at_once: list[bool] = []
        later = False

        def done(fresh: bool) -> None:
            if not fresh:
                self._refused.add(order.order)
            if later:
                self._answer(Written(order.order, fresh))
            else:
                at_once.append(fresh)

        self._write_kept()
        self._write(partial(statements.intended, order=order), done, sends=True)
        if not at_once and self._told is None:
            self._writer.wait()
        if at_once:
            return at_once[0]
        later = True
        self._awaited += 1
        if self._soon is not None and self._awaited == 1:
            self._soon(self._in_step)
        return None

    def follow(self, order: Order) -> None:
        """Record what became of an order whose intent is recorded. One never sent is added, unless its bar has another.

        What cannot have become of it changes nothing: it is kept as a dispute, and told.
        """
        if order.state == "PREPARE":  # that is its intent
            return
        refused = order.cause == "not_sent" and order.order in self._refused
        if refused:
            self._refused.discard(order.order)
        work = statements.disputed if refused else statements.followed
        self._write(partial(work, order=order), self._dispute)

    def _answer(self, written: Written) -> None:
        if self._soon is None and self._told is not None:
            self._awaited -= 1
            self._told(written)
        else:
            self._answers.append(written)

    def _in_step(self) -> None:
        """Tell of all intents of a moment before the flow goes on to the next."""
        with suppress(LedgerError):  # whoever is told of failures hears of it
            self._writer.wait()
        answers, self._answers, self._awaited = self._answers, deque(), 0
        for written in answers:
            assert self._told is not None, "only who is told has to be told later"
            self._told(written)

    def _dispute(self, dispute: Dispute | None) -> None:
        if dispute is not None and self._told is not None:
            self._told(dispute)

    # --- beside orders -----------------------------------------------------------------------------------------------

    def decide(self, decisions: Decisions) -> None:
        self.keep(INSERT_DECISION, decision_rows(decisions))
        for approved in decisions.orders.values():
            named = (approved.order, approved.ticket.account)
            self.keep(INSERT_FEATURE, ((*named, name, number_of(value)) for name, value in approved.features.items()))

    def outcome(self, outcomes: Outcomes) -> None:
        self.keep(INSERT_OUTCOME, outcome_rows(outcomes))

    def keep(self, insert: str, rows: Iterable[Sequence[Any]]) -> None:
        """Keep rows until something is written next, or until the commit."""
        self._kept.setdefault(insert, []).extend(rows)

    def commit(self) -> None:
        """Ask for what was kept to be written."""
        self._write_kept()

    def note(self, noted: Noted) -> None:
        """Record what makes orders certain."""
        self._write(partial(statements.noted, value=noted), self._dispute)

    # --- what flows hear of ------------------------------------------------------------------------------------------

    def latch(self, latch: Latch) -> None:
        """Record a stop, or its release; it is on disk when this returns."""
        self._write_for_good("latches", partial(statements.latched, latch=latch))

    def switch(self, switched: Switched) -> None:
        """Record that keys are started or stopped; it is on disk when this returns."""
        self._write_for_good("switches", partial(statements.switched, value=switched))

    def arm(self, arming: Arming, shown: str) -> None:
        """Record that an account is armed, or no more, and what was shown to whoever did it."""
        self._write_for_good("armings", partial(statements.armed, arming=arming, shown=shown))

    def verdict(self, verdict: Verdict) -> bool:
        """Record what somebody signs for; False when there is no such order."""
        return self._write_for_good("verdicts", partial(statements.signed, verdict=verdict))

    def request(self, request: Request) -> None:
        """Ask the engine that runs on this ledger, if one does, for something."""
        self._write_for_good("requests", partial(statements.requested, request=request))

    def heard(self) -> Sequence[Heard]:
        """What others recorded of these since this was asked before, in order."""
        try:
            return self._hearing.news()
        except sqlite3.Error as failure:
            raise LedgerError(
                f"the ledger {self.path} cannot be read ({failure}); a stop would not be heard"
            ) from failure

    # --- reading -----------------------------------------------------------------------------------------------------

    def latches(self) -> Sequence[Latch]:
        """Every stop and every release, in order."""
        return latches_in(self._db)

    def switches(self) -> Sequence[Switched]:
        """Who started and stopped keys, as far as it still says something of one, in order."""
        return switches_in(self._db)

    def lives(self) -> Sequence[Life]:
        """What became last of each key's life."""
        return last_lives(self._db)

    def known(self, at: int) -> Past:
        """What a part must remember that begins anew in a flow that runs. What others record stays news to the flow."""
        self.commit()
        self._writer.wait()
        return past_of(self._db, at)

    def past(self, at: int) -> Past:
        """What a flow that begins at `at` must remember. What others record from here on is news."""
        self.commit()
        self._writer.wait()
        self._hearing.begin()
        return past_of(self._db, at)

    def last_moment(self) -> int | None:
        """The latest moment it knows of; None while it is empty."""
        return last_moment_of(self._db)

    def close(self) -> None:
        """Write what was asked for and what was kept, and let the file go."""
        try:
            self.commit()
        finally:
            self._db.close()
            self._writer.close()

    # --- writing -----------------------------------------------------------------------------------------------------

    def _write_for_good(self, table: str, work: Work[int | None]) -> bool:
        made: list[int | None] = []
        self._write(work, made.append)
        self._writer.wait()
        (number,) = made
        if number is not None:
            self._hearing.ours(table, number)
        return number is not None

    def _write_kept(self) -> None:
        if self._kept:
            kept = [Kept(*each) for each in self._kept.items()]
            self._kept = {}
            self._writer.write(partial(self._owned, work=partial(statements.write_kept, kept=kept)))

    def _write(self, work: Work[T], done: Callable[[T], object], *, sends: bool = False) -> None:
        self._writer.write(partial(self._owned, work=work), done, sends=sends)

    def _owned(self, db: sqlite3.Connection, work: Work[T]) -> T:
        """A work, unless another engine has begun meanwhile."""
        if self._epoch is not None and statements.newest_life(db) > self._epoch:
            raise LedgerError(
                f"another engine took over the ledger {self.path}; this one has ended, nothing more is sent by it"
            )
        return work(db)
