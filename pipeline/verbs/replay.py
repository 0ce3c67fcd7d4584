"""Run a flow over the data its sources have, in virtual time, as fast as it goes.

examples:
  python -m pipeline replay flows.toml --for 1d
  python -m pipeline replay bench/replay.toml
  python -m pipeline replay flows.toml --from 2026-01-05T08:00:00Z --to 2026-01-05T20:00:00Z --out runs/monday

The same graph decides as in a paper run. Every decision goes to OUT/decisions.parquet, what each bar would have paid to
OUT/outcomes.parquet, every order to OUT/orders.parquet (OUT is the folder `replay` in the flow's data folder, made anew
each time, unless you name one).
"""

import argparse
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.engine import LEDGER_FILE
from pipeline.errors import InputError
from pipeline.live import wall
from pipeline.plan import Plan, tie_of
from pipeline.replaying import Replay, replayed
from pipeline.results import DECISIONS, AccountResult, Results
from pipeline.statistics.shares import factor
from pipeline.times import timeframe_name, utc_text
from pipeline.trials import note_trial
from pipeline.verbs.common import flow_option, json_option, say_json
from pipeline.verbs.planned import proven_plan_of
from pipeline.verbs.spans import progress, span_asked, span_options
from pipeline.watched_run import WatchedRun, both

PLACES = 120
"""Points of a line of equity."""


def options(parser: argparse.ArgumentParser) -> None:
    flow_option(parser)
    span_options(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the results go; a new folder")
    parser.add_argument(
        "--followed", type=Path, metavar="DIR", help="say in DIR/told.json how far it is; end when DIR/stop is there"
    )
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    plan = proven_plan_of(options)
    begin, end = span_asked(plan, options)
    folder = _folder(plan, options.out)
    with ExitStack() as held:
        run = None if options.followed is None else WatchedRun(options.followed, plan.name, begin, end)
        followed = None if run is None else held.enter_context(run)
        with Results(folder, {account: tie_of(plan, account) for account in plan.accounts}) as results:
            replay = replayed(plan, begin, end, results, progress=both(progress("replaying"), followed))
        accounts = dict(results.accounts())
        if run is not None:
            run.find({**_as_json(plan, replay, accounts), "equity": {n: _equity(a) for n, a in accounts.items()}})
    if options.json:
        say_json(_as_json(plan, replay, accounts))
    else:
        print("\n".join((*plan.stamps, *_text(replay, accounts, folder))))
    found = {account: _found(result) for account, result in accounts.items()}
    note_trial(plan.folder / LEDGER_FILE, plan, wall(), "replay", (begin, end), found)
    return 0


def _found(result: AccountResult) -> dict[str, Any]:
    """What of an account's replay is kept with the trial."""
    facts = result.as_json()
    return {name: facts[name] for name in ("bars", "win_rate", "evidence", "profit", "expectancy", "drawdown")}


def _equity(result: AccountResult) -> list[float]:
    """How the profit grew with the trades, in so many places at the most."""
    profits = np.cumsum([float(order.profit) for order in result.orders])
    places = np.linspace(0, len(profits) - 1, min(len(profits), PLACES)).astype(int)
    return [round(float(profits[at]), 2) for at in places]


def _folder(plan: Plan, named: Path | None) -> Path:
    if named is None:
        folder = plan.folder / "replay"
        shutil.rmtree(folder, ignore_errors=True)
        return folder
    if (named / DECISIONS).exists():
        raise InputError(f"{named} holds the results of a replay already; name a new folder, or remove it")
    return named


def _text(replay: Replay, accounts: dict[str, AccountResult], folder: Path) -> list[str]:
    rate = replay.bars / replay.seconds if replay.seconds else 0
    lines = [
        f"{utc_text(replay.begin)} to {utc_text(replay.end)}, shortest bars {timeframe_name(replay.shortest)}",
        f"{replay.bars:,} bars in {replay.seconds:.2f} s: {rate:,.0f} bars/s",
    ]
    for account, result in accounts.items():
        facts = result.as_json()
        luck = f"evidence ×{factor(facts['evidence'])}"
        lines.append(f"{account}: {facts['win_rate']}; {luck}; profit {facts['profit']}, drawdown {facts['drawdown']}")
        lines.append("  " + ", ".join(f"{name} {count:,}" for name, count in result.verdicts.most_common()))
        lines.append(f"  a contract of each would have won, lost, tied: {_would_have(result)}")
    lines += [f"fault in {fault.node} at {utc_text(fault.at)}: {fault.what}" for fault in replay.faults]
    lines.append(f"decisions and orders: {folder}")
    return lines


def _would_have(result: AccountResult) -> str:
    counted = ((verdict, found) for verdict, found in result.would_have.items() if found.sided)
    said = [f"{verdict} {found.won:,}/{found.lost:,}/{found.ties:,}" for verdict, found in counted]
    return ", ".join(said) or "none had a direction"


def _as_json(plan: Plan, replay: Replay, accounts: dict[str, AccountResult]) -> dict[str, Any]:
    return {
        "stamps": list(plan.stamps),
        "begin": replay.begin,
        "end": replay.end,
        "bars": replay.bars,
        "seconds": round(replay.seconds, 4),
        "bars_per_second": round(replay.bars / replay.seconds) if replay.seconds else None,
        "faults": [{"node": fault.node, "at": fault.at, "what": fault.what} for fault in replay.faults],
        "accounts": {account: result.as_json() for account, result in accounts.items()},
    }
