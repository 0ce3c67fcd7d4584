"""Many worlds: a seed each, over several processes, summed up."""

import signal
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import active_children
from pathlib import Path

from pipeline.checking import load_text
from pipeline.plan import Plan
from pipeline.sim.world import Outcome, Terms, lived
from pipeline.sim.worlds import flow_of

START = "2026-01-05T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A flow file that another process can load; without a text it is the built-in one, with other terms each seed."""

    keys: int = 12
    accounts: tuple[str, ...] = ()
    text: str = ""
    file: str = "sim.toml"
    base: str = "."

    def plan(self, seed: int) -> Plan:
        return load_text(self.written(seed), self.file, Path(self.base))

    def written(self, seed: int) -> str:
        return self.text or flow_of(self.keys, START, seed, self.accounts)


@dataclass
class Summary:
    """What many worlds came to."""

    worlds: int = 0
    minutes: float = 0
    counts: Counter[str] = field(default_factory=Counter[str])
    checked: Counter[str] = field(default_factory=Counter[str])
    struck: Counter[str] = field(default_factory=Counter[str])
    failing: list[Outcome] = field(default_factory=list[Outcome])

    def add(self, outcome: Outcome, minutes: float) -> None:
        self.worlds += 1
        self.minutes += minutes
        self.counts.update(outcome.counts)
        self.checked.update(outcome.checked)
        self.struck.update(strike.what for strike in outcome.struck)
        if not outcome.sound:
            self.failing.append(outcome)


def one(flow: Flow, terms: Terms) -> Outcome:
    return lived(flow.plan(terms.seed), terms)


def outcomes(
    flows: Iterable[Flow], terms: Terms, seeds: Iterable[int], jobs: int, register: Callable[[], None]
) -> Iterator[Outcome]:
    """What became of each flow under each seed, in that order; `register` makes the parts known to a process."""
    asked = [(flow, replace(terms, seed=seed)) for seed in seeds for flow in flows]
    if jobs == 1 or len(asked) == 1:
        for flow, each in asked:
            yield one(flow, each)
        return
    with ProcessPoolExecutor(max_workers=jobs, initializer=register) as pool:
        try:
            with _undisturbed():
                lives = pool.map(one, *zip(*asked, strict=True), chunksize=1)
            yield from lives
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():  # nobody waits for worlds that nobody counts
                process.terminate()
            raise


@contextmanager
def _undisturbed() -> Generator[None]:
    """Ctrl-C waits meanwhile, here and in processes that begin now: these leave it to us to end them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
