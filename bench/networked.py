"""A flow and a practice venue as two programs, in a storm of everything that can go wrong between them.

    python -m bench.networked [--minutes 10] [--speed 60] [--storm SEED] [--kills] [--hostile]

`venue serve` and `run` on loopback, four accounts over Deriv's protocol. When the time is over the run is asked to end,
the storm is called off, every account is reconciled, and the venue's own book is held against the ledger: every intent
has one contract or is proved to have none, no contract is unknown, every end is right to the cent, every certificate
clean. With `--kills` the run is killed with -9 when a third of the time is over, and the venue after two thirds. With
`--hostile` somebody else trades on the accounts, and the venue settles wrongly and takes ends back: certificates and
audits have to name it.
"""

import argparse
import asyncio
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.wire import books, storm
from bench.wire.figures import Lived
from bench.wire.flow import ACCOUNTS, PRODUCTS, written
from bench.wire.programs import Engine, Venue, verb

ENDING = 60
"""Seconds by which all contracts have ended; the longest lasts five minutes of a fast clock."""
NAMED = (*storm.BY_HAND, *storm.CONTRADICTING)
"""What a certificate or an audit has to name."""
CLOSES_EVERY = 30.0
"""Seconds after which somebody wants all contracts sold back once more."""


async def lived(
    folder: Path,
    minutes: float,
    speed: float,
    seed: int,
    kinds: Collection[str] = storm.SAFE,
    *,
    kills: bool = False,
) -> Lived:
    """Two programs for so many real minutes of storm, and what their books say afterwards."""
    venue, made = Venue(folder / "venue", speed), Lived(speed=speed)
    await venue.start()
    engine = Engine(written(folder, venue.url, speed))
    try:
        await engine.start()
        await engine.connected(len(ACCOUNTS))
        began = perf_counter()
        await _storm(venue, seed, kinds, minutes, speed)
        if kills:
            await _watched(venue, engine, made, began + minutes * 20)
            await engine.kill()
            await engine.start()
            await _watched(venue, engine, made, began + minutes * 40)
            await venue.kill()
            await venue.start()
            await _storm(venue, seed + 1, kinds, minutes / 3, speed)
        await _watched(venue, engine, made, began + minutes * 60)
        made.seconds = perf_counter() - began
        if (code := await engine.stop()) != 0:
            made.problems.append(f"the run ended with {code}: {engine.said.read_text(encoding='utf-8')[-300:]}")
        await _compared(venue, engine, made)
    finally:
        await engine.kill()
        await venue.stop()
    for session in engine.sessions:
        made.journal(session / "journal.jsonl")
        code, said = await verb("verify", str(session))
        made.verified.append(next((line for line in said.splitlines() if "identical" in line), said.strip()[-200:]))
        if code:
            made.problems.append(f"{session.name} is not made again: {said.strip()[-200:]}")
    return made


async def _storm(venue: Venue, seed: int, kinds: Collection[str], minutes: float, speed: float) -> None:
    for fault in storm.drawn(seed, kinds, ACCOUNTS, PRODUCTS, minutes, speed):
        await venue.set(fault)


async def _watched(venue: Venue, engine: Engine, made: Lived, until: float) -> None:
    """Let time pass, see how much of its limits each account uses, and have contracts sold back now and then."""
    closes = perf_counter() + CLOSES_EVERY
    while (left := until - perf_counter()) > 0:
        await asyncio.sleep(min(1.0, left))
        for account in (await venue.state())["accounts"].values():
            for name, count in account["calls"].items():
                made.calls.setdefault(name, []).append(count)
        if perf_counter() > closes:
            closes += CLOSES_EVERY
            await verb("close", "--all", "--flow", str(engine.file))


async def _compared(venue: Venue, engine: Engine, made: Lived) -> None:
    """Call the storm off, let all contracts end, reconcile, and hold the two books against each other."""
    made.struck = venue.struck + await venue.hits()
    await venue.calm()
    for _ in range(ENDING):
        if not any(each["open"] for each in (await venue.state())["accounts"].values()):
            break
        await asyncio.sleep(1.0)
    code, said = await verb("reconcile", str(engine.file))
    if code and not any(made.struck[what] for what in NAMED):
        made.problems.append(f"reconcile: {said[-600:]}")
    made.ledger = books.read(engine.ledger)
    state = (await venue.state())["accounts"]
    balances = {name: str(each["balance"]) for name, each in state.items()}
    entries = {name: await venue.entries(name) for name in ACCOUNTS}
    made.problems += books.differences(made.ledger, entries, balances, made.struck["external"])
    made.problems += _audited(made)


def _audited(made: Lived) -> list[str]:
    """Only what was settled wrongly is unexplained."""
    unexplained = [order for order, verdict in made.ledger.audits.items() if verdict == "unexplained"]
    wrong = made.struck["wrong_settlement"] + made.struck["changed_settlement"]
    return [] if len(unexplained) <= wrong else [f"{len(unexplained)} ends are unexplained, {wrong} were wrong"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--storm", type=int, default=1, metavar="SEED")
    parser.add_argument("--kills", action="store_true", help="kill -9 the run, and then the venue")
    parser.add_argument("--hostile", action="store_true", help="others trade, and the venue settles wrongly, too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files there")
    options = parser.parse_args()
    kinds = storm.KINDS if options.hostile else storm.SAFE + storm.TERMINAL
    with TemporaryDirectory() as folder:
        where: Path = options.keep or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        made = asyncio.run(
            lived(where.resolve(), options.minutes, options.speed, options.storm, kinds, kills=options.kills)
        )
    print(made.text())
    raise SystemExit(bool(made.problems))


if __name__ == "__main__":
    main()
