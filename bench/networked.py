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
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from bench.wire import books, storm
from bench.wire.programs import Engine, Venue, verb

ACCOUNTS = ("demo-1", "demo-2", "demo-3", "demo-4")
PRODUCTS = ("R_10", "R_25", "R_50", "R_100")
ENDING = 60
"""Seconds by which all contracts have ended; the longest lasts five minutes of a fast clock."""
NAMED = (*storm.BY_HAND, *storm.CONTRADICTING)
"""What a certificate or an audit has to name."""
MOST = {"trading": 360, "balance": 100, "portfolio": 30, "rest": 80, "others": 220}
"""What the venue answers a minute, of each account."""
FLOW = """
[moonlight]
data = "data"

{accounts}
[venues.broker]
use = "deriv"
url = "{url}"
practice = true
speed = {speed:g}
payout_every = "5m"
max_clock_offset_ms = 20_000
payout_slack = 0.05

[sources.market]
use = "deriv"
url = "{socket}/trading/v1/options/ws/public"
practice = true
speed = {speed:g}
products = [{products}]
quiet_after = "300s"

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]
grace_ms = 20_000

[features]
fast = {{ use = "sma", period = 2 }}
slow = {{ use = "sma", period = 5 }}

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = [{names}]
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "900.00"
threshold = 0.0
cool_down = "1s"

[sinks.orders]
use = "executor"
from = "main"
answer_seconds = 120
max_unknown = 6

[sinks.store]
use = "store"
from = ["main", "orders"]
"""


@dataclass
class Lived:
    """What was done, and what came of it."""

    seconds: float = 0.0
    speed: float = 1.0
    ledger: books.Read = books.NOTHING
    problems: list[str] = field(default_factory=list[str])
    struck: Counter[str] = field(default_factory=Counter[str])
    calls: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Of each of the venue's limits, how much of it each account had used in the minute before each look."""
    standings: Counter[str] = field(default_factory=Counter[str])
    troubles: Counter[str] = field(default_factory=Counter[str])
    reconnects: int = 0
    verified: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        orders = [each for each in self.ledger.orders if each.origin == "flow"]
        ends = Counter(f"{each.state} {each.cause}".strip() for each in orders)
        waits = [(each.taken_at - each.sent_at) / self.speed for each in orders if each.taken_at and each.sent_at]
        unsound = {each.account: each.unexplained for each in self.ledger.last.values() if each.unexplained}
        audits = Counter(self.ledger.audits.values())
        latency = f"mean {mean(waits):.0f} ms, p95 {float(np.quantile(waits, 0.95)):.0f} ms" if waits else "none"
        lines = [
            f"{self.seconds:.0f} s at {self.speed:g} times the speed of time, {len(orders)} orders: {_several(ends)}",
            f"struck: {sum(self.struck.values())} faults of {len(self.struck)} kinds: {_several(self.struck)}",
            f"of unknown outcome for a while: {_several(self.ledger.doubts)}",
            f"reconnects {self.reconnects}; standings told: {_several(self.standings)}",
            f"troubles told: {_several(self.troubles)}",
            f"from sending to the answer: {latency}",
            "calls of an account in a minute of the venue's clock: "
            + ", ".join(f"{name} {mean(of):.0f}, at most {max(of)} of {MOST[name]}" for name, of in self._of_limits()),
            f"certificates: {len(self.ledger.certificates)}, the last of {len(ACCOUNTS) - len(unsound)} accounts clean",
            *(f"  {account}: {each}" for account, several in unsound.items() for each in several),
            f"audits: {_several(audits)}; disputed orders {len(self.ledger.disputed)}",
            *(f"verify: {each}" for each in self.verified),
            f"{len(self.problems)} problems",
        ]
        return "\n".join((*lines, *(f"  {each}" for each in self.problems[:20])))

    def _of_limits(self) -> list[tuple[str, list[int]]]:
        return [(name, self.calls[name]) for name in MOST if self.calls.get(name)]


async def lived(
    folder: Path,
    minutes: float,
    speed: float,
    seed: int,
    kinds: Collection[str] = storm.SAFE,
    *,
    kills: bool = False,
    close_early: bool = True,
    verify: bool = True,
) -> Lived:
    """Two programs for so many real minutes of storm, and what their books say afterwards."""
    venue, made = Venue(folder / "venue", speed), Lived(speed=speed)
    await venue.start()
    engine = Engine(_flow(folder, venue, speed))
    try:
        await engine.start()
        await engine.connected(len(ACCOUNTS))
        began = perf_counter()
        await _storm(venue, seed, kinds, minutes, speed)
        parts = 3 if kills else 1
        for part in range(parts):
            await _looked_at(venue, made, minutes * 60 / parts / 2)
            if close_early:
                await verb("close", "--all", "--flow", str(engine.file))
            await _looked_at(venue, made, minutes * 60 * (part + 1) / parts - (perf_counter() - began))
            if kills and part == 0:
                await engine.kill()
                await engine.start()
            elif kills and part == 1:
                await venue.kill()
                await venue.start()
                await _storm(venue, seed + 1, kinds, minutes / 3, speed)
        made.seconds = perf_counter() - began
        if (code := await engine.stop()) != 0:
            made.problems.append(f"the run ended with {code}: {engine.said.read_text(encoding='utf-8')[-300:]}")
        await _compared(venue, engine, made)
    finally:
        await engine.kill()
        await venue.stop()
    for session in engine.sessions:
        _counted(session / "journal.jsonl", made)
        if verify:
            code, said = await verb("verify", str(session))
            made.verified.append(next((line for line in said.splitlines() if "identical" in line), said.strip()[-200:]))
            if code:
                made.problems.append(f"{session.name} is not made again: {said.strip()[-200:]}")
    return made


def _flow(folder: Path, venue: Venue, speed: float) -> Path:
    accounts = "\n".join(
        f'[accounts.{name}]\nvenue = "broker"\nmoney = "practice"\nbalance = "10000.00"\n' for name in ACCOUNTS
    )
    text = FLOW.format(
        accounts=accounts,
        url=venue.url,
        socket=venue.url.replace("http", "ws", 1),
        speed=speed,
        products=_quoted(PRODUCTS),
        names=_quoted(ACCOUNTS),
    )
    file = folder / "flow.toml"
    file.write_text(text, encoding="utf-8")
    return file


async def _storm(venue: Venue, seed: int, kinds: Collection[str], minutes: float, speed: float) -> None:
    for fault in storm.drawn(seed, kinds, ACCOUNTS, PRODUCTS, minutes, speed):
        await venue.set(fault)


async def _looked_at(venue: Venue, made: Lived, seconds: float) -> None:
    """Let time pass, and look now and then how much of its limits each account has used."""
    until = perf_counter() + seconds
    while (left := until - perf_counter()) > 0:
        await asyncio.sleep(min(1.0, left))
        for account in (await venue.state())["accounts"].values():
            for name, count in account["calls"].items():
                made.calls.setdefault(name, []).append(count)


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


def _counted(journal: Path, made: Lived) -> None:
    """What entered of how accounts stood, and of what went wrong."""
    with journal.open(encoding="utf-8") as lines:
        for line in lines:
            if '"type":"Standing"' in line:
                state: str = _value(line)["state"]
                made.standings[state] += 1
                made.reconnects += state == "RECONNECT"
            elif '"type":"Trouble"' in line:
                made.troubles[_value(line)["kind"]] += 1


def _value(line: str) -> Mapping[str, Any]:
    told = json.loads(line)
    return told["value"]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _several(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items())) or "none"


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
